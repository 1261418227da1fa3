// Attention: the standard operator to the form that the engine runs (heads on axis 1, an added mask).
#include <array>
#include <limits>

#include "onnx/rules.hpp"

namespace tenfold::onnx {
namespace {

using ir::kNone;
using ir::ValueId;

/// [batch, length, heads * size] to [batch, heads, length, size].
ValueId split_heads(NodeImport& n, ValueId x, int64_t heads) {
  return n.emit("Transpose", {n.emit("Reshape", {x, n.ints({0, 0, heads, -1}, "heads")})},
                {{"perm", std::vector<int64_t>{0, 2, 1, 3}}});
}

/// A mask of booleans (true: attend) as numbers to add.
ValueId added_mask(NodeImport& n, ValueId mask) {
  if (n.dtype_of(mask) != DType::boolean) return mask;
  return n.emit("Where",
                {mask, n.scalar(0.0f, "attend"), n.scalar(-std::numeric_limits<float>::infinity(), "mask")});
}

/// Numbers to add so that query i sees the keys of the cache and those up to its own; kNone where lengths are
/// not known.
ValueId causal_mask(NodeImport& n, ValueId q, ValueId k) {
  const Shape *queries = n.shape_of(q), *keys = n.shape_of(k);
  if (!queries || !keys || queries->rank() != 4 || keys->rank() != 4) return kNone;
  const int64_t rows = (*queries)[2], columns = (*keys)[2], cached = n.has_input(4) ? columns - rows : 0;
  if (rows < 0 || columns < 0) return kNone;
  // Computed, not stored: constant folding decides whether the mask is worth its memory.
  Tensor yes(DType::boolean, Shape{1});
  *yes.mutable_data<bool>() = true;
  const ValueId all = n.emit("ConstantOfShape", {n.ints({rows, columns}, "lengths")}, {{"value", yes}});
  const ValueId diagonal = n.constant(Tensor::scalar<int64_t>(cached), "cached");
  return added_mask(n, n.emit("Trilu", {all, diagonal}, {{"upper", int64_t{0}}}));
}

/// Appends to the cache at input `at`, if there is one; output `present` is the result.
ValueId with_cache(NodeImport& n, ValueId x, size_t at, size_t present) {
  if (n.has_input(at)) x = n.emit("Concat", {n.inputs[at], x}, {{"axis", int64_t{2}}});
  if (n.has_output(present)) n.alias(present, x);
  return x;
}

void attention(NodeImport& n) {
  if (n.has_input(6)) return n.unsupported("key lengths that are not padded");
  if (n.has_output(3)) return n.unsupported("scores as an output");
  if (n.attrs.get_float("softcap", 0) != 0) return n.unsupported("softcap");
  ValueId q = n.need(0), k = n.need(1), v = n.need(2);
  const auto rank = n.rank_of(q);
  if (!rank || (*rank != 3 && *rank != 4)) return n.unsupported("the rank of its input is not known");
  if (*rank == 3) {
    const int64_t heads = n.attrs.get_int("q_num_heads", 0),
                  key_heads = n.attrs.get_int("kv_num_heads", heads);
    if (heads <= 0 || key_heads <= 0) n.fail("{} heads and {} key heads", heads, key_heads);
    q = split_heads(n, q, heads);
    k = split_heads(n, k, key_heads);
    v = split_heads(n, v, key_heads);
  }
  k = with_cache(n, k, 4, 1);
  v = with_cache(n, v, 5, 2);
  std::vector<ValueId> in{q, k, v};
  ValueId mask = n.has_input(3) ? added_mask(n, n.inputs[3]) : kNone;
  if (n.attrs.get_int("is_causal", 0) != 0) {
    const ValueId causal = causal_mask(n, q, k);
    if (causal == kNone)
      return n.unsupported("causal attention over lengths that are not known before running");
    mask = mask == kNone ? causal : n.emit("Add", {mask, causal});
  }
  if (mask != kNone) in.push_back(mask);
  ir::Attributes attrs;
  if (n.attrs.has("scale")) attrs.set("scale", n.attrs.get_float("scale", 1));
  if (*rank == 4) return n.produce(0, "Attention", std::move(in), attrs);
  const ValueId joined = n.emit("Transpose", {n.emit("Attention", std::move(in), attrs)},
                                {{"perm", std::vector<int64_t>{0, 2, 1, 3}}});
  n.produce(0, "Reshape", {joined, n.ints({0, 0, -1}, "joined")});
}

constexpr std::array kRules{Rule{"Attention", kAnyOpset, attention}};

}  // namespace

std::span<const Rule> attention_rules() { return kRules; }

}  // namespace tenfold::onnx
