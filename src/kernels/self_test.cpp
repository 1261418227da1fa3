// Whether a table computes on this machine what the scalar one does.
#include <cstring>

#include "kernels/kernels.hpp"

namespace tenfold::kernels {
namespace {

std::vector<u8> multiply(const Kernels& kernels) {
  constexpr int64_t kRows = 45, kChannels = 83, kDepth = 200,
                    kSlack = 64;  // whole tiles and tails of each kind
  std::vector<u8> a(kRows * kDepth + kSlack), c(kRows * kChannels + kSlack);
  std::vector<s8> weights(kChannels * kDepth);
  for (size_t i = 0; i < a.size(); ++i) a[i] = u8(i * 37 + i / 256);
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = s8(i * 91 + i / 256);
  const std::vector<QuantizedChannel> channels(kChannels, {3e-4f, 0.5f});
  const PackedU8 packed = pack_gemm_u8(kernels.layout, weights.data(), kChannels, 1, kDepth, 100, channels);
  kernels.gemm_u8({.w = &packed,
                   .a = a.data(),
                   .lda = kDepth,
                   .m = kRows,
                   .n_end = kChannels,
                   .c = c.data(),
                   .ldc = kChannels,
                   .zero_point = 128});
  return c;
}

}  // namespace

bool agrees_with_reference(const Kernels& kernels) { return multiply(kernels) == multiply(*table(Isa::ref)); }

}  // namespace tenfold::kernels
