// Dense row-major tensors: an owning one and a view.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tensor/dtype.hpp"
#include "tensor/shape.hpp"

namespace tenfold {

/// Bytes that are readable (not meaningful) behind the last element of every tensor that tenfold allocates:
/// vector kernels may load past the end, never store there.
inline constexpr size_t kTensorSlack = 64;
inline constexpr size_t kTensorAlign = 64;

/// A non-owning typed pointer with a shape.  `data` is row-major and contiguous.
struct TensorView {
  void* data = nullptr;
  DType dtype = DType::f32;
  const Shape* shape = nullptr;

  int64_t elements() const { return shape->elements(); }
  size_t bytes() const { return static_cast<size_t>(elements()) * size_of(dtype); }
  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
  template <class T>
  std::span<T> span() const {
    return {as<T>(), static_cast<size_t>(elements())};
  }
};

/// An owning tensor.  Copies share the bytes; a tensor is treated as immutable once it is shared.  The bytes
/// may belong to something else (a memory-mapped file, a NumPy array) that `owner` keeps alive.
class Tensor {
 public:
  Tensor() = default;
  /// Uninitialised, 64-byte aligned, with kTensorSlack readable bytes behind it.
  Tensor(DType dtype, Shape shape);
  /// Wraps foreign bytes: `bytes` must be elements * size_of(dtype) long and live as long as `owner`.
  Tensor(DType dtype, Shape shape, const void* bytes, std::shared_ptr<const void> owner);

  template <class T>
  static Tensor from(Shape shape, std::span<const T> values) {
    Tensor t(dtype_of<T>, std::move(shape));
    if (static_cast<size_t>(t.elements()) != values.size())
      fail(ErrorCode::internal, "{} values for shape {}", values.size(), to_string(t.shape()));
    if constexpr (std::is_same_v<T, bool>)
      for (size_t i = 0; i < values.size(); i++) t.mutable_data<bool>()[i] = values[i];
    else if (!values.empty())
      std::memcpy(t.mutable_raw(), values.data(), values.size() * sizeof(T));
    return t;
  }
  template <class T>
  static Tensor from(Shape shape, std::initializer_list<T> values) {
    return from<T>(std::move(shape), std::span<const T>(values.begin(), values.size()));
  }
  template <class T>
  static Tensor scalar(T value) {
    return from<T>(Shape{}, {value});
  }
  /// String tensors hold their text beside the bytes.
  static Tensor strings(Shape shape, std::vector<std::string> values);

  bool empty() const { return data_ == nullptr; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t elements() const { return shape_.elements(); }
  size_t bytes() const { return static_cast<size_t>(elements()) * size_of(dtype_); }
  const void* raw() const { return data_.get(); }
  void* mutable_raw() { return const_cast<void*>(data_.get()); }
  template <class T>
  const T* data() const {
    return static_cast<const T*>(raw());
  }
  template <class T>
  T* mutable_data() {
    return static_cast<T*>(mutable_raw());
  }
  template <class T>
  std::span<const T> span() const {
    return {data<T>(), static_cast<size_t>(elements())};
  }
  const std::vector<std::string>& text() const { return *text_; }

  /// The same bytes under another shape of as many elements.
  Tensor reshaped(Shape shape) const;
  TensorView view() const { return {const_cast<void*>(raw()), dtype_, &shape_}; }
  /// Element i of any integer or float tensor as double / int64 (for scalars, axes, sizes).
  double at_double(int64_t i) const;
  int64_t at_int(int64_t i) const;

 private:
  DType dtype_ = DType::f32;
  Shape shape_;
  std::shared_ptr<const void> data_;
  std::shared_ptr<const std::vector<std::string>> text_;
};

}  // namespace tenfold
