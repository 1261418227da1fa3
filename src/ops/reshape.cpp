// Reshape(data, shape) {allowzero}: 0 copies an extent (unless allowzero), one -1 is computed.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

/// Extent of the -1 among `target` for an input of shape `in`.  Extents that are copied stand on both sides
/// and cancel: where a batch is empty, what is left of the other axes is still known.
int64_t remaining(InferContext& c, const Shape& in, std::span<const int64_t> target, bool allow_zero) {
  std::vector<int64_t> dims, rest;
  const auto copies = [&](size_t i) { return i < target.size() && target[i] == 0 && !allow_zero; };
  for (size_t i = 0; i < target.size(); i++)
    if (target[i] != -1 && !copies(i)) dims.push_back(target[i]);
  for (int i = 0; i < in.rank(); i++)
    if (!copies(static_cast<size_t>(i))) rest.push_back(in[i]);
  const int64_t total = dim_product(c, rest), known = dim_product(c, dims);
  if (known == 0) {
    if (total != 0 && !is_symbol(total))
      c.error("cannot reshape {} elements into a shape with a zero extent", total);
    return 0;
  }
  if (!is_symbol(total) && !is_symbol(known) && total % known != 0)
    c.error("shape {} does not divide into [{}] and a -1", to_string(in), fmt::join(dims, ", "));
  return dim_div(c, total, known);
}

void infer(InferContext& c) {
  check_type(c, 1, {DType::i64});
  const Shape* in = c.shape(0);
  const Shape* target_shape = c.shape(1);
  auto target = c.content(1);
  if (!target) {  // the rank may still be known
    if (!target_shape || target_shape->rank() != 1 || is_symbol((*target_shape)[0]))
      return c.set(0, c.dtype(0), std::nullopt);
    if ((*target_shape)[0] > kMaxRank)
      c.error("reshape to rank {} (at most {})", (*target_shape)[0], kMaxRank);
    Shape out;
    for (int i = 0; i < (*target_shape)[0]; i++) out.push_back(c.data_dependent(0, i));
    return c.set(0, c.dtype(0), out);
  }
  const bool allow_zero = c.attrs().get_int("allowzero", 0) != 0;
  const std::vector<int64_t> given = *target;
  std::optional<size_t> unknown;
  for (size_t i = 0; i < target->size(); i++) {
    int64_t& d = (*target)[i];
    if (d == 0 && !allow_zero) {
      if (in && static_cast<int>(i) >= in->rank())
        c.error("extent 0 at position {} copies an axis that {} lacks", i, to_string(*in));
      d = in ? (*in)[static_cast<int>(i)] : c.data_dependent(0, static_cast<int>(i));
    } else if (d == -1) {
      if (unknown) c.error("more than one -1 in the target shape");
      unknown = i;
    } else if (d < 0 && !is_symbol(d)) {
      c.error("target extent {}", d);
    }
  }
  if (unknown) {
    (*target)[*unknown] =
        in ? remaining(c, *in, given, allow_zero) : c.data_dependent(0, static_cast<int>(*unknown));
  } else if (in && in->is_static() && Shape(*target).is_static() &&
             in->elements() != Shape(*target).elements()) {
    c.error("cannot reshape {} to {}", to_string(*in), to_string(Shape(*target)));
  }
  c.set(0, c.dtype(0), Shape(std::move(*target)));
  pass_content(c);
}

}  // namespace

extern const OpDef op_reshape = {"Reshape", OpKind::movement, 2, 2, 1, infer, copy_through};

}  // namespace tenfold::ops
