// Operators that only move elements, as strided copies.
#include <array>

#include "ops/resize_axis.hpp"
#include "plan/steps/steps.hpp"
#include "plan/steps/strided_copy.hpp"

namespace tenfold::plan {
namespace {

/// One copy between one input and one output of the step.
struct Move {
  ir::ValueId from, to;
  StridedCopy copy;
};

class MovementStep final : public Step {
 public:
  MovementStep(const BuildContext& b, std::vector<Move> moves, size_t element_size)
      : moves_(std::move(moves)), size_(element_size), kernels_(b.kernels) {
    int64_t bytes = 0;
    for (Move& m : moves_) {
      m.copy.simplify();
      int64_t n = static_cast<int64_t>(size_);
      for (const auto& a : m.copy.axes) n *= a.extent;
      bytes += n;
    }
    constexpr int64_t kForkBytes = 64 * 1024;
    parts_ = bytes < kForkBytes ? 1 : b.threads;
  }

  void run(const RunContext& c) const override {
    c.pool->run(parts_, [&](int part) {
      for (const Move& m : moves_) {
        const Range r = split(m.copy.axes[0].extent, part, parts_);
        if (r.begin < r.end)
          run_copy(m.copy, c.pointers[m.from], c.pointers[m.to], size_, kernels_, r.begin, r.end);
      }
    });
  }

