// Every model file under a folder that the environment names: loads, or fails with a typed error; what loads
// is written at operator sets 17 and 13 and loads again.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <vector>

#include "onnx/onnx.hpp"

namespace tenfold {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> models_under(const char* folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".onnx") found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

/// Writes `graph` at `opset` and reads it back; under TENFOLD_TEST_SAVE the file is kept there for other
/// checkers.
void round_trip(const ir::Graph& graph, int opset, const std::string& name) {
  const std::string bytes = onnx::save_to_bytes(graph, {.opset = opset});
  const ir::Graph again = onnx::load(std::as_bytes(std::span(bytes)), nullptr);
  ir::verify(again);
  ASSERT_EQ(again.inputs.size(), graph.inputs.size());
  ASSERT_EQ(again.outputs.size(), graph.outputs.size());
  for (size_t i = 0; i < graph.outputs.size(); i++) {
    const ir::Value &a = graph.value(graph.outputs[i]), &b = again.value(again.outputs[i]);
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.dtype, b.dtype) << name << " output " << a.name;
  }
  if (const char* folder = std::getenv("TENFOLD_TEST_SAVE"))
    std::ofstream(fs::path(folder) / fmt::format("{}.{}.onnx", name, opset), std::ios::binary) << bytes;
}

std::string flat_name(const fs::path& path) {
  std::string name = path.parent_path().filename().string() + "." + path.stem().string();
  return name;
}

TEST(Folder, EveryModelLoadsOrSaysWhyNot) {
  const char* folder = std::getenv("TENFOLD_TEST_MODELS");
  if (!folder) GTEST_SKIP() << "set TENFOLD_TEST_MODELS to a folder of .onnx files to run this test";
  std::map<std::string, int> outcomes;
  const auto attempt = [&](const fs::path& path, const std::string& stage, auto&& action) {
    try {
      action();
      outcomes[stage]++;
      return true;
    } catch (const Error& e) {
      EXPECT_NE(e.code(), ErrorCode::internal) << path << " " << e.what();
      outcomes[stage + ": " + std::string(to_string(e.code()))]++;
      if (std::getenv("TENFOLD_TEST_VERBOSE")) fmt::print("{}: {}: {}\n", path.string(), stage, e.what());
      return false;
    }
  };
  for (const fs::path& path : models_under(folder)) {
    ir::Graph graph;
    if (!attempt(path, "load", [&] { ir::verify(graph = onnx::load(path)); })) continue;
    for (const int opset : {17, 13})
      attempt(path, fmt::format("save at {}", opset), [&] { round_trip(graph, opset, flat_name(path)); });
  }
  for (const auto& [outcome, count] : outcomes) fmt::print("{}: {}\n", outcome, count);
}

}  // namespace
}  // namespace tenfold
