// Post-training quantization: graphs in, graphs with QuantizeLinear / DequantizeLinear out.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "ir/graph.hpp"
#include "quant/calibrate.hpp"

namespace tenfold::quant {

struct QuantizeOptions {
  bool per_channel = true;        ///< weights: one scale per output channel
  std::set<std::string> exclude;  ///< nodes that stay FP32, by node_label(); an unknown one is an error
  std::set<std::string> ops;      ///< operators to quantize; empty: all that have an int8 form
  /// Ranges end where the only reader stops telling values apart (HardSwish at -3, HardSigmoid at both ends,
  /// ...).
  bool saturate_ranges = true;
  /// Concat's inputs take the range of its output, so that it only copies, unless one is this many times
  /// narrower.
  float concat_range_ratio = 4.0f;
};

/// What became of one node, for reports.
struct NodeRecord {
  std::string node, op;
  bool quantized = false;
  std::string reason;  ///< for an FP32 node: why
};

/// A node with quantized weights, and the value that holds its result before any Q/DQ in the quantized graph.
struct QuantizedLayer {
  std::string node, op, float_output, quantized_output;
};

struct QuantizeResult {
  ir::Graph graph;
  std::vector<NodeRecord> records;     ///< every node with an FP32 result, in execution order
  std::vector<QuantizedLayer> layers;  ///< static quantization only, in execution order
};

/// How options and reports call a node: its name, or the name of its first output where it has none.
std::string node_label(const ir::Graph& graph, ir::NodeId id);

/// Throws invalid_argument, naming the node, where activations are quantized already: what is compared with
/// such a model, or added to it, would not start from FP32.
void require_float(const ir::Graph& graph);

/// The values whose ranges quantize_static() will ask for with these options.
std::vector<std::string> calibration_values(const ir::Graph& graph, const QuantizeOptions& options = {});
/// A superset: the values that it may ask for whatever more is excluded.  One calibration then serves a whole
/// search.
std::vector<std::string> calibration_values_for_search(const ir::Graph& graph,
                                                       const QuantizeOptions& options = {});

/// Static quantization in the QDQ form that ONNX Runtime, OpenVINO and the native engine fold into int8
/// kernels: u8 asymmetric activations, s8 symmetric weights, int32 biases.  Expects a canonicalised graph
/// (batch norms folded).
///
/// Q/DQ pairs stand on the inputs and results of int8 operators.  None stands between Conv / MatMul / Gemm /
/// Add / Mul and a Relu or Clip that alone consumes the result, nor between unary operators in a row, nor
/// where only FP32 operators or the caller consume the result.  Operators that move data keep scale and zero
/// point. Throws invalid_argument for an unknown excluded node or operator, and for a value that `table`
/// lacks.
QuantizeResult quantize_static(const ir::Graph& graph, const CalibrationTable& table,
                               const QuantizeOptions& options = {});

/// Dynamic quantization of MatMul and Gemm with constant weights: DynamicQuantizeLinear -> MatMulInteger ->
/// Cast -> Mul (-> Add), the form that ONNX Runtime fuses.  Needs no data.
QuantizeResult quantize_dynamic(const ir::Graph& graph, const QuantizeOptions& options = {});

}  // namespace tenfold::quant