 private:
  std::vector<Move> moves_;
  const size_t size_;
  const kernels::Kernels& kernels_;
  int parts_;
};

std::unique_ptr<Step> movement(const BuildContext& b, std::vector<Move> moves) {
  const size_t size = size_of(b.graph.value(moves.at(0).to).dtype);
  if (size == 0) return nullptr;
  for (const Move& m : moves)
    if (b.shape(m.to).elements() == 0 || b.shape(m.from).elements() == 0) return nullptr;
  return std::make_unique<MovementStep>(b, std::move(moves), size);
}

/// A box of `extents` that the input and output walk with their own strides.
StridedCopy box(const Shape& extents, const std::vector<int64_t>& in, const std::vector<int64_t>& out) {
  StridedCopy c;
  for (int i = 0; i < extents.rank(); i++)
    c.axes.push_back({extents[i], in[static_cast<size_t>(i)], out[static_cast<size_t>(i)]});
  return c;
}

int resolved_axis(const ir::Node& n, int64_t fallback, int rank) {
  const int64_t axis = n.attrs.get_int("axis", fallback);
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

/// Whole factors repeat every input position.
bool repeats_pixels(const ops::ResizeOptions& o) {
  using ops::ResizeCoordinates, ops::ResizeNearest;
  if (o.coordinates == ResizeCoordinates::asymmetric) return o.nearest == ResizeNearest::floor;
  const bool half = o.coordinates == ResizeCoordinates::half_pixel ||
                    o.coordinates == ResizeCoordinates::half_pixel_symmetric;
  return half &&
         (o.nearest == ResizeNearest::round_prefer_floor || o.nearest == ResizeNearest::round_prefer_ceil);
}

}  // namespace

std::unique_ptr<Step> make_transpose(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  const Shape &x = b.shape(n.input(0)), &y = b.shape(n.output());
  std::vector<int64_t> perm = n.attrs.get_ints("perm");
  if (perm.empty())
    for (int i = x.rank() - 1; i >= 0; i--) perm.push_back(i);
  const auto strides = x.strides();
  std::vector<int64_t> in;
  for (int64_t p : perm) in.push_back(strides[static_cast<size_t>(p)]);
  return movement(b, {{n.input(0), n.output(), box(y, in, y.strides())}});
}

std::unique_ptr<Step> make_concat(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  const Shape& y = b.shape(n.output());
  const auto out = y.strides();
  const int axis = resolved_axis(n, 0, y.rank());
  std::vector<Move> moves;
  int64_t at = 0;
  for (ir::ValueId v : n.inputs) {
    const Shape& x = b.shape(v);
    StridedCopy copy = box(x, x.strides(), out);
    copy.out_offset = at * out[static_cast<size_t>(axis)];
    at += x[axis];
    if (x.elements() > 0) moves.push_back({v, n.output(), std::move(copy)});
  }
  return moves.empty() ? nullptr : movement(b, std::move(moves));
}

std::unique_ptr<Step> make_split(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  const Shape& x = b.shape(n.input(0));
  const auto in = x.strides();
  const int axis = resolved_axis(n, 0, x.rank());
  std::vector<Move> moves;
  int64_t at = 0;
  for (ir::ValueId v : n.outputs) {
    if (v == ir::kNone) return nullptr;
    const Shape& y = b.shape(v);
    StridedCopy copy = box(y, in, y.strides());
    copy.in_offset = at * in[static_cast<size_t>(axis)];
    at += y[axis];
    moves.push_back({n.input(0), v, std::move(copy)});
  }
  return movement(b, std::move(moves));
}

std::unique_ptr<Step> make_slice(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  const Shape &x = b.shape(n.input(0)), &y = b.shape(n.output());
  const Tensor *starts = b.graph.constant(n.input(1)), *axes = b.graph.constant(n.input(3)),
               *steps = b.graph.constant(n.input(4));
  if (!starts || (n.input(3) != ir::kNone && !axes) || (n.input(4) != ir::kNone && !steps)) return nullptr;
  std::vector<int64_t> in = x.strides();
  StridedCopy copy;
  int64_t offset = 0;
  for (int64_t i = 0; i < starts->elements(); i++) {
    int64_t axis = axes ? axes->at_int(i) : i;
    if (axis < 0) axis += x.rank();
    const int64_t extent = x[static_cast<int>(axis)], step = steps ? steps->at_int(i) : 1;
    int64_t start = starts->at_int(i);
    if (start < 0) start += extent;
    start = std::clamp<int64_t>(start, 0, step < 0 ? extent - 1 : extent);
    offset += start * in[static_cast<size_t>(axis)];
    in[static_cast<size_t>(axis)] *= step;
  }
  copy = box(y, in, y.strides());
  copy.in_offset = offset;
  return movement(b, {{n.input(0), n.output(), std::move(copy)}});
}

std::unique_ptr<Step> make_expand(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  const Shape &x = b.shape(n.input(0)), &y = b.shape(n.output());
  const auto strides = x.strides();
  std::vector<int64_t> in(static_cast<size_t>(y.rank()), 0);
  for (int i = 0; i < x.rank(); i++)
    if (x[i] != 1) in[static_cast<size_t>(i + y.rank() - x.rank())] = strides[static_cast<size_t>(i)];
  return movement(b, {{n.input(0), n.output(), box(y, in, y.strides())}});
}

/// Nearest Resize by whole factors repeats every pixel: an axis of extent `factor` with input stride 0.
std::unique_ptr<Step> make_resize_nearest(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  const ops::ResizeOptions o = ops::read_resize_options(n);
  const auto axes = ops::constant_resize_axes(b.graph, n);
  if (o.mode != ops::ResizeMode::nearest || !repeats_pixels(o) || !axes) return nullptr;
  const Shape &x = b.shape(n.input(0)), &y = b.shape(n.output());
  const auto in = x.strides(), out = y.strides();
  StridedCopy copy;
  for (int i = 0; i < x.rank(); i++) {
    if (x[i] == 0 || y[i] % x[i] != 0) return nullptr;
    const int64_t factor = y[i] / x[i];
    // A scale of 2.05 makes 20 pixels of 10 as well, but not two of each.
    if ((*axes)[static_cast<size_t>(i)].scale != static_cast<float>(factor)) return nullptr;
    copy.axes.push_back({x[i], in[static_cast<size_t>(i)], out[static_cast<size_t>(i)] * factor});
    copy.axes.push_back({factor, 0, out[static_cast<size_t>(i)]});
  }
  return movement(b, {{n.input(0), n.output(), std::move(copy)}});
}

}  // namespace tenfold::plan
