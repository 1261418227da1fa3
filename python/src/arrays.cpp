#include "arrays.hpp"

namespace tenfold::python {
namespace {

DType dtype_from(const nb::dlpack::dtype& t) {
  using Code = nb::dlpack::dtype_code;
  const auto code = static_cast<Code>(t.code);
  if (t.lanes == 1) {
    if (code == Code::Float && t.bits == 32) return DType::f32;
    if (code == Code::Float && t.bits == 64) return DType::f64;
    if (code == Code::Bool) return DType::boolean;
    if (code == Code::Int) {
      if (t.bits == 8) return DType::s8;
      if (t.bits == 16) return DType::s16;
      if (t.bits == 32) return DType::i32;
      if (t.bits == 64) return DType::i64;
    }
    if (code == Code::UInt) {
      if (t.bits == 8) return DType::u8;
      if (t.bits == 16) return DType::u16;
      if (t.bits == 32) return DType::u32;
      if (t.bits == 64) return DType::u64;
    }
  }
  fail(ErrorCode::invalid_argument, "arrays of {} bits and DLPack code {} are not supported", t.bits, t.code);
}

nb::dlpack::dtype dtype_to(DType t) {
  using Code = nb::dlpack::dtype_code;
  const Code code = is_float(t)                                                               ? Code::Float
                    : t == DType::boolean                                                     ? Code::Bool
                    : t == DType::u8 || t == DType::u16 || t == DType::u32 || t == DType::u64 ? Code::UInt
                                                                                              : Code::Int;
  return {static_cast<uint8_t>(code), static_cast<uint8_t>(8 * size_of(t)), 1};
}

}  // namespace

Tensor borrow(const Array& array) {
  Shape shape;
  for (size_t i = 0; i < array.ndim(); i++) shape.push_back(static_cast<int64_t>(array.shape(i)));
  const DType type = dtype_from(array.dtype());
  static const std::byte kNothing[kTensorSlack]{};
  const void* data = array.size() ? array.data() : kNothing;
  auto keep = std::make_shared<Array>(array);
  return Tensor(type, std::move(shape), data, std::shared_ptr<const void>(keep, keep.get()));
}

nb::object lend(Tensor tensor) {
  auto* owner = new Tensor(std::move(tensor));
  nb::capsule capsule(owner, [](void* p) noexcept { delete static_cast<Tensor*>(p); });
  std::vector<size_t> shape(owner->shape().begin(), owner->shape().end());
  nb::ndarray<nb::numpy> array(owner->mutable_raw(), shape.size(), shape.data(), capsule, nullptr,
                               dtype_to(owner->dtype()));
  return nb::cast(array);
}

}  // namespace tenfold::python
