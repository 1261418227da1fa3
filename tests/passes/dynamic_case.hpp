// DynamicQuantizeLinear and what multiplies with its result, as dynamic quantizers write them.
#pragma once

#include "passes/pass_fixture.hpp"

namespace tenfold::test {

struct DynamicCase {
  Builder b;
  ValueId values, scale, zero;

  explicit DynamicCase(Shape shape) {
    const auto q = b.multi("DynamicQuantizeLinear", {b.input(std::move(shape))}, {}, 3);
    values = q[0], scale = q[1], zero = q[2];
  }
  /// Cast -> Mul by the product of both scales.
  ValueId scaled(ValueId product, ValueId weight_scale) {
    constexpr int64_t kFloat = 1;  // TensorProto.FLOAT
    return b.op("Mul", {b.op("Cast", {product}, {{"to", kFloat}}), b.op("Mul", {scale, weight_scale})});
  }
};

}  // namespace tenfold::test
