// Integer products of activations that are quantized at run time, as dynamic quantizers write them.
#pragma once

#include "ir/patch.hpp"
#include "passes/int8/quantized.hpp"

namespace tenfold::passes {

/// Where the output channels of a product are: the axis of its weights, and that of its result counted from
/// the end (1: the last).
struct ChannelAxes {
  int weights, result_from_end;
};

/// True where `node` (MatMulInteger, ConvInteger) multiplies a u8 activation with constant weights that are
/// not empty, and the zero point of the activation is one value.
bool multiplies_dynamic(const ir::Graph& graph, const ir::Node& node);

/// node -> Cast -> Mul by (x scale * weight scales) [-> Add bias] as one `op` with these attributes; nothing
/// where it is used or scaled otherwise.
std::optional<ir::Patch> lower_dynamic(const ir::Graph& graph, const ir::Node& node, const char* op,
                                       ChannelAxes channels, ir::Attributes attrs);

}  // namespace tenfold::passes
