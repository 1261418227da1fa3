// Small graphs, one pass, and the check that it keeps their meaning.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "passes/pass.hpp"
#include "support/graph_builder.hpp"

namespace tenfold::test {

using ir::Graph;
using ir::kNone;
using passes::Stage;

/// The operators of a graph in topological order, "Conv Relu Conv".
inline std::string op_list(const Graph& graph) {
  std::string text;
  for (ir::NodeId id : graph.topological_order()) text += (text.empty() ? "" : " ") + graph.node(id).op;
  return text;
}

inline size_t count(const Graph& graph, std::string_view op) {
  size_t n = 0;
  for (ir::NodeId id : graph.topological_order()) n += graph.node(id).op == op;
  return n;
}

/// The only node of that operator.
inline const ir::Node& only(const Graph& graph, std::string_view op) {
  const ir::Node* found = nullptr;
  for (ir::NodeId id : graph.topological_order())
    if (graph.node(id).op == op) found = &graph.node(id);
  EXPECT_EQ(count(graph, op), 1u) << op << " in\n" << ir::to_text(graph);
  return *found;
}

/// All passes of a stage but the named ones.
inline passes::PassOptions only_passes(Stage stage, const std::set<std::string>& names) {
  passes::PassOptions options;
  for (const passes::Pass* pass : passes::pipeline(stage))
    if (!names.contains(pass->name)) options.disabled.insert(pass->name);
  return options;
}

inline size_t run_passes(Graph& graph, Stage stage, const passes::PassOptions& options) {
  size_t changes = 0;
  for (const auto& record : passes::run(graph, stage, options)) changes += record.changes;
  return changes;
}

/// Runs the named passes (all of the stage where none is named) and checks that outputs keep their names,
/// types and values for random inputs; symbolic extents become 2, 3, ... for that.  Returns the operator list
/// afterwards.
inline std::string optimised(Graph graph, std::set<std::string> names = {}, Stage stage = Stage::canonicalise,
                             Graph* result = nullptr, double tolerance = 2e-5) {
  const Graph before = graph;
  run_passes(graph, stage, names.empty() ? passes::PassOptions{} : only_passes(stage, names));
  std::mt19937 rng(11);
  std::vector<Tensor> inputs;
  for (ValueId id : before.inputs) {
    Shape shape = *before.value(id).shape;
    for (int i = 0; i < shape.rank(); i++)
      if (is_symbol(shape[i])) shape[i] = 2 + static_cast<int64_t>(symbol_index(shape[i]));
    inputs.push_back(random_tensor(before.value(id).dtype, shape, rng));
  }
  const std::vector<Tensor> expected = evaluate_graph(before, inputs), actual = evaluate_graph(graph, inputs);
  EXPECT_EQ(expected.size(), actual.size());
  for (size_t i = 0; i < std::min(expected.size(), actual.size()); i++) {
    EXPECT_EQ(before.value(before.outputs[i]).name, graph.value(graph.outputs[i]).name);
    EXPECT_EQ(expected[i].dtype(), actual[i].dtype());
    EXPECT_EQ(expected[i].shape(), actual[i].shape()) << ir::to_text(graph);
    if (!(expected[i].shape() == actual[i].shape())) continue;
    double worst = 0, range = 1;
    for (int64_t k = 0; k < expected[i].elements(); k++) {
      EXPECT_FALSE(std::isnan(actual[i].at_double(k)));
      range = std::max(range, std::fabs(expected[i].at_double(k)));
      worst = std::max(worst, std::fabs(expected[i].at_double(k) - actual[i].at_double(k)));
    }
    EXPECT_LE(worst, tolerance * range) << ir::to_text(before) << "\nbecame\n" << ir::to_text(graph);
  }
  if (result) *result = graph;
  return op_list(graph);
}

}  // namespace tenfold::test
