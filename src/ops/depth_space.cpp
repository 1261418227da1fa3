// DepthToSpace {blocksize, mode: DCR, CRD} and SpaceToDepth {blocksize} on NCHW: transpositions of six axes.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

int64_t block_size(const InferContext& c) {
  const int64_t b = c.attrs().get_int("blocksize", 0);
  if (b < 1 || b > (1 << 15)) c.error("blocksize {}", b);
  return b;
}

int64_t divide(InferContext& c, int64_t extent, int64_t by) {
  if (!is_symbol(extent) && extent % by != 0) c.error("extent {} is no multiple of {}", extent, by);
  return dim_div(c, extent, by);
}

template <bool to_space>
void infer(InferContext& c) {
  const int64_t b = block_size(c);
  const std::string mode = c.attrs().get_string("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") c.error("mode '{}' (DCR or CRD)", mode);
  const Shape* in = c.shape(0);
  if (!in) return c.set(0, c.dtype(0), std::nullopt);
  if (in->rank() != 4) c.error("rank {} (4 expected)", in->rank());
  const int64_t n = (*in)[0], ch = (*in)[1], h = (*in)[2], w = (*in)[3];
  c.set(0, c.dtype(0),
        to_space ? Shape{n, divide(c, ch, b * b), dim_mul(c, h, b), dim_mul(c, w, b)}
                 : Shape{n, dim_mul(c, ch, b * b), divide(c, h, b), divide(c, w, b)});
}

/// Copies between the deep tensor [n, c*b*b, h, w] and the wide one [n, c, h*b, w*b], where block row and
/// column lie `row` and `column` channels apart and channel c is `channel` deep channels in.
void exchange(const Extents& deep, int64_t b, int64_t row, int64_t column, int64_t channel, bool to_wide,
              const EvalContext& e) {
  const int64_t h = deep[2], w = deep[3], c = deep[1] / (b * b), plane = h * w;
  Walk<2> walk;
  const auto push = [&](int64_t extent, int64_t wide, int64_t deep_stride) {
    if (to_wide)
      walk.push(extent, {wide, deep_stride});
    else
      walk.push(extent, {deep_stride, wide});
  };
  push(deep[0], c * b * b * plane, deep[1] * plane);
  push(c, b * b * plane, channel * plane);
  push(h, b * b * w, w);
  push(b, b * w, row * plane);
  push(w, b, 1);
  push(b, 1, column * plane);
  copy_strided(walk, e.out(), 0, e.in(0), 0);
}

void eval_to_space(const EvalContext& e) {
  const int64_t b = e.attrs().get_int("blocksize", 1);
  const Extents deep(*e.in(0).shape);
  const int64_t c = deep[1] / (b * b);
  if (text_attr(e.attrs(), "mode", "DCR") == "DCR")
    exchange(deep, b, b * c, c, 1, true, e);
  else
    exchange(deep, b, b, 1, b * b, true, e);
}

void eval_to_depth(const EvalContext& e) {
  const int64_t b = e.attrs().get_int("blocksize", 1);
  const Extents deep(*e.out().shape);
  const int64_t c = deep[1] / (b * b);
  exchange(deep, b, b * c, c, 1, false, e);
}

}  // namespace

extern const OpDef op_depth_to_space = {"DepthToSpace", OpKind::movement, 1, 1, 1,
                                        infer<true>,    eval_to_space};
extern const OpDef op_space_to_depth = {"SpaceToDepth", OpKind::movement, 1, 1, 1,
                                        infer<false>,   eval_to_depth};

}  // namespace tenfold::ops
