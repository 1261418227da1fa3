// FP32 convolutions that kernels over packed weights take.
#pragma once

#include <optional>

#include "ops/convolve.hpp"
#include "plan/step.hpp"

namespace tenfold::plan {

/// The geometry, where weights and bias are constant and the node is a channels-last convolution.
inline std::optional<ops::Convolution> packable_convolution(const BuildContext& b, const ir::Node& n) {
  const bool bias = n.input(2) == ir::kNone || b.graph.constant(n.input(2));
  if (!n.attrs.get_int("channels_last", 0) || !b.graph.constant(n.input(1)) || !bias) return std::nullopt;
  return ops::resolve_convolution(n, b.shape(n.input(0)), b.shape(n.input(1)));
}

}  // namespace tenfold::plan
