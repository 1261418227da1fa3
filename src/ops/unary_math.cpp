// Elementwise mathematics: one functor and one row per operator.
#include "ops/elementwise.hpp"

namespace tenfold::ops {
namespace {

template <class T>
T absolute(T x) {
  if constexpr (std::is_floating_point_v<T>)
    return std::abs(x);
  else if constexpr (std::is_unsigned_v<T>)
    return x;
  else
    return x < 0 ? wrap_sub(T(0), x) : x;
}

struct Abs {
  static constexpr TypeSet types = kNumbers;
  template <class T>
  T operator()(T x) const {
    return absolute(x);
  }
};
struct Sign {
  static constexpr TypeSet types = kNumbers;
  template <class T>
  T operator()(T x) const {
    return x > T(0) ? T(1) : x == T(0) ? T(0) : x < T(0) ? static_cast<T>(-1) : x;
  }
};
struct Neg {
  static constexpr TypeSet types = kFloats | kSignedIntegers;
  template <class T>
  T operator()(T x) const {
    return std::is_integral_v<T> ? wrap_sub(T(0), x) : static_cast<T>(-x);
  }
};

struct Float {
  static constexpr TypeSet types = kFloats;
};
struct Acos : Float {
  template <class T>
  T operator()(T x) const {
    return std::acos(x);
  }
};
struct Acosh : Float {
  template <class T>
  T operator()(T x) const {
    return std::acosh(x);
  }
};
struct Asin : Float {
  template <class T>
  T operator()(T x) const {
    return std::asin(x);
  }
};
struct Asinh : Float {
  template <class T>
  T operator()(T x) const {
    return std::asinh(x);
  }
};
struct Atan : Float {
  template <class T>
  T operator()(T x) const {
    return std::atan(x);
  }
};
struct Atanh : Float {
  template <class T>
  T operator()(T x) const {
    return std::atanh(x);
  }
};
struct Ceil : Float {
  template <class T>
  T operator()(T x) const {
    return std::ceil(x);
  }
};
struct Cos : Float {
  template <class T>
  T operator()(T x) const {
    return std::cos(x);
  }
};
struct Cosh : Float {
  template <class T>
  T operator()(T x) const {
    return std::cosh(x);
  }
};
struct Erf : Float {
  template <class T>
  T operator()(T x) const {
    return std::erf(x);
  }
};
struct Exp : Float {
  template <class T>
  T operator()(T x) const {
    return std::exp(x);
  }
};
struct Floor : Float {
  template <class T>
  T operator()(T x) const {
    return std::floor(x);
  }
};
struct Log : Float {
  template <class T>
  T operator()(T x) const {
    return std::log(x);
  }
};
struct Reciprocal : Float {
  template <class T>
  T operator()(T x) const {
    return T(1) / x;
  }
};
struct Round : Float {
  template <class T>
  T operator()(T x) const {
    return std::nearbyint(x);
  }
};  // half to even
struct Sin : Float {
  template <class T>
  T operator()(T x) const {
    return std::sin(x);
  }
};
struct Sinh : Float {
  template <class T>
  T operator()(T x) const {
    return std::sinh(x);
  }
};
struct Sqrt : Float {
  template <class T>
  T operator()(T x) const {
    return std::sqrt(x);
  }
};
struct Tan : Float {
  template <class T>
  T operator()(T x) const {
    return std::tan(x);
  }
};
struct Tanh : Float {
  template <class T>
  T operator()(T x) const {
    return std::tanh(x);
  }
};

void infer_neg(InferContext& c) {
  infer_unary<Neg>(c);
  auto values = c.content(0);
  if (!values) return;
  for (int64_t& v : *values) v = dim_sub(c, 0, v);
  c.set_content(0, std::move(*values));
}

}  // namespace

extern const OpDef op_abs = unary_number<Abs>("Abs");
extern const OpDef op_acos = unary_float<Acos>("Acos");
extern const OpDef op_acosh = unary_float<Acosh>("Acosh");
extern const OpDef op_asin = unary_float<Asin>("Asin");
extern const OpDef op_asinh = unary_float<Asinh>("Asinh");
extern const OpDef op_atan = unary_float<Atan>("Atan");
extern const OpDef op_atanh = unary_float<Atanh>("Atanh");
extern const OpDef op_ceil = unary_float<Ceil>("Ceil");
extern const OpDef op_cos = unary_float<Cos>("Cos");
extern const OpDef op_cosh = unary_float<Cosh>("Cosh");
extern const OpDef op_erf = unary_float<Erf>("Erf");
extern const OpDef op_exp = unary_float<Exp>("Exp");
extern const OpDef op_floor = unary_float<Floor>("Floor");
extern const OpDef op_log = unary_float<Log>("Log");
extern const OpDef op_neg = {"Neg", OpKind::unary, 1, 1, 1, infer_neg, eval_unary_number<Neg>};
extern const OpDef op_reciprocal = unary_float<Reciprocal>("Reciprocal");
extern const OpDef op_round = unary_float<Round>("Round");
extern const OpDef op_sign = unary_number<Sign>("Sign");
extern const OpDef op_sin = unary_float<Sin>("Sin");
extern const OpDef op_sinh = unary_float<Sinh>("Sinh");
extern const OpDef op_sqrt = unary_float<Sqrt>("Sqrt");
extern const OpDef op_tan = unary_float<Tan>("Tan");
extern const OpDef op_tanh = unary_float<Tanh>("Tanh");

}  // namespace tenfold::ops
