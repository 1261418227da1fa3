// ConstantOfShape(shape) {value}: filled with the one element of `value`, f32 zero by default.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  check_type(c, 0, {DType::i64});
  const Tensor* value = c.attrs().get_tensor("value");
  if (value && value->elements() != 1)
    c.error("attribute 'value' has {} elements, not one", value->elements());
  const DType type = value ? value->dtype() : DType::f32;
  const Shape* target_shape = c.shape(0);
  const auto target = c.content(0);
  if (!target) {
    if (!target_shape || target_shape->rank() != 1 || is_symbol((*target_shape)[0]))
      return c.set(0, type, std::nullopt);
    if ((*target_shape)[0] > kMaxRank) c.error("rank {} (at most {})", (*target_shape)[0], kMaxRank);
    Shape out;
    for (int i = 0; i < (*target_shape)[0]; i++) out.push_back(c.data_dependent(0, i));
    return c.set(0, type, std::move(out));
  }
  const Shape out(*target);
  c.set(0, type, out);
  if (!is_integer(type) || out.rank() > 1 || !out.is_static() || out.elements() > kMaxRank) return;
  const int64_t fill = value->at_int(0);
  if (!is_symbol(fill)) c.set_content(0, std::vector<int64_t>(static_cast<size_t>(out.elements()), fill));
}

void eval(const EvalContext& e) {
  const Tensor* value = e.attrs().get_tensor("value");
  dispatch_size(e.out().dtype, [&](auto tag) {
    using T = decltype(tag);
    std::fill_n(e.out().as<T>(), e.out().elements(), value ? *value->data<T>() : T(0));
  });
}

}  // namespace

extern const OpDef op_constant_of_shape = {"ConstantOfShape", OpKind::other, 1, 1, 1, infer, eval};

}  // namespace tenfold::ops
