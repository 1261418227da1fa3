#include "tensor/tensor.hpp"

#include <cstdlib>
#include <new>

#include "base/math.hpp"

namespace tenfold {
namespace {

void check_index(const Tensor& t, int64_t i) {
  if (i < 0 || i >= t.elements())
    fail(ErrorCode::internal, "element {} of a tensor of shape {}", i, to_string(t.shape()));
}

}  // namespace

Tensor::Tensor(DType dtype, Shape shape) : dtype_(dtype), shape_(std::move(shape)) {
  const size_t used =
      static_cast<size_t>(checked_mul(shape_.elements(), static_cast<int64_t>(size_of(dtype))));
  const size_t size = static_cast<size_t>(round_up(static_cast<int64_t>(used + kTensorSlack), kTensorAlign));
  void* p = std::aligned_alloc(kTensorAlign, size);
  if (!p) throw std::bad_alloc();
  std::memset(static_cast<char*>(p) + used, 0, size - used);
  data_ = std::shared_ptr<const void>(p, [](const void* q) { std::free(const_cast<void*>(q)); });
}

Tensor::Tensor(DType dtype, Shape shape, const void* bytes, std::shared_ptr<const void> owner)
    : dtype_(dtype), shape_(std::move(shape)), data_(std::move(owner), bytes) {}

Tensor Tensor::strings(Shape shape, std::vector<std::string> values) {
  Tensor t(DType::string, std::move(shape));
  ensure(static_cast<size_t>(t.elements()) == values.size(), "string tensor of the wrong size");
  t.text_ = std::make_shared<const std::vector<std::string>>(std::move(values));
  return t;
}

Tensor Tensor::reshaped(Shape shape) const {
  if (shape.elements() != elements())
    fail(ErrorCode::internal, "reshape of {} to {}", to_string(shape_), to_string(shape));
  Tensor t = *this;
  t.shape_ = std::move(shape);
  return t;
}

double Tensor::at_double(int64_t i) const {
  check_index(*this, i);
  return dispatch(dtype_, [&](auto tag) { return static_cast<double>(data<decltype(tag)>()[i]); });
}

int64_t Tensor::at_int(int64_t i) const {
  check_index(*this, i);
  return dispatch(dtype_, [&](auto tag) {
    const auto value = data<decltype(tag)>()[i];
    if constexpr (std::is_floating_point_v<decltype(tag)>)
      if (!(value >= -0x1p63 && value < 0x1p63))
        fail(ErrorCode::invalid_argument, "element {} is {}, which no integer stands for", i, value);
    return static_cast<int64_t>(value);
  });
}

}  // namespace tenfold
