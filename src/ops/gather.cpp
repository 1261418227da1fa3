// Gather(data, indices) {axis}: slices of `data` along one axis; negative indices count from the end.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  check_type(c, 1, kIndices);
  const Shape *in = c.shape(0), *indices = c.shape(1);
  if (!in || !indices) return c.set(0, c.dtype(0), std::nullopt);
  if (in->rank() == 0) c.error("a scalar has no axis to gather from");
  const int axis = c.axis(c.attrs().get_int("axis", 0), in->rank());
  const auto at = c.content(1);
  const int64_t extent = (*in)[axis];
  if (at && !is_symbol(extent))
    for (int64_t i : *at)
      if (!is_symbol(i) && (i < -extent || i >= extent))
        c.error("index {} is out of range for an axis of extent {}", i, extent);
  Shape out;
  for (int i = 0; i < axis; i++) out.push_back((*in)[i]);
  for (int64_t d : *indices) out.push_back(d);
  for (int i = axis + 1; i < in->rank(); i++) out.push_back((*in)[i]);
  const bool vector = in->rank() == 1 && out.rank() <= 1;
  c.set(0, c.dtype(0), std::move(out));
  const auto values = vector ? c.content(0) : std::nullopt;
  if (!values || !at) return;
  std::vector<int64_t> taken;
  for (int64_t i : *at) {
    if (is_symbol(i)) return;
    taken.push_back((*values)[static_cast<size_t>(resolve_index(i, static_cast<int64_t>(values->size())))]);
  }
  c.set_content(0, std::move(taken));
}

void eval(const EvalContext& e) {
  const Extents in(*e.in(0).shape);
  const int axis = resolve_axis(e.attrs().get_int("axis", 0), in.rank);
  const int64_t outer = in.product(0, axis), inner = in.product(axis + 1, in.rank), extent = in[axis];
  const int64_t n = e.in(1).elements();
  const size_t run = static_cast<size_t>(inner) * size_of(e.in(0).dtype);
  dispatch_size(e.in(0).dtype, [](auto) {});  // rejects strings
  const char* from = e.in(0).as<char>();
  char* to = e.out().as<char>();
  for (int64_t o = 0; o < outer; o++)
    for (int64_t i = 0; i < n; i++) {
      const int64_t at = resolve_index(index_at(e.in(1), i), extent);
      std::memcpy(to + static_cast<size_t>(o * n + i) * run,
                  from + static_cast<size_t>(o * extent + at) * run, run);
    }
}

}  // namespace

extern const OpDef op_gather = {"Gather", OpKind::movement, 2, 2, 1, infer, eval};

}  // namespace tenfold::ops
