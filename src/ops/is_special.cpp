// IsNaN(x), IsInf(x) {detect_negative, detect_positive}: bool outputs.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  check_type(c, 0, kFloats);
  const Shape* s = c.shape(0);
  c.set(0, DType::boolean, s ? std::optional<Shape>(*s) : std::nullopt);
}

template <class F>
void test(const EvalContext& e, F f) {
  dispatch_float(e.in(0).dtype, [&](auto tag) {
    const auto* x = e.in(0).as<decltype(tag)>();
    bool* y = e.out().as<bool>();
    const int64_t n = e.in(0).elements();
    for (int64_t i = 0; i < n; i++) y[i] = f(x[i]);
  });
}

void eval_nan(const EvalContext& e) {
  test(e, [](auto x) { return std::isnan(x); });
}

void eval_inf(const EvalContext& e) {
  const bool negative = e.attrs().get_int("detect_negative", 1) != 0,
             positive = e.attrs().get_int("detect_positive", 1) != 0;
  test(e, [=](auto x) { return std::isinf(x) && (x < 0 ? negative : positive); });
}

}  // namespace

extern const OpDef op_is_inf = {"IsInf", OpKind::unary, 1, 1, 1, infer, eval_inf};
extern const OpDef op_is_nan = {"IsNaN", OpKind::unary, 1, 1, 1, infer, eval_nan};

}  // namespace tenfold::ops
