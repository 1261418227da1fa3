// Copies between strided views: what Transpose, Concat, Split, Slice, Expand and nearest Resize come down to.
#pragma once

#include <vector>

#include "kernels/kernels.hpp"

namespace tenfold::plan {

/// out[out_offset + sum i_k * out_stride_k] = in[in_offset + sum i_k * in_stride_k] over a box.  Strides
/// count elements and may be 0 or negative on the input side.
struct StridedCopy {
  struct Axis {
    int64_t extent, in, out;
  };
  std::vector<Axis> axes;  ///< outermost first
  int64_t in_offset = 0, out_offset = 0;

  /// Drops extents of 1 and merges axes that both sides step through as one.  Where the output is contiguous
  /// along one of the last axes and the input along another, the two come last, in the order that a 2-D
  /// transpose takes them.
  void simplify();
};

/// Runs the part of a simplified copy whose outermost index lies in [begin, end); element_size is 1, 2, 4
/// or 8.
void run_copy(const StridedCopy& copy, const void* in, void* out, size_t element_size,
              const kernels::Kernels& kernels, int64_t begin, int64_t end);

}  // namespace tenfold::plan
