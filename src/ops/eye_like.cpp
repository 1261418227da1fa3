// EyeLike(x) {dtype, k}: ones on diagonal k of a matrix shaped like x.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  const Shape* in = c.shape(0);
  if (in && in->rank() != 2) c.error("rank {} (2 expected)", in->rank());
  const DType type = c.attrs().has("dtype") ? dtype_of_onnx(c.attrs().get_int("dtype", 1)) : c.dtype(0);
  c.set(0, type, in ? std::optional<Shape>(*in) : std::nullopt);
}

void eval(const EvalContext& e) {
  const int64_t rows = (*e.out().shape)[0], columns = (*e.out().shape)[1];
  const int64_t k = std::clamp(e.attrs().get_int("k", 0), -rows - 1, columns + 1);
  dispatch(e.out().dtype, [&](auto tag) {
    using T = decltype(tag);
    for (int64_t i = 0; i < rows; i++)
      for (int64_t j = 0; j < columns; j++) e.out().as<T>()[i * columns + j] = static_cast<T>(j - i == k);
  });
}

}  // namespace

extern const OpDef op_eye_like = {"EyeLike", OpKind::other, 1, 1, 1, infer, eval};

}  // namespace tenfold::ops
