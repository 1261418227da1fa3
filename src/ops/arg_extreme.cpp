// ArgMax, ArgMin (data) {axis, keepdims, select_last_index}: i64 positions.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  check_type(c, 0, kNumbers);
  const Shape* in = c.shape(0);
  if (!in) return c.set(0, DType::i64, std::nullopt);
  const int axis = c.axis(c.attrs().get_int("axis", 0), in->rank());
  if ((*in)[axis] == 0) c.error("axis {} is empty", axis);
  const bool keep = c.attrs().get_int("keepdims", 1) != 0;
  Shape out;
  for (int i = 0; i < in->rank(); i++)
    if (i != axis || keep) out.push_back(i == axis ? 1 : (*in)[i]);
  c.set(0, DType::i64, std::move(out));
}

struct Greater {
  template <class T>
  bool operator()(T a, T b) const {
    return a > b;
  }
};
struct Less {
  template <class T>
  bool operator()(T a, T b) const {
    return a < b;
  }
};

template <class Better>
void eval(const EvalContext& e) {
  const Extents in(*e.in(0).shape);
  const int axis = resolve_axis(e.attrs().get_int("axis", 0), in.rank);
  const bool last = e.attrs().get_int("select_last_index", 0) != 0;
  const int64_t outer = in.product(0, axis), inner = in.product(axis + 1, in.rank), extent = in[axis];
  if (extent == 0) fail(ErrorCode::invalid_argument, "{} over an empty axis", e.node.op);
  dispatch_number(e.in(0).dtype, [&](auto tag) {
    using T = decltype(tag);
    for (int64_t o = 0; o < outer; o++)
      for (int64_t i = 0; i < inner; i++) {
        const T* x = e.in(0).as<T>() + o * extent * inner + i;
        int64_t best = 0;
        for (int64_t k = 1; k < extent; k++)
          if (Better{}(x[k * inner], x[best * inner]) || (last && x[k * inner] == x[best * inner])) best = k;
        e.out().as<int64_t>()[o * inner + i] = best;
      }
  });
}

}  // namespace

extern const OpDef op_arg_max = {"ArgMax", OpKind::other, 1, 1, 1, infer, eval<Greater>};
extern const OpDef op_arg_min = {"ArgMin", OpKind::other, 1, 1, 1, infer, eval<Less>};

}  // namespace tenfold::ops
