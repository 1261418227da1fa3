// Weights in the order of execution: a matrix product fetches those of the next one.
#pragma once

#include "plan/step.hpp"

namespace tenfold::plan {

/// Of weights that lie before their parameters.
template <class Packed>
std::span<const std::byte> weight_bytes(const Packed& w) {
  return {w.weights, static_cast<size_t>(w.params - w.weights)};
}

/// What a step of INT8 products fetches while it runs.
class FetchAhead {
 public:
  void set(std::span<const std::byte> weights) {
    constexpr size_t kMost = size_t{256} << 10;  // a quarter of a second-level cache, or half of a small one
    weights_ = weights.first(std::min(weights.size(), kMost));
  }
  void apply(kernels::GemmU8& gemm) const {
    gemm.prefetch = weights_.data();
    gemm.prefetch_bytes = weights_.size();
  }

 private:
  std::span<const std::byte> weights_;
};

}  // namespace tenfold::plan
