// Operators whose axes, pads, splits or sizes moved from attributes to inputs.
#include <algorithm>
#include <array>

#include "onnx/rules.hpp"

namespace tenfold::onnx {
namespace {

using ir::kNone;

/// Moves an integer-list attribute to input `at`, which older versions did not have.
void list_to_input(NodeImport& n, const char* attribute, size_t at) {
  if (!n.attrs.has(attribute)) return;
  if (n.inputs.size() > at) n.fail("both attribute '{}' and input {}", attribute, at);
  n.inputs.resize(at + 1, kNone);
  n.inputs[at] = n.ints(n.attrs.get_ints(attribute), attribute);
  n.attrs.erase(attribute);
}

void axes_to_input(NodeImport& n) {
  list_to_input(n, "axes", 1);
  n.keep();
}

void slice(NodeImport& n) {
  const auto starts = n.attrs.get_ints("starts"), ends = n.attrs.get_ints("ends");
  if (starts.empty() || starts.size() != ends.size())
    n.fail("{} starts and {} ends", starts.size(), ends.size());
  std::vector<ir::ValueId> in{n.need(0), n.ints(starts, "starts"), n.ints(ends, "ends")};
  if (n.attrs.has("axes")) in.push_back(n.ints(n.attrs.get_ints("axes"), "axes"));
  n.finish("Slice", std::move(in));
}

/// Without sizes, versions before 18 divide equally; version 18 wants the number of parts as an attribute.
void split(NodeImport& n) {
  list_to_input(n, "split", 1);
  if (!n.has_input(1)) n.attrs.set("num_outputs", static_cast<int64_t>(n.source.outputs.size()));
  n.keep();
}

void pad(NodeImport& n) {
  if (!n.attrs.has("pads")) n.fail("attribute 'pads' is missing");
  const std::string mode = n.attrs.get_string("mode", "constant");
  std::vector<ir::ValueId> in{n.need(0), n.ints(n.attrs.get_ints("pads"), "pads")};
  if (mode == "constant") in.push_back(n.scalar(n.attrs.get_float("value", 0.0f), "value"));
  n.finish("Pad", std::move(in), {{"mode", mode}});
}

void clip(NodeImport& n) {
  std::vector<ir::ValueId> in{n.need(0), kNone, kNone};
  if (n.attrs.has("min")) in[1] = n.scalar(n.attrs.get_float("min", 0), "min");
  if (n.attrs.has("max")) in[2] = n.scalar(n.attrs.get_float("max", 0), "max");
  while (in.back() == kNone) in.pop_back();
  n.finish("Clip", std::move(in));
}

void top_k(NodeImport& n) {
  const int64_t k = n.attrs.get_int("k", -1);
  n.finish("TopK", {n.need(0), n.ints({k}, "k")},
           {{"axis", n.attrs.get_int("axis", -1)}, {"largest", int64_t{1}}, {"sorted", int64_t{1}}});
}

/// Exporters set allowzero where no zero occurs; versions before 14 lack it.
void reshape(NodeImport& n) {
  if (const auto target = n.integers_of(n.need(1));
      target && std::find(target->begin(), target->end(), 0) == target->end())
    n.attrs.erase("allowzero");
  n.keep();
}

void scatter(NodeImport& n) { n.finish("ScatterElements", n.inputs, n.attrs); }

constexpr std::array kRules{
    Rule{"Squeeze", 12, axes_to_input},
    Rule{"Unsqueeze", 12, axes_to_input},
    Rule{"ReduceSum", 12, axes_to_input},
    Rule{"ReduceL1", 17, axes_to_input},
    Rule{"ReduceL2", 17, axes_to_input},
    Rule{"ReduceLogSum", 17, axes_to_input},
    Rule{"ReduceLogSumExp", 17, axes_to_input},
    Rule{"ReduceMax", 17, axes_to_input},
    Rule{"ReduceMean", 17, axes_to_input},
    Rule{"ReduceMin", 17, axes_to_input},
    Rule{"ReduceProd", 17, axes_to_input},
    Rule{"ReduceSumSquare", 17, axes_to_input},
    Rule{"Slice", 9, slice},
    Rule{"Split", 17, split},
    Rule{"Pad", 10, pad},
    Rule{"Clip", 10, clip},
    Rule{"TopK", 9, top_k},
    Rule{"Reshape", kAnyOpset, reshape},
    Rule{"Scatter", kAnyOpset, scatter},
};

}  // namespace

std::span<const Rule> shape_rules() { return kRules; }

}  // namespace tenfold::onnx
