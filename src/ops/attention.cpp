// Attention: softmax(scale * q k^T + mask) v for every head.  Inputs q [batch, heads, queries, head], k
// [batch, key heads, keys, head], v [batch, key heads, keys, value head], mask (optional, added, broadcast to
// [batch, heads, queries, keys]); `heads` is a multiple of `key heads`.  Attribute scale: 1 / sqrt(head)
// where absent; masked_rows_zero: a query all of whose keys are masked by -inf gives zeros instead of NaN.
#include <algorithm>

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

void check_mask(InferContext& ctx, const Shape& q, const Shape& k) {
  const Shape* mask = ctx.has_input(3) ? ctx.shape(3) : nullptr;
  if (!mask) return;
  const Shape scores{q[0], q[1], q[2], k[2]};
  bool fits = mask->rank() <= 4;
  for (int i = 0; fits && i < mask->rank(); i++) {
    const int64_t d = (*mask)[mask->rank() - 1 - i];
    fits = d == 1 || may_equal(d, scores[3 - i]);
  }
  if (!fits) ctx.error("a mask of shape {} for scores of shape {}", to_string(*mask), to_string(scores));
}

void infer(InferContext& ctx) {
  for (size_t i = 0; i < 4; i++) expect_dtype(ctx, i, {DType::f32});
  const Shape *q = ctx.shape(0), *k = ctx.shape(1), *v = ctx.shape(2);
  if (!q || !k || !v) return ctx.set(0, DType::f32, std::nullopt);
  check_shapes(ctx, *q, *k, *v);
  check_mask(ctx, *q, *k);
  ctx.set(0, DType::f32, Shape{(*q)[0], (*q)[1], (*q)[2], (*v)[3]});
}

struct Head {
  const float *q, *k, *v, *mask;
  int64_t mask_step;
  float* out;
};

/// One query of one head: weights of the keys into `weights`, then the weighted sum of values.
void attend(const Head& h, int64_t keys, int64_t head, int64_t value_head, double scale, bool zero_masked,
            std::span<double> weights) {
  double best = -std::numeric_limits<double>::infinity();
  for (int64_t j = 0; j < keys; j++) {
    double score = 0;
    for (int64_t d = 0; d < head; d++)
      score += static_cast<double>(h.q[d]) * static_cast<double>(h.k[j * head + d]);
    score *= scale;
    if (h.mask) score += static_cast<double>(h.mask[j * h.mask_step]);
    weights[static_cast<size_t>(j)] = score;
    best = std::max(best, score);
  }
  if (zero_masked && best == -std::numeric_limits<double>::infinity()) {
    std::fill_n(h.out, value_head, 0.0f);
    return;
  }
  double sum = 0;
  for (double& w : weights) sum += w = std::exp(w - best);
  for (int64_t d = 0; d < value_head; d++) {
    double value = 0;
    for (int64_t j = 0; j < keys; j++)
      value += weights[static_cast<size_t>(j)] * static_cast<double>(h.v[j * value_head + d]);
    h.out[d] = static_cast<float>(value / sum);
  }
}

void eval(const EvalContext& ctx) {
  const Shape &q = *ctx.in(0).shape, &k = *ctx.in(1).shape;
  const int64_t heads = q[1], queries = q[2], head = q[3], keys = k[2], value_head = (*ctx.in(2).shape)[3];
  const double scale =
      static_cast<double>(ctx.attrs().get_float("scale", 1 / std::sqrt(static_cast<float>(head))));
  const bool zero_masked = ctx.attrs().get_int("masked_rows_zero", 0) != 0;
  const Shape scores{q[0], heads, queries, keys};
  const Extents mask_steps = ctx.has_input(3) ? broadcast_strides(*ctx.in(3).shape, scores) : Extents(scores);
  thread_local std::vector<double> weights;  // grows to the longest row, then is reused
  weights.resize(static_cast<size_t>(keys));
  for (int64_t b = 0; b < q[0]; b++)
    for (int64_t n = 0; n < heads; n++) {
      const int64_t query_head = b * heads + n, key_head = b * k[1] + n / (heads / k[1]);
      for (int64_t i = 0; i < queries; i++) {
        const float* mask = ctx.has_input(3) ? ctx.in(3).as<float>() + b * mask_steps[0] + n * mask_steps[1] +
                                                   i * mask_steps[2]
                                             : nullptr;
        const Head h{ctx.in(0).as<float>() + (query_head * queries + i) * head,
                     ctx.in(1).as<float>() + key_head * keys * head,
                     ctx.in(2).as<float>() + key_head * keys * value_head,
                     mask,
                     mask_steps[3],
                     ctx.out().as<float>() + (query_head * queries + i) * value_head};
        attend(h, keys, head, value_head, scale, zero_masked, weights);
      }
    }
}

double macs(const ir::Graph& graph, const ir::Node& node) {
  const auto &q = graph.value(node.input(0)).shape, &k = graph.value(node.input(1)).shape,
             &v = graph.value(node.input(2)).shape;
  if (!q || !k || !v || !q->is_static() || !k->is_static() || !v->is_static()) return 0;
  return static_cast<double>(q->elements(0, 3)) * static_cast<double>((*k)[2]) *
         static_cast<double>((*q)[3] + (*v)[3]);
}

}  // namespace

extern const OpDef op_attention;
const OpDef op_attention{"Attention", OpKind::other, 3, 4, 1, infer, eval, macs};

}  // namespace tenfold::ops
