// Convolutions and matrix products with constant weights, as passes that scale and shift channels see them.
#pragma once

#include <optional>
#include <vector>

#include "ir/graph.hpp"
#include "ir/patch.hpp"

namespace tenfold::passes {

/// y = scale[c] * x + shift[c] over channels c; kept in double so that a chain of folds rounds once.
struct ChannelAffine {
  std::vector<double> scale, shift;
  bool scales() const;  ///< some factor is not 1
  bool shifts() const;  ///< some summand is not 0
};

/// A Conv, ConvTranspose, Gemm or MatMul without residual or activation, whose weights are a constant or a
/// DequantizeLinear of a constant.
struct Linear {
  const ir::Node* node;
  int channel_axis;  ///< of the output
  int64_t channels;  ///< output channels
  int weight_axis;   ///< axis of the weights that holds the output channels (of one group, for ConvTranspose)
  int64_t groups;    ///< > 1: ConvTranspose in groups, whose channels also lie along weight axis 0
};

/// The linear operator that produces `output`, if it is one.
std::optional<Linear> linear_producer(const ir::Graph& graph, ir::ValueId output);

/// What a node does to `x`, where that is a map of channels along `axis` that leaves the shape as it is:
/// BatchNormalization, or Mul, Div, Add, Sub with a constant that has extent `channels` or 1 there and 1
/// elsewhere.
struct AffineNode {
  ir::ValueId x;
  ChannelAffine affine;
};
std::optional<AffineNode> affine_node(const ir::Graph& graph, const ir::Node& node, int axis,
                                      int64_t channels);

/// Weights [C, 1, ...] and bias [C] of the depthwise convolution that a BatchNormalization of an image of C
/// known channels is.
struct DepthwiseAffine {
  Tensor weights, bias;
};
std::optional<DepthwiseAffine> depthwise_affine(const ir::Graph& graph, const ir::Node& node);

/// The linear operator with `affine` applied to its output, added to `patch`; kNone where its weights or bias
/// cannot carry that.  The weights are copied, so shared ones stay.
ir::ValueId apply_after(ir::Patch& patch, const ir::Graph& graph, const Linear& op,
                        const ChannelAffine& affine);

/// The weights with every output channel times its factor, added to `patch`; kNone where quantized weights
/// cannot carry that.
ir::ValueId scaled_weights(ir::Patch& patch, const ir::Graph& graph, const Linear& op,
                           const std::vector<double>& scale);

/// The `n` values (or one, repeated) of a constant, or of a DequantizeLinear of constants with any number of
/// scales and one zero point.
std::optional<std::vector<double>> constant_vector(const ir::Graph& graph, ir::ValueId id, int64_t n);
/// A 1-D f32 tensor.
Tensor f32_vector(const std::vector<double>& values);

}  // namespace tenfold::passes
