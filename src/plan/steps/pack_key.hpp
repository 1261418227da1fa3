// Keys of packed weights, and weights in the order of packing.
#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <iterator>
#include <string>

#include "ir/graph.hpp"
#include "kernels/kernels.hpp"
#include "plan/pack_cache.hpp"

namespace tenfold::plan {

/// A hash of a few bytes: what tells most constants of one shape apart without reading all weights, which
/// PackCache compares where the hashes are equal.
inline uint64_t sampled_hash(const Tensor& t) {
  constexpr size_t kSamples = 16;
  const auto* bytes = static_cast<const unsigned char*>(t.raw());
  const size_t step = t.bytes() / kSamples + 1;
  uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (size_t at = 0; at < t.bytes(); at += step) hash = (hash ^ bytes[at]) * 1099511628211u;
  return hash;
}

/// The key of a packed form: its kind, the constants it is made from (inputs of `node`), and whatever else it
/// depends on.
template <class... Args>
PackKey pack_key(std::string_view kind, const ir::Graph& graph, const ir::Node& node,
                 std::initializer_list<size_t> constants, Args&&... args) {
  PackKey key{std::string(kind), {}};
  const auto append = std::back_inserter(key.text);
  for (size_t input : constants) {
    const Tensor* t = graph.constant(node.input(input));
    key.constants.push_back(t ? *t : Tensor());
    if (!t) {
      key.text += ",none";
      continue;
    }
    fmt::format_to(append, ",{}", tenfold::to_string(t->dtype()));
    for (int64_t extent : t->shape()) fmt::format_to(append, "x{}", extent);
    fmt::format_to(append, ":{:x}", sampled_hash(*t));
  }
  (fmt::format_to(append, ",{}", args), ...);
  return key;
}

/// [k][n] -> [n][k].
template <class T>
std::vector<T> transposed(const T* w, int64_t k, int64_t n) {
  std::vector<T> out(static_cast<size_t>(k * n));
  if constexpr (std::is_same_v<T, int8_t>)
    kernels::transpose_s8(w, k, n, out.data());
  else
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
