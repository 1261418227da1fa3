// TopK(x, k) {axis, largest, sorted}: values and i64 positions, best first; of equal elements the first one
// wins.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  check_type(c, 0, kNumbers);
  check_type(c, 1, {DType::i64});
  const Shape* in = c.shape(0);
  if (!in) {
    c.set(0, c.dtype(0), std::nullopt);
    return c.set(1, DType::i64, std::nullopt);
  }
  if (in->rank() == 0) c.error("a scalar has no axis");
  const int axis = c.axis(c.attrs().get_int("axis", -1), in->rank());
  const auto k = c.content(1);
  if (k && k->size() != 1) c.error("k has {} elements", k->size());
  const int64_t extent = (*in)[axis];
  const int64_t count = k ? (*k)[0] : c.data_dependent(0, axis);
  if (!is_symbol(count) && (count < 0 || (!is_symbol(extent) && count > extent)))
    c.error("k = {} of an axis of extent {}", count, extent);
  Shape out = *in;
  out[axis] = count;
  c.set(0, c.dtype(0), out);
  c.set(1, DType::i64, std::move(out));
}

/// The k best positions of one line, kept as a heap with the worst on top, in the output itself (no other
/// memory).
template <class T>
struct Selector {
  const T* x;
  int64_t x_step;
  int64_t* heap;
  int64_t heap_step;
  bool largest;

  T value(int64_t position) const { return x[position * x_step]; }
  int64_t& at(int64_t i) const { return heap[i * heap_step]; }
  /// Does position a come after position b in the result?
  bool worse(int64_t a, int64_t b) const {
    const T va = value(a), vb = value(b);
    if (va != vb) return largest ? va < vb : va > vb;
    return a > b;
  }
  void sift_down(int64_t i, int64_t n) const {
    while (true) {
      int64_t child = 2 * i + 1;
      if (child >= n) return;
      if (child + 1 < n && worse(at(child + 1), at(child))) child++;
      if (!worse(at(child), at(i))) return;
      std::swap(at(i), at(child));
      i = child;
    }
  }
  void select(int64_t n, int64_t k) const {
    for (int64_t i = 0; i < k; i++) at(i) = i;
    for (int64_t i = k / 2 - 1; i >= 0; i--) sift_down(i, k);
    for (int64_t i = k; i < n; i++)
      if (worse(at(0), i)) {
        at(0) = i;
        sift_down(0, k);
      }
    for (int64_t i = k - 1; i > 0; i--) {  // the worst goes last
      std::swap(at(0), at(i));
      sift_down(0, i);
    }
  }
};

void eval(const EvalContext& e) {
  const Extents in(*e.in(0).shape), out(*e.out(0).shape);
  const int axis = resolve_axis(e.attrs().get_int("axis", -1), in.rank);
  const int64_t outer = in.product(0, axis), inner = in.product(axis + 1, in.rank), n = in[axis],
                k = out[axis];
  if (index_at(e.in(1), 0) != k || k > n)
    fail(ErrorCode::invalid_argument, "TopK: planned for k = {} of {} elements", k, n);
  if (k == 0) return;
  const bool largest = e.attrs().get_int("largest", 1) != 0;
  ensure(e.outputs.size() == 2 && e.out(1).data, "TopK needs a buffer for both outputs");
  dispatch_number(e.in(0).dtype, [&](auto tag) {
    using T = decltype(tag);
    for (int64_t o = 0; o < outer; o++)
      for (int64_t i = 0; i < inner; i++) {
        const Selector<T> line{e.in(0).as<T>() + o * n * inner + i, inner,
                               e.out(1).as<int64_t>() + o * k * inner + i, inner, largest};
        line.select(n, k);
        T* values = e.out(0).as<T>() + o * k * inner + i;
        for (int64_t j = 0; j < k; j++) values[j * inner] = line.value(line.at(j));
      }
  });
}

}  // namespace

extern const OpDef op_top_k = {"TopK", OpKind::other, 2, 2, 2, infer, eval};

}  // namespace tenfold::ops
