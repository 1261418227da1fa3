// ONNX's own operator tests: models of one operator with stored inputs and outputs, run through reference
// evaluation.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <vector>

#include "onnx/onnx.hpp"
#include "onnx/proto.hpp"
#include "onnx/tensor_data.hpp"
#include "ops/op.hpp"

namespace tenfold {
namespace {

namespace fs = std::filesystem;

constexpr double kRelative = 1e-3,
                 kAbsolute = 1e-5;  // ONNX's own runner allows 1e-3 and 1e-7, in the model's precision

/// Tests whose stored outputs say something else than tenfold means to do.
const std::map<std::string, const char*> kDeviations = {
    {"test_cast_FLOAT_to_BFLOAT16", "half-precision types are computed, and returned, as f32"},
    {"test_castlike_FLOAT_to_BFLOAT16", "half-precision types are computed, and returned, as f32"},
    {"test_castlike_FLOAT_to_BFLOAT16_expanded", "half-precision types are computed, and returned, as f32"},
    {"test_resize_downsample_scales_cubic_align_corners",
     "ONNX aligns to a fractional output length, engines to the real one"},
    {"test_resize_downsample_scales_linear_align_corners",
     "ONNX aligns to a fractional output length, engines to the real one"},
};

std::string read_bytes(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string field(int number, const std::string& payload) {
  std::string bytes(1, static_cast<char>(number << 3 | 2));
  for (size_t n = payload.size();; n >>= 7) {
    bytes += static_cast<char>((n & 0x7f) | (n >= 0x80 ? 0x80 : 0));
    if (n < 0x80) break;
  }
  return bytes + payload;
}

/// A file that holds one TensorProto, read as the only initializer of a model made around it.
Tensor read_tensor(const fs::path& path) {
  const std::string model = field(7, field(5, read_bytes(path)));
  const auto parsed = onnx::proto::parse(model);
  onnx::TensorReader reader({reinterpret_cast<const std::byte*>(model.data()), model.size()}, false, nullptr,
                            {});
  const Tensor t = reader.read(parsed.graph->initializers.at(0));
  if (t.dtype() == DType::string) return t;
  Tensor copy(t.dtype(), t.shape());  // the bytes of the model go away
  if (t.bytes() > 0) std::memcpy(copy.mutable_raw(), t.raw(), t.bytes());
  return copy;
}

std::vector<Tensor> run(const ir::Graph& graph, const std::vector<Tensor>& inputs) {
  std::map<ir::ValueId, Tensor> values;
  for (size_t i = 0; i < graph.inputs.size(); i++) values[graph.inputs[i]] = inputs.at(i);
  const auto value = [&](ir::ValueId id) -> Tensor {
    if (id == ir::kNone) return {};
    if (const Tensor* constant = graph.constant(id)) return *constant;
    return values.at(id);
  };
  for (ir::NodeId id : graph.topological_order()) {
    std::vector<Tensor> in;
    for (ir::ValueId v : graph.node(id).inputs) in.push_back(value(v));
    const auto out = ops::evaluate(graph, id, in);
    for (size_t k = 0; k < out.size(); k++) values[graph.node(id).output(k)] = out[k];
  }
  std::vector<Tensor> outputs;
  for (ir::ValueId v : graph.outputs) outputs.push_back(value(v));
  return outputs;
}

/// Empty where the tensors agree, else what differs.
std::string difference(const Tensor& got, const Tensor& want) {
  if (got.dtype() != want.dtype())
    return fmt::format("type {} instead of {}", to_string(got.dtype()), to_string(want.dtype()));
  if (!(got.shape() == want.shape()))
    return fmt::format("shape {} instead of {}", to_string(got.shape()), to_string(want.shape()));
  for (int64_t i = 0; i < want.elements(); i++) {
    const double a = got.at_double(i), b = want.at_double(i);
    const bool same =
        a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= kAbsolute + kRelative * std::abs(b);
    if (!same) return fmt::format("element {} is {} instead of {}", i, a, b);
  }
  return {};
}

std::string check_data_set(const ir::Graph& graph, const fs::path& folder) {
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < graph.inputs.size(); i++)
    inputs.push_back(read_tensor(folder / fmt::format("input_{}.pb", i)));
  const auto outputs = run(graph, inputs);
  for (size_t i = 0; i < outputs.size(); i++) {
    const std::string d = difference(outputs[i], read_tensor(folder / fmt::format("output_{}.pb", i)));
    if (!d.empty()) return fmt::format("output {}: {}", i, d);
  }
  return {};
}

struct Outcome {
  enum { passed, failed, unsupported } kind;
  std::string message;
};

Outcome check_model(const fs::path& folder) {
  try {
    const ir::Graph graph = onnx::load(folder / "model.onnx");
    for (int set = 0; fs::exists(folder / fmt::format("test_data_set_{}", set)); set++)
      if (std::string d = check_data_set(graph, folder / fmt::format("test_data_set_{}", set)); !d.empty())
        return {Outcome::failed, d};
    return {Outcome::passed, {}};
  } catch (const Error& e) {
    return {e.code() == ErrorCode::unsupported ? Outcome::unsupported : Outcome::failed, e.what()};
  } catch (const std::exception& e) {
    return {Outcome::failed, e.what()};
  }
}

TEST(OnnxBackend, NodeTests) {
  const char* root = std::getenv("TENFOLD_ONNX_BACKEND_TESTS");
  if (!root)
    GTEST_SKIP() << "set TENFOLD_ONNX_BACKEND_TESTS to onnx/backend/test/data/node of the onnx package to "
                    "run this test";
  std::set<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(root))
    if (fs::exists(entry.path() / "model.onnx")) folders.insert(entry.path());
  ASSERT_FALSE(folders.empty()) << root << " holds no tests";
  size_t passed = 0, unsupported = 0;
  for (const fs::path& folder : folders) {
    const Outcome outcome = check_model(folder);
    const std::string name = folder.filename().string();
    if (outcome.kind == Outcome::passed)
      passed++;
    else if (outcome.kind == Outcome::unsupported) {
      unsupported++;
      fmt::print("unsupported {}: {}\n", name, outcome.message);
    } else if (kDeviations.contains(name))
      fmt::print("deviates {}: {}\n", name, kDeviations.at(name));
    else
      ADD_FAILURE() << name << ": " << outcome.message;
  }
  fmt::print("{} of {} node tests pass, {} are unsupported\n", passed, folders.size(), unsupported);
}

}  // namespace
}  // namespace tenfold
