// Decides which nodes run in int8 and which values get a Q/DQ pair.
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "quant/quantize.hpp"

namespace tenfold::quant {

struct Placement {
  std::vector<ir::NodeId> compute;      ///< Conv, MatMul, ... to be given s8 weights, in execution order
  std::vector<ir::ValueId> values;      ///< activations that get a Q/DQ pair, in execution order
  std::vector<ir::ValueId> candidates;  ///< activations that might get one if more nodes were excluded
  std::vector<std::pair<ir::NodeId, size_t>> constants;  ///< constant operands of Add and Mul, to become u8
  std::vector<std::pair<ir::ValueId, ir::ValueId>>
      shared;                       ///< (result, input) pairs with the same scale and zero point
  std::vector<ir::NodeId> concats;  ///< quantized Concat nodes, whose inputs may share too
  std::vector<NodeRecord> records;
};

Placement place(const ir::Graph& graph, const QuantizeOptions& options);

/// Throws invalid_argument where options.exclude names no node of the graph, or options.ops an operator that
/// `known` rejects as having no such `form`.
void check_options(const ir::Graph& graph, const QuantizeOptions& options, std::string_view form,
                   bool (*known)(std::string_view op));

/// Where the weight of a compute node carries its output channels; nothing if only one scale fits (grouped
/// ConvTranspose).
std::optional<int> weight_axis(const ir::Node& node);

/// Why a MatMul, Gemm, Conv or ConvTranspose cannot have int8 weights, or "" if it can.
std::string weight_obstacle(const ir::Graph& graph, const ir::Node& node);

}  // namespace tenfold::quant
