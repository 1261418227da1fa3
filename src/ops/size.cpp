// Size(data): the number of elements as an i64 scalar.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  const Shape* in = c.shape(0);
  const auto n = in ? std::optional(dim_product(c, in->dims())) : std::nullopt;
  c.set(0, DType::i64, Shape{});
  if (n) c.set_content(0, {*n});
}

void eval(const EvalContext& e) { *e.out().as<int64_t>() = e.in(0).elements(); }

}  // namespace

extern const OpDef op_size = {"Size", OpKind::other, 1, 1, 1, infer, eval};

}  // namespace tenfold::ops
