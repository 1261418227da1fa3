// BitwiseAnd, BitwiseOr, BitwiseXor, BitwiseNot on integers; BitShift {direction} on unsigned ones.
#include "ops/elementwise.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  check_type(c, 0, kIntegers);
  check_same_types(c, 0, 2);
  set_broadcast(c, c.dtype(0));
}

void infer_shift(InferContext& c) {
  check_type(c, 0, {DType::u8, DType::u16, DType::u32, DType::u64});
  check_same_types(c, 0, 2);
  const std::string direction = c.attrs().get_string("direction", "");
  if (direction != "LEFT" && direction != "RIGHT") c.error("direction '{}' (LEFT or RIGHT)", direction);
  set_broadcast(c, c.dtype(0));
}

struct And {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(a & b);
  }
};
struct Or {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(a | b);
  }
};
struct Xor {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(a ^ b);
  }
};
struct Not {
  static constexpr TypeSet types = kIntegers;
  template <class T>
  T operator()(T x) const {
    return static_cast<T>(~x);
  }
};

template <class F>
void zip_integers(const EvalContext& e, F f) {
  dispatch_integer(e.in(0).dtype, [&](auto tag) {
    using T = decltype(tag);
    zip<T, T, T>(e.in(0), e.in(1), e.out(), f);
  });
}
template <class F>
void eval(const EvalContext& e) {
  zip_integers(e, F{});
}

void eval_not(const EvalContext& e) {
  dispatch_integer(e.in(0).dtype, [&](auto tag) {
    using T = decltype(tag);
    const int64_t n = e.in(0).elements();
    for (int64_t i = 0; i < n; i++) e.out().as<T>()[i] = Not{}(e.in(0).as<T>()[i]);
  });
}

void eval_shift(const EvalContext& e) {
  const bool left = text_attr(e.attrs(), "direction", "") == "LEFT";
  zip_integers(e, [left](auto a, auto b) {
    using T = decltype(a);
    const auto by = static_cast<uint64_t>(b);
    if (by >= sizeof(T) * 8) return T(0);
    return static_cast<T>(left ? static_cast<uint64_t>(a) << by : static_cast<uint64_t>(a) >> by);
  });
}

}  // namespace

extern const OpDef op_bit_shift = {"BitShift", OpKind::binary, 2, 2, 1, infer_shift, eval_shift};
extern const OpDef op_bitwise_and = {"BitwiseAnd", OpKind::binary, 2, 2, 1, infer, eval<And>};
extern const OpDef op_bitwise_not = {"BitwiseNot", OpKind::unary, 1, 1, 1, infer_unary<Not>, eval_not};
extern const OpDef op_bitwise_or = {"BitwiseOr", OpKind::binary, 2, 2, 1, infer, eval<Or>};
extern const OpDef op_bitwise_xor = {"BitwiseXor", OpKind::binary, 2, 2, 1, infer, eval<Xor>};

}  // namespace tenfold::ops
