// Pow(base, exponent): the result has the type of the base; the exponent may have another.
#include "ops/elementwise.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  check_type(c, 0, kNumbers);
  check_type(c, 1, kNumbers);
  set_broadcast(c, c.dtype(0));
}

/// Exact modulo 2^bits, by squaring.
template <class A, class B>
A integer_power(A base, B exponent) {
  A result = 1;
  for (auto n = static_cast<uint64_t>(exponent); n; n >>= 1) {
    if (n & 1) result = wrap_mul(result, base);
    base = wrap_mul(base, base);
  }
  return result;
}

template <class A, class B>
A power(A a, B b) {
  if constexpr (std::is_floating_point_v<A>) {
    if (b == B(2)) return a * a;
    return static_cast<A>(std::pow(a, static_cast<A>(b)));
  } else if constexpr (std::is_integral_v<B>) {
    if (b >= B(0)) return integer_power(a, b);
    return convert<A>(std::pow(static_cast<double>(a), static_cast<double>(b)));
  } else {
    return convert<A>(std::pow(static_cast<double>(a), static_cast<double>(b)));
  }
}

void eval(const EvalContext& e) {
  dispatch_number(e.in(0).dtype, [&](auto base) {
    dispatch_number(e.in(1).dtype, [&](auto exponent) {
      using A = decltype(base);
      using B = decltype(exponent);
      zip<A, B, A>(e.in(0), e.in(1), e.out(), [](A a, B b) { return power(a, b); });
    });
  });
}

}  // namespace

extern const OpDef op_pow = {"Pow", OpKind::binary, 2, 2, 1, infer, eval};

}  // namespace tenfold::ops
