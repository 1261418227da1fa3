// Shapes with symbolic dimensions.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace tenfold {

/// Symbols are encoded far below any value a model computes with, so that -1 in a Reshape target stays -1.
inline constexpr int64_t kSymbolBase = -(int64_t{1} << 40);
constexpr bool is_symbol(int64_t extent) { return extent <= kSymbolBase; }
constexpr int64_t symbol_extent(size_t index) { return kSymbolBase - static_cast<int64_t>(index); }
constexpr size_t symbol_index(int64_t extent) { return static_cast<size_t>(kSymbolBase - extent); }

/// Extents of a tensor, outermost first.  An extent >= 0 is known; any other is a symbol of the graph's
/// symbol table (see symbol_extent).  Equal symbols are equal extents; different ones are only not known to
/// be equal.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) : dims_(dims) {}
  explicit Shape(std::vector<int64_t> dims) : dims_(std::move(dims)) {}
  explicit Shape(std::span<const int64_t> dims) : dims_(dims.begin(), dims.end()) {}

  int rank() const { return static_cast<int>(dims_.size()); }
  int64_t operator[](int i) const { return dims_[static_cast<size_t>(i)]; }
  int64_t& operator[](int i) { return dims_[static_cast<size_t>(i)]; }
  int64_t back() const { return dims_.back(); }
  const std::vector<int64_t>& dims() const { return dims_; }
  auto begin() const { return dims_.begin(); }
  auto end() const { return dims_.end(); }
  void push_back(int64_t d) { dims_.push_back(d); }

  bool is_static() const {
    for (int64_t d : dims_)
      if (d < 0) return false;
    return true;
  }
  /// Number of elements (1 for a scalar).  Requires is_static(); overflow is an invalid_model error.
  int64_t elements() const;
  /// Product of extents [first, last).
  int64_t elements(int first, int last) const;
  /// Row-major strides in elements.
  std::vector<int64_t> strides() const;
  bool operator==(const Shape&) const = default;

 private:
  std::vector<int64_t> dims_;
};

/// "[1, 3, ?2, 224]": a symbol prints as ? and its index in the symbol table.
std::string to_string(const Shape& shape);

/// NumPy broadcasting of two static shapes; throws invalid_model if they do not fit.
Shape broadcast(const Shape& a, const Shape& b);

}  // namespace tenfold
