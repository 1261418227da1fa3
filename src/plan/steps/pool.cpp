// Pools, channels last.
#include "ops/window.hpp"
#include "plan/row_step.hpp"
#include "plan/steps/byte_sums.hpp"
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

/// A pool over two axes, of images of planes.
struct PlanarWindow {
  int64_t images;
  ops::Window window;
};

template <class T>
class PoolStep final : public Step {
 public:
  PoolStep(const BuildContext& b, const ir::Node& n, const PlanarWindow& w, const kernels::Pool<T>& args,
           void (*kernel)(const kernels::Pool<T>&))
      : x_(n.input(0)),
        y_(n.output()),
        images_(w.images),
        rows_(w.window.out[1]),
        args_(args),
        kernel_(kernel) {
    constexpr int64_t kForkElements = 16 * 1024;
    parts_ = b.shape(y_).elements() < kForkElements
                 ? 1
                 : static_cast<int>(std::min<int64_t>(b.threads, images_ * rows_));
  }

  void run(const RunContext& c) const override {
    c.pool->run(parts_, [&](int part) {
      each_image(split(images_ * rows_, part, parts_), rows_, [&](int64_t image, Range rows) {
        kernels::Pool<T> p = args_;
        p.in = c.at<const T>(x_) + image * p.in_h * p.in_row;
        p.out = c.at<T>(y_) + image * rows_ * p.out_row;
        p.y_begin = rows.begin;
        p.y_end = rows.end;
        kernel_(p);
      });
    });
  }

 private:
  const ir::ValueId x_, y_;
  const int64_t images_, rows_;
  const kernels::Pool<T> args_;
  void (*const kernel_)(const kernels::Pool<T>&);
  int parts_;
};

template <class T>
kernels::Pool<T> pool_args(const ir::Node& n, const ops::Window& w, int64_t channels) {
  const auto i = [](int64_t v) { return static_cast<int>(v); };
  return {.in_h = w.in[1],
          .in_w = w.in[2],
          .channels = channels,
          .in_row = w.in[2] * channels,
          .in_pixel = channels,
          .out_w = w.out[2],
          .out_row = w.out[2] * channels,
          .out_pixel = channels,
          .kernel_h = i(w.kernel[1]),
          .kernel_w = i(w.kernel[2]),
          .stride_h = i(w.stride[1]),
          .stride_w = i(w.stride[2]),
          .dilation_h = i(w.dilation[1]),
          .dilation_w = i(w.dilation[2]),
          .pad_top = w.pad_begin[1],
          .pad_left = w.pad_begin[2],
          .count_include_pad = n.attrs.get_int("count_include_pad", 0) != 0,
          .pad_bottom = w.pad_end[1],
          .pad_right = w.pad_end[2],
          .scale = n.attrs.get_float("scale", 1),
          .in_zero = i(n.attrs.get_int("x_zero_point", 0)),
          .out_zero = i(n.attrs.get_int("y_zero_point", 0))};
}

/// The window of a channels-last pool with a single output that is, or comes down to, one over two axes.
std::optional<PlanarWindow> pool_window(const BuildContext& b, const ir::Node& n) {
  const Shape& x = b.shape(n.input(0));
  if (!n.attrs.get_int("channels_last", 0) || n.outputs.size() != 1) return std::nullopt;
  ops::Window w = ops::read_pool_window(n, x.rank() - 2);
  ops::resolve(w, n, x);
  const auto still = [&](size_t axis) {
    return w.kernel[axis] == 1 && w.stride[axis] == 1 && w.in[axis] == w.out[axis];
  };
  if (still(0)) return PlanarWindow{x[0] * w.in[0], w};
  if (!still(1) || !still(2)) return std::nullopt;
  const int64_t pixels = w.in[1] * w.in[2];  // of a plane, which is a row of the window over the first axis
  for (auto* extents : {&w.kernel, &w.stride, &w.dilation, &w.pad_begin, &w.pad_end, &w.in, &w.out})
    std::swap((*extents)[0], (*extents)[1]);
  w.in[0] = w.out[0] = 1;
  w.in[2] = w.out[2] = pixels;
  return PlanarWindow{x[0], w};
}

template <class T>
std::unique_ptr<Step> make_pool(const BuildContext& b, const ir::Node& n,
                                void (*kernel)(const kernels::Pool<T>&)) {
  if (!kernel || b.graph.value(n.input(0)).dtype != dtype_of<T>) return nullptr;
  const auto w = pool_window(b, n);
  if (!w) return nullptr;
  const auto args = pool_args<T>(n, w->window, b.shape(n.input(0)).back());
  return std::make_unique<PoolStep<T>>(b, n, *w, args, kernel);
}

}  // namespace

std::unique_ptr<Step> make_max_pool_f32(const BuildContext& b, ir::NodeId id) {
  return make_pool<float>(b, b.graph.node(id), b.kernels.max_pool_f32);
}
std::unique_ptr<Step> make_max_pool_u8(const BuildContext& b, ir::NodeId id) {
  return make_pool<uint8_t>(b, b.graph.node(id), b.kernels.max_pool_u8);
}
std::unique_ptr<Step> make_average_pool_f32(const BuildContext& b, ir::NodeId id) {
  return make_pool<float>(b, b.graph.node(id), b.kernels.average_pool_f32);
}
std::unique_ptr<Step> make_average_pool_u8(const BuildContext& b, ir::NodeId id) {
  const ir::Node& n = b.graph.node(id);
  const auto w = pool_window(b, n);
  if (!w || !sum_fits(static_cast<double>(w->window.taps()))) return nullptr;
  return make_pool<uint8_t>(b, n, b.kernels.average_pool_u8);
}

}  // namespace tenfold::plan
