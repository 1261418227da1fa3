// Cast(x) {to}, CastLike(x, like): floats truncate to integers, integers wrap, out-of-range floats saturate
// at 64 bits.
#include <bit>

#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

void set_output(InferContext& c, DType to) {
  if (to == DType::string || c.dtype(0) == DType::string)
    fail(ErrorCode::unsupported, "casts of strings are not supported");
  const Shape* s = c.shape(0);
  c.set(0, to, s ? std::optional<Shape>(*s) : std::nullopt);
  // A narrower type may change the numbers; shapes only ever go between these.
  if (kIndices.has(to) && is_integer(c.dtype(0))) pass_content(c);
}

void infer_cast(InferContext& c) {
  if (!c.attrs().has("to")) c.error("attribute 'to' is missing");
  set_output(c, dtype_of_onnx(c.attrs().get_int("to", 0)));
}

void infer_cast_like(InferContext& c) { set_output(c, c.dtype(1)); }

float half_to_float(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000) << 16, exponent = (h >> 10) & 31,
                 fraction = h & 1023;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | (fraction << 13));
  const float magnitude =
      exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                    : std::ldexp(static_cast<float>(fraction + 1024), static_cast<int>(exponent) - 25);
  return sign ? -magnitude : magnitude;
}

/// Rounds half to even; overflow is infinity.
uint16_t float_to_half(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  const float a = std::abs(x);
  if (!(a == a)) return static_cast<uint16_t>(sign | 0x7e00);
  if (a >= 65520.0f) return static_cast<uint16_t>(sign | 0x7c00);
  if (a < 6.103515625e-5f)
    return static_cast<uint16_t>(sign | static_cast<uint16_t>(std::nearbyint(std::ldexp(a, 24))));
  const uint32_t magnitude = bits & 0x7fffffffu;
  const uint32_t rounded =
      magnitude + 0xfffu + ((magnitude >> 13) & 1);  // a carry moves into the exponent, as it should
  return static_cast<uint16_t>(sign | ((rounded >> 13) - (112u << 10)));
}

float bfloat_to_float(uint16_t b) { return std::bit_cast<float>(static_cast<uint32_t>(b) << 16); }
uint16_t float_to_bfloat(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  if (!(x == x)) return static_cast<uint16_t>((bits >> 16) | 0x40);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1)) >> 16);
}

struct Half {
  uint16_t bits;
  float get() const { return half_to_float(bits); }
  static Half of(float x) { return {float_to_half(x)}; }
};
struct Bfloat {
  uint16_t bits;
  float get() const { return bfloat_to_float(bits); }
  static Bfloat of(float x) { return {float_to_bfloat(x)}; }
};
template <class T>
constexpr bool is_small_float = std::is_same_v<T, Half> || std::is_same_v<T, Bfloat>;

template <class F>
void dispatch_any(DType type, F&& f) {
  if (type == DType::f16)
    f(Half{});
  else if (type == DType::bf16)
    f(Bfloat{});
  else
    dispatch(type, f);
}

template <class To, class From>
To convert_any(From x) {
  if constexpr (is_small_float<From>)
    return convert_any<To>(x.get());
  else if constexpr (is_small_float<To>)
    return To::of(static_cast<float>(x));
  else
    return convert<To>(x);
}

void eval(const EvalContext& e) {
  dispatch_any(e.in(0).dtype, [&](auto from) {
    dispatch_any(e.out().dtype, [&](auto to) {
      using From = decltype(from);
      using To = decltype(to);
      const From* x = e.in(0).as<From>();
      To* y = e.out().as<To>();
      const int64_t n = e.in(0).elements();
      for (int64_t i = 0; i < n; i++) y[i] = convert_any<To>(x[i]);
    });
  });
}

}  // namespace

extern const OpDef op_cast = {"Cast", OpKind::unary, 1, 1, 1, infer_cast, eval};
extern const OpDef op_cast_like = {"CastLike", OpKind::other, 2, 2, 1, infer_cast_like, eval};

}  // namespace tenfold::ops
