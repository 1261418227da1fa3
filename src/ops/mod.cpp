// Mod(a, b) {fmod}: the sign of b (Python's %), or with fmod = 1 the sign of a (C's fmod, required for
// floats).
#include "ops/elementwise.hpp"

namespace tenfold::ops {
namespace {

int64_t mod_dim(InferContext& c, int64_t a, int64_t b) {
  if (is_symbol(a) || is_symbol(b)) return dim_sub(c, a, dim_mul(c, dim_div(c, a, b), b));
  if (b == 0) c.error("modulo zero");
  if (b == -1) return 0;
  const int64_t r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

void infer(InferContext& c) {
  check_type(c, 0, kNumbers);
  check_same_types(c, 0, 2);
  const bool fmod = c.attrs().get_int("fmod", 0) != 0;
  if (is_float(c.dtype(0)) && !fmod) c.error("floats need fmod = 1");
  set_broadcast(c, c.dtype(0));
  if (!fmod) propagate_binary(c, mod_dim);
}

template <class T>
T remainder(T a, T b, bool fmod) {
  if constexpr (std::is_floating_point_v<T>)
    return std::fmod(a, b);
  else {
    if (b == 0) fail(ErrorCode::invalid_argument, "Mod: an integer modulo zero");
    if constexpr (std::is_signed_v<T>)
      if (b == static_cast<T>(-1)) return T(0);  // the lowest % -1 overflows
    const T r = static_cast<T>(a % b);
    return !fmod && r != 0 && (r < 0) != (b < 0) ? static_cast<T>(r + b) : r;
  }
}

void eval(const EvalContext& e) {
  const bool fmod = e.attrs().get_int("fmod", 0) != 0;
  dispatch_number(e.in(0).dtype, [&](auto tag) {
    using T = decltype(tag);
    zip<T, T, T>(e.in(0), e.in(1), e.out(), [fmod](T a, T b) { return remainder(a, b, fmod); });
  });
}

}  // namespace

extern const OpDef op_mod = {"Mod", OpKind::binary, 2, 2, 1, infer, eval};

}  // namespace tenfold::ops
