// Keys of packed weights.
#pragma once

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <initializer_list>
#include <string>

#include "ir/graph.hpp"

namespace tenfold::plan {

/// A key that names a packed form by kind, by shape and content of the constants it is made from (inputs of
/// `node`; XXH3 of 128 bits, 20 GB/s), and by whatever else it depends on.  Content, not address: lowering
/// makes new constants for every plan, which must find what an earlier plan packed.
template <class... Args>
std::string pack_key(std::string_view kind, const ir::Graph& graph, const ir::Node& node,
                     std::initializer_list<size_t> constants, Args&&... args) {
  std::string key{kind};
  for (size_t input : constants) {
    const Tensor* t = graph.constant(node.input(input));
    if (!t) {
      key += ",none";
      continue;
    }
    const XXH128_hash_t h = XXH3_128bits(t->raw(), t->bytes());
    key += fmt::format(",{}{}:{:x}{:x}", tenfold::to_string(t->dtype()), tenfold::to_string(t->shape()),
                       h.high64, h.low64);
  }
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
