// Geometry of QuantizeImage.
#pragma once

#include "ops/op.hpp"

namespace tenfold::ops {

/// Extents of the planar source and of the padded, interleaved result.
struct ImageLayout {
  int64_t batch, channels, in_h, in_w;
  int64_t out_h, out_w, out_c;
  int64_t top, left;
  float scale;
  int zero_point;
};
/// Reads and checks the attributes; throws invalid_model.
ImageLayout image_layout(const ir::Node& node, const Shape& x);

}  // namespace tenfold::ops
