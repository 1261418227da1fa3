// Table lookup in place, over rows of bytes that a kernel has just stored and that are still in L1.
#pragma once

#include "kernels/isa/requantize.hpp"

namespace tenfold::kernels {

/// y = table[y] over `rows` rows of n bytes.
template <class S>
[[gnu::noinline]] void lookup_rows(u8* d, ptrdiff_t ld, int64_t rows, int64_t n, const typename S::Table& t) {
  for (int64_t m = 0; m < rows; ++m, d += ld)
    for (int64_t i = 0; i < n; i += 4 * S::lanes)
      store_bytes<S>(d + i, S::lookup(t, load_bytes<S>(d + i, n - i)), n - i);
}

}  // namespace tenfold::kernels
