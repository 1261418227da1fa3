// Attention: softmax(scale * q k^T + mask) v for every head.  Attribute scale: 1 / sqrt(head) where absent;
// masked_rows_zero: a query all of whose keys are masked by -inf gives zeros instead of NaN.  Two forms:
//  - heads on axis 1: q [batch, heads, queries, head], k [batch, key heads, keys, head], v [batch, key heads,
//  keys, value
//    head]; `heads` is a multiple of `key heads`.
//  - attribute strides (engine only): q, k and v are any tensors; sizes = [batch, heads, queries, keys, head,
//  value head], and
//    strides gives start, batch, head and row of q, k, v and the output, in elements, see HeadRows.  So the
//    operands may lie in one matrix, transposed or not.  The output has shape out_shape and is written
//    completely.
// mask (optional, added) broadcasts to [batch, heads, queries, keys].
#include "ops/attention.hpp"

#include <algorithm>
#include <utility>

#include "base/math.hpp"
#include "ops/checks.hpp"

namespace tenfold::ops {
namespace {

void check_shapes(InferContext& ctx, const Shape& q, const Shape& k, const Shape& v) {
  if (q.rank() != 4 || k.rank() != 4 || v.rank() != 4)
    ctx.error("q, k and v of shapes {}, {} and {}, expected four axes", to_string(q), to_string(k),
              to_string(v));
  const bool grouped = is_symbol(q[1]) || is_symbol(k[1]) || (k[1] > 0 && q[1] % k[1] == 0);
  if (!may_equal(q[0], k[0]) || !may_equal(q[0], v[0]) || !grouped || !may_equal(k[1], v[1]) ||
      !may_equal(k[2], v[2]) || !may_equal(q[3], k[3]))
    ctx.error("q, k and v of shapes {}, {} and {} do not fit", to_string(q), to_string(k), to_string(v));
}

void check_mask(InferContext& ctx, const Shape& scores) {
  const Shape* mask = ctx.has_input(3) ? ctx.shape(3) : nullptr;
  if (!mask) return;
  bool fits = mask->rank() <= 4;
  for (int i = 0; fits && i < mask->rank(); i++) {
    const int64_t d = (*mask)[mask->rank() - 1 - i];
    fits = d == 1 || may_equal(d, scores[3 - i]);
  }
  if (!fits) ctx.error("a mask of shape {} for scores of shape {}", to_string(*mask), to_string(scores));
}

/// One past the last element that an operand touches, or -1 where that is no sensible number.
int64_t reach(const HeadRows& rows, int64_t batch, int64_t heads, int64_t length, int64_t size) {
  constexpr int64_t kMost = int64_t{1} << 40;  // products of two stay far from overflow after this test
  for (int64_t n : {rows.start, rows.batch, rows.head, rows.row})
    if (n < 0 || n > kMost) return -1;
  int64_t end = checked_add(rows.start, size);
  for (auto [count, step] :
       {std::pair(batch, rows.batch), std::pair(heads, rows.head), std::pair(length, rows.row)})
    end = checked_add(end, checked_mul(count - 1, step));
  return end;
}

void infer_strided(InferContext& ctx, const Shape& q, const Shape& k, const Shape& v) {
  const auto sizes = ctx.attrs().get_ints("sizes"), strides = ctx.attrs().get_ints("strides"),
             out = ctx.attrs().get_ints("out_shape");
  const Shape shape(out);
  if (sizes.size() != 6 || strides.size() != 16 || !shape.is_static() || !q.is_static() || !k.is_static() ||
      !v.is_static())
    ctx.error("strided attention needs six sizes, sixteen strides and static shapes");
  for (int64_t n : sizes)
    if (n <= 0 || n > (int64_t{1} << 30)) ctx.error("size {} of strided attention", n);
  const AttentionLayout l = attention_layout(ctx.node(), q, k, v);
  for (const HeadRows* rows : {&l.q, &l.k, &l.v, &l.out})
    if (reach(*rows, 1, 1, 1, 1) < 0) ctx.error("a negative or absurd stride");
  const bool fits = reach(l.q, l.batch, l.heads, l.queries, l.head) <= q.elements() &&
                    reach(l.k, l.batch, l.heads, l.keys, l.head) <= k.elements() &&
                    reach(l.v, l.batch, l.heads, l.keys, l.value_head) <= v.elements();
  const int64_t end = reach(l.out, l.batch, l.heads, l.queries, l.value_head);
  const int64_t written[] = {l.batch, l.heads, l.queries, l.value_head};
  if (!fits || end != shape.elements() || end != checked_product(written))
    ctx.error("strides that leave the tensors");
  check_mask(ctx, Shape{l.batch, l.heads, l.queries, l.keys});
  ctx.set(0, DType::f32, shape);
}

void infer(InferContext& ctx) {
  for (size_t i = 0; i < 4; i++) expect_dtype(ctx, i, {DType::f32});
  const Shape *q = ctx.shape(0), *k = ctx.shape(1), *v = ctx.shape(2);
  if (!q || !k || !v) return ctx.set(0, DType::f32, std::nullopt);
  if (ctx.attrs().has("strides")) return infer_strided(ctx, *q, *k, *v);
  check_shapes(ctx, *q, *k, *v);
  check_mask(ctx, Shape{(*q)[0], (*q)[1], (*q)[2], (*k)[2]});
  ctx.set(0, DType::f32, Shape{(*q)[0], (*q)[1], (*q)[2], (*v)[3]});
}

struct Query {
  const float *q, *k, *v, *mask;
  int64_t mask_step;
  float* out;
};

/// One query of one head: weights of the keys into `weights`, then the weighted sum of values.
void attend(const Query& h, const AttentionLayout& l, double scale, bool zero_masked,
            std::span<double> weights) {
  double best = -std::numeric_limits<double>::infinity();
  for (int64_t j = 0; j < l.keys; j++) {
    double score = 0;
    for (int64_t d = 0; d < l.head; d++)
      score += static_cast<double>(h.q[d]) * static_cast<double>(h.k[j * l.k.row + d]);
    score *= scale;
    if (h.mask) score += static_cast<double>(h.mask[j * h.mask_step]);
    weights[static_cast<size_t>(j)] = score;
    best = std::max(best, score);
  }
  if (l.keys == 0 || (zero_masked && best == -std::numeric_limits<double>::infinity())) {
    std::fill_n(h.out, l.value_head, 0.0f);
    return;
  }
  double sum = 0;
  for (double& w : weights) sum += w = std::exp(w - best);
  for (int64_t d = 0; d < l.value_head; d++) {
    double value = 0;
    for (int64_t j = 0; j < l.keys; j++)
      value += weights[static_cast<size_t>(j)] * static_cast<double>(h.v[j * l.v.row + d]);
    h.out[d] = static_cast<float>(value / sum);
  }
}

void eval(const EvalContext& ctx) {
  const AttentionLayout l = attention_layout(ctx.node, *ctx.in(0).shape, *ctx.in(1).shape, *ctx.in(2).shape);
  const double scale =
      static_cast<double>(ctx.attrs().get_float("scale", 1 / std::sqrt(static_cast<float>(l.head))));
  const bool zero_masked = ctx.attrs().get_int("masked_rows_zero", 0) != 0;
  const Shape scores{l.batch, l.heads, l.queries, l.keys};
  const Extents mask_steps = ctx.has_input(3) ? broadcast_strides(*ctx.in(3).shape, scores) : Extents(scores);
  thread_local std::vector<double> weights;  // grows to the longest row, then is reused
  weights.resize(static_cast<size_t>(l.keys));
  for (int64_t b = 0; b < l.batch; b++)
    for (int64_t n = 0; n < l.heads; n++)
      for (int64_t i = 0; i < l.queries; i++) {
        const float* mask = ctx.has_input(3) ? ctx.in(3).as<float>() + b * mask_steps[0] + n * mask_steps[1] +
                                                   i * mask_steps[2]
                                             : nullptr;
        const Query query{ctx.in(0).as<float>() + l.q.at(b, n, i),
                          ctx.in(1).as<float>() + l.k.at(b, l.key_head(n)),
                          ctx.in(2).as<float>() + l.v.at(b, l.key_head(n)),
                          mask,
                          mask_steps[3],
                          ctx.out().as<float>() + l.out.at(b, n, i)};
        attend(query, l, scale, zero_masked, weights);
      }
}

double macs(const ir::Graph& graph, const ir::Node& node) {
  const auto &q = graph.value(node.input(0)).shape, &k = graph.value(node.input(1)).shape,
             &v = graph.value(node.input(2)).shape;
  if (!q || !k || !v || !q->is_static() || !k->is_static() || !v->is_static()) return 0;
  const AttentionLayout l = attention_layout(node, *q, *k, *v);
  return static_cast<double>(l.batch * l.heads * l.queries) * static_cast<double>(l.keys) *
         static_cast<double>(l.head + l.value_head);
}

HeadRows heads_first(const Shape& s) { return {0, s.elements(1, 4), s.elements(2, 4), s[3]}; }

}  // namespace

AttentionLayout attention_layout(const ir::Node& node, const Shape& q, const Shape& k, const Shape& v) {
  if (!node.attrs.has("strides")) {
    const Shape out{q[0], q[1], q[2], v[3]};
    return {q[0],
            q[1],
            k[1],
            q[2],
            k[2],
            q[3],
            v[3],
            heads_first(q),
            heads_first(k),
            heads_first(v),
            heads_first(out)};
  }
  const auto sizes = node.attrs.get_ints("sizes"), strides = node.attrs.get_ints("strides");
  const auto rows = [&](size_t i) {
    return HeadRows{strides[4 * i], strides[4 * i + 1], strides[4 * i + 2], strides[4 * i + 3]};
  };
  return {sizes[0], sizes[1], sizes[1], sizes[2], sizes[3], sizes[4],
          sizes[5], rows(0),  rows(1),  rows(2),  rows(3)};
}

extern const OpDef op_attention;
const OpDef op_attention{"Attention", OpKind::other, 3, 4, 1, infer, eval, macs};

}  // namespace tenfold::ops
