// Activation functions, those with attributes built from them.  SiLU is internal: x * sigmoid(x).
#include "ops/elementwise.hpp"

namespace tenfold::ops {
namespace {

struct Float {
  static constexpr TypeSet types = kFloats;
};

template <class T>
T sigmoid(T x) {
  return T(1) / (T(1) + std::exp(-x));
}
/// log(1 + exp(x)) without overflow.
template <class T>
T softplus(T x) {
  return std::max(x, T(0)) + std::log1p(std::exp(-std::abs(x)));
}

struct Sigmoid : Float {
  template <class T>
  T operator()(T x) const {
    return sigmoid(x);
  }
};
struct Softplus : Float {
  template <class T>
  T operator()(T x) const {
    return softplus(x);
  }
};
struct Softsign : Float {
  template <class T>
  T operator()(T x) const {
    return x / (T(1) + std::abs(x));
  }
};
struct Mish : Float {
  template <class T>
  T operator()(T x) const {
    return x * std::tanh(softplus(x));
  }
};
struct SiLU : Float {
  template <class T>
  T operator()(T x) const {
    return x * sigmoid(x);
  }
};
struct HardSwish : Float {
  template <class T>
  T operator()(T x) const {
    return x * std::clamp(x / T(6) + T(0.5), T(0), T(1));
  }
};

struct LeakyRelu : Float {
  float alpha;
  explicit LeakyRelu(const ir::Attributes& a) : alpha(a.get_float("alpha", 0.01f)) {}
  template <class T>
  T operator()(T x) const {
    return x < T(0) ? static_cast<T>(alpha) * x : x;
  }
};
struct ThresholdedRelu : Float {
  float alpha;
  explicit ThresholdedRelu(const ir::Attributes& a) : alpha(a.get_float("alpha", 1.0f)) {}
  template <class T>
  T operator()(T x) const {
    return x > static_cast<T>(alpha) ? x : T(0);
  }
};
struct Elu : Float {
  float alpha;
  explicit Elu(const ir::Attributes& a) : alpha(a.get_float("alpha", 1.0f)) {}
  template <class T>
  T operator()(T x) const {
    return x < T(0) ? static_cast<T>(alpha) * std::expm1(x) : x;
  }
};
struct Celu : Float {
  float alpha;
  explicit Celu(const ir::Attributes& a) : alpha(a.get_float("alpha", 1.0f)) {}
  template <class T>
  T operator()(T x) const {
    const T k = static_cast<T>(alpha);
    return x < T(0) ? k * std::expm1(x / k) : x;
  }
};
struct Selu : Float {
  float alpha, gamma;
  explicit Selu(const ir::Attributes& a)
      : alpha(a.get_float("alpha", 1.67326319217681884765625f)),
        gamma(a.get_float("gamma", 1.05070102214813232421875f)) {}
  template <class T>
  T operator()(T x) const {
    return static_cast<T>(gamma) * (x <= T(0) ? static_cast<T>(alpha) * std::expm1(x) : x);
  }
};
struct HardSigmoid : Float {
  float alpha, beta;
  explicit HardSigmoid(const ir::Attributes& a)
      : alpha(a.get_float("alpha", 0.2f)), beta(a.get_float("beta", 0.5f)) {}
  template <class T>
  T operator()(T x) const {
    return std::clamp(static_cast<T>(alpha) * x + static_cast<T>(beta), T(0), T(1));
  }
};
struct Shrink : Float {
  float bias, lambda;
  explicit Shrink(const ir::Attributes& a)
      : bias(a.get_float("bias", 0.0f)), lambda(a.get_float("lambd", 0.5f)) {}
  template <class T>
  T operator()(T x) const {
    if (x < -static_cast<T>(lambda)) return x + static_cast<T>(bias);
    return x > static_cast<T>(lambda) ? x - static_cast<T>(bias) : T(0);
  }
};
struct Gelu : Float {
  bool tanh;
  explicit Gelu(const ir::Attributes& a) : tanh(text_attr(a, "approximate", "none") == "tanh") {}
  template <class T>
  T operator()(T x) const {
    constexpr T kSqrtHalf = T(0.70710678118654752440), kSqrt2OverPi = T(0.79788456080286535588);
    if (!tanh) return T(0.5) * x * (T(1) + std::erf(x * kSqrtHalf));
    return T(0.5) * x * (T(1) + std::tanh(kSqrt2OverPi * (x + T(0.044715) * x * x * x)));
  }
};

template <class F>
void eval_with_attributes(const EvalContext& e) {
  map_float(e, F(e.attrs()));
}

template <class F>
constexpr OpDef with_attributes(const char* name) {
  return {name, OpKind::unary, 1, 1, 1, infer_unary<F>, eval_with_attributes<F>};
}

void infer_gelu(InferContext& c) {
  const std::string mode = c.attrs().get_string("approximate", "none");
  if (mode != "none" && mode != "tanh") c.error("approximate '{}' (none or tanh)", mode);
  infer_unary<Gelu>(c);
}

void infer_celu(InferContext& c) {
  if (c.attrs().get_float("alpha", 1.0f) == 0.0f) c.error("alpha must not be 0");
  infer_unary<Celu>(c);
}

}  // namespace

extern const OpDef op_celu = {"Celu", OpKind::unary, 1, 1, 1, infer_celu, eval_with_attributes<Celu>};
extern const OpDef op_elu = with_attributes<Elu>("Elu");
extern const OpDef op_gelu = {"Gelu", OpKind::unary, 1, 1, 1, infer_gelu, eval_with_attributes<Gelu>};
extern const OpDef op_hard_sigmoid = with_attributes<HardSigmoid>("HardSigmoid");
extern const OpDef op_hard_swish = unary_float<HardSwish>("HardSwish");
extern const OpDef op_leaky_relu = with_attributes<LeakyRelu>("LeakyRelu");
extern const OpDef op_mish = unary_float<Mish>("Mish");
extern const OpDef op_selu = with_attributes<Selu>("Selu");
extern const OpDef op_shrink = with_attributes<Shrink>("Shrink");
extern const OpDef op_sigmoid = unary_float<Sigmoid>("Sigmoid");
extern const OpDef op_silu = unary_float<SiLU>("SiLU");
extern const OpDef op_softplus = unary_float<Softplus>("Softplus");
extern const OpDef op_softsign = unary_float<Softsign>("Softsign");
extern const OpDef op_thresholded_relu = with_attributes<ThresholdedRelu>("ThresholdedRelu");

}  // namespace tenfold::ops
