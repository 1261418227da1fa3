// Whether a table computes on this machine what the scalar one does.
#include <cstring>

#include "kernels/kernels.hpp"

namespace tenfold::kernels {
namespace {

std::vector<u8> multiply(const Kernels& kernels) {
  // 33 rows are one tile of two blocks and one of a block, 71 channels panels of two vectors and of one.
  constexpr int64_t kRows = 33, kChannels = 71, kDepth = 200, kSlack = 64;
  std::vector<u8> a(kRows * kDepth + kSlack), c(2 * kRows * kChannels);
  std::vector<s8> weights(kChannels * kDepth);
  for (size_t i = 0; i < a.size(); ++i) a[i] = u8(i * 37 + i / 256);
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = s8(i * 91 + i / 256);
  const std::vector<QuantizedChannel> channels(kChannels, {3e-4f, 0.5f});
  const PackedU8 packed = pack_gemm_u8(kernels.layout, weights.data(), kChannels, 1, kDepth, 100, channels);
  GemmU8 g;
  g.w = &packed, g.a = a.data(), g.lda = kDepth, g.m = kRows, g.n_end = kChannels;
  g.c = c.data(), g.ldc = kChannels, g.zero_point = 128;
  kernels.gemm_u8(g);
  std::vector<const u8*> rows;
  for (int64_t m = 0; m < kRows; ++m) rows.push_back(a.data() + m * 7 % kRows * kDepth);
  g.indirect = rows.data(), g.indirect_stride = kRows, g.c += kRows * kChannels;
  kernels.gemm_u8(g);
  return c;
}

}  // namespace

bool agrees_with_reference(const Kernels& kernels) { return multiply(kernels) == multiply(*table(Isa::ref)); }

}  // namespace tenfold::kernels
