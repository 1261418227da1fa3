#include "tensor/shape.hpp"

#include <algorithm>

#include "base/math.hpp"

namespace tenfold {

int64_t Shape::elements() const { return elements(0, rank()); }

int64_t Shape::elements(int first, int last) const {
  int64_t n = 1;
  for (int i = first; i < last; i++) {
    if ((*this)[i] < 0) fail(ErrorCode::internal, "element count of the symbolic shape {}", to_string(*this));
    n = checked_mul(n, (*this)[i]);
  }
  return n;
}

std::vector<int64_t> Shape::strides() const {
  std::vector<int64_t> s(dims_.size(), 1);
  for (int i = rank() - 2; i >= 0; i--)
    s[static_cast<size_t>(i)] = checked_mul(s[static_cast<size_t>(i) + 1], (*this)[i + 1]);
  return s;
}

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (int i = 0; i < shape.rank(); i++) {
    if (i) text += ", ";
    text += shape[i] < 0 ? fmt::format("?{}", symbol_index(shape[i])) : std::to_string(shape[i]);
  }
  return text + "]";
}

Shape broadcast(const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  std::vector<int64_t> dims(static_cast<size_t>(rank));
  for (int i = 0; i < rank; i++) {
    const int ia = i - (rank - a.rank()), ib = i - (rank - b.rank());
    const int64_t da = ia < 0 ? 1 : a[ia], db = ib < 0 ? 1 : b[ib];
    if (da != db && da != 1 && db != 1)
      fail(ErrorCode::invalid_model, "shapes {} and {} do not broadcast", to_string(a), to_string(b));
    dims[static_cast<size_t>(i)] = da == 1 ? db : da;
  }
  return Shape(std::move(dims));
}

}  // namespace tenfold
