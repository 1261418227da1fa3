#include "ops/elementwise.hpp"

namespace tenfold::ops {
namespace {

struct Relu {
  static constexpr TypeSet types = kFloats | kSignedIntegers;
  template <class T>
  T operator()(T x) const {
    return x < T(0) ? T(0) : x;
  }  // a NaN stays one
};

}  // namespace

extern const OpDef op_relu = unary_number<Relu>("Relu");

}  // namespace tenfold::ops
