// Whether a concrete shape is one that a model asks for.
#pragma once

#include "tensor/shape.hpp"

namespace tenfold {

/// True where both have the same rank and `given` has the extents of `expected`, any for a symbol.
inline bool fits(const Shape& given, const Shape& expected) {
  if (given.rank() != expected.rank()) return false;
  for (int i = 0; i < given.rank(); i++)
    if (!is_symbol(expected[i]) && given[i] != expected[i]) return false;
  return true;
}

}  // namespace tenfold
