// Keys of packed weights.
#pragma once

#include <fmt/format.h>

#include <cstring>
#include <string>

#include "tensor/tensor.hpp"

namespace tenfold::plan {

/// A key that names a packed form by kind, by the bytes of the constants it is made from (their address:
/// constants are immutable and live as long as the session), and by whatever else it depends on.
template <class... Args>
std::string pack_key(std::string_view kind, const Tensor& weights, Args&&... args) {
  std::string key = fmt::format("{}@{}", kind, fmt::ptr(weights.raw()));
  ((key += fmt::format(",{}", args)), ...);
  return key;
}

/// [k][n] -> [n][k].
template <class T>
std::vector<T> transposed(const T* w, int64_t k, int64_t n) {
  std::vector<T> out(static_cast<size_t>(k * n));
  for (int64_t i = 0; i < k; i++)
    for (int64_t j = 0; j < n; j++) out[static_cast<size_t>(j * k + i)] = w[i * n + j];
  return out;
}

/// [n][channels][kernel...] -> [n][kernel...][channels], the order in which packing takes convolution
/// weights.
template <class T>
std::vector<T> taps_outside(const T* w, int64_t filters, int64_t channels, int64_t taps) {
  std::vector<T> out(static_cast<size_t>(filters * channels * taps));
  for (int64_t n = 0; n < filters; n++)
    for (int64_t c = 0; c < channels; c++)
      for (int64_t t = 0; t < taps; t++)
        out[static_cast<size_t>((n * taps + t) * channels + c)] = w[(n * channels + c) * taps + t];
  return out;
}

}  // namespace tenfold::plan
