// A random output of an INT8 product: bytes or floats, with or without table, residual and gaps between rows.
#pragma once

#include "kernels/kernel_test_util.hpp"

namespace tenfold::kernels::test {

struct OutputCase {
  int64_t rows, ld;
  bool use_table, use_residual, use_residual_table, f32, dynamic, extreme, use_tail, use_factors;
  int zero;
  std::vector<u8> lookup, residual_lookup;
  float q_scale, r_scale, offset, dynamic_scale;
  FloatTail tail;
  Guarded<float> factors;
  size_t size;
  Guarded<u8> residual;

  OutputCase(Random& r, int64_t rows_, int64_t n)
      : rows(rows_),
        ld(n + r.in(0, 9)),
        use_table(r.in(0, 2) == 0),
        use_residual(r.in(0, 2) == 0),
        use_residual_table(r.coin()),
        f32(r.in(0, 4) == 0),
        dynamic(r.coin()),
        extreme(r.in(0, 5) == 0),
        use_tail(r.in(0, 3) == 0),
        use_factors(r.coin()),
        zero(r.zero_point()),
        lookup(r.table256()),
        residual_lookup(r.table256()),
        q_scale(extreme ? 1e8f : r.real(-2, 2)),
        r_scale(extreme ? -3e8f : r.real(-2, 2)),
        offset(r.real(-200, 200)),
        dynamic_scale(r.real(0.1f, 2)),
        // Those of the reference, as what is tested is where a tile goes.
        tail{ref().unary_f32,
             ref().quantize_u8,
             r.coin() ? Activation::leaky_relu : Activation::none,
             r.real(-1, 1),
             0,
             r.real(0.1f, 2),
             r.coin()},
        factors(size_t(n)),
        size(size_t((rows_ - 1) * ld + n)),
        residual(size) {
    r.fill_bytes(residual.data(), residual.size());
    for (int64_t i = 0; i < n; ++i) factors.data()[i] = r.real(-2, 2);
  }

  /// Row `first` and those behind it as the output of `g`.
  void apply(OutputU8& g, u8* c, float* c_f32, int64_t first = 0) const {
    g.ldc = ld, g.zero_point = zero;
    if (use_tail) g.tail = &tail, g.factors = use_factors ? factors.data() : nullptr;
    const bool bytes_only = !use_tail || !tail.residual;  // whose residual floats have none
    if ((use_residual || !bytes_only) && !(f32 && bytes_only)) {
      g.residual = residual.data() + first * ld, g.ld_residual = ld;
      g.q_scale = q_scale, g.r_scale = r_scale, g.offset = offset, g.residual_zero_point = 255 - zero;
      if (use_residual_table && bytes_only) g.residual_table = residual_lookup.data();
    }
    if (f32) {
      g.c_f32 = c_f32 + first * ld;
      if (dynamic) g.dynamic_scale = dynamic_scale;
      return;
    }
    g.c = c + first * ld;
    if (use_table) g.table = lookup.data();
  }
  std::string describe() const {
    return std::string(f32 ? " f32" : "") + (extreme ? " extreme" : "") + (use_table ? " table" : "") +
           (use_tail ? use_factors ? " tail with factors" : " tail" : "") + (use_residual ? " residual" : "");
  }
};

}  // namespace tenfold::kernels::test
