// NonMaxSuppression(boxes[b, n, 4], scores[b, classes, n], max_per_class?, iou_threshold?, score_threshold?)
// {center_point_box}: i64 rows (batch, class, box), best score first within a class.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

struct Options {
  int64_t batches, boxes, classes, limit;
  float iou, score;
  bool has_score, centers;
};

template <class In>
Options read_options(const In& boxes, const In& scores, const TensorView& limit, const TensorView& iou,
                     const TensorView& score, bool centers) {
  Options o{boxes[0], boxes[1], scores[1], 0, 0, 0, score.data != nullptr, centers};
  if (limit.data) o.limit = std::max<int64_t>(0, index_at(limit, 0));
  if (iou.data) o.iou = *iou.as<float>();
  if (score.data) o.score = *score.as<float>();
  return o;
}

/// Corners of a box, ordered.
struct Box {
  float y0, x0, y1, x1;
};
Box corners(const float* b, bool centers) {
  if (centers) return {b[1] - b[3] / 2, b[0] - b[2] / 2, b[1] + b[3] / 2, b[0] + b[2] / 2};
  return {std::min(b[0], b[2]), std::min(b[1], b[3]), std::max(b[0], b[2]), std::max(b[1], b[3])};
}

bool overlap(const Box& a, const Box& b, float threshold) {
  const float h = std::min(a.y1, b.y1) - std::max(a.y0, b.y0),
              w = std::min(a.x1, b.x1) - std::max(a.x0, b.x0);
  if (h <= 0 || w <= 0) return false;
  const float common = h * w, both = (a.y1 - a.y0) * (a.x1 - a.x0) + (b.y1 - b.y0) * (b.x1 - b.x0) - common;
  return both > 0 && common / both > threshold;
}

/// Box that comes after `last` (-1: none yet) by falling score, then rising index; -1 at the end.
int64_t next_best(const float* scores, const Options& o, int64_t last) {
  int64_t best = -1;
  for (int64_t i = 0; i < o.boxes; i++) {
    if (o.has_score && !(scores[i] > o.score)) continue;
    if (last >= 0 && !(scores[i] < scores[last] || (scores[i] == scores[last] && i > last))) continue;
    if (best < 0 || scores[i] > scores[best]) best = i;
  }
  return best;
}

/// Calls keep(batch, class, box) for every box that stays; `kept(k)` is the k-th box kept so far in this
/// class. Needs no memory besides: a candidate is found by scanning, so the time grows with candidates times
/// boxes.
template <class Keep, class Kept>
void suppress(const float* boxes, const float* scores, const Options& o, Keep keep, Kept kept) {
  for (int64_t b = 0; b < o.batches; b++)
    for (int64_t c = 0; c < o.classes; c++) {
      const float* score = scores + (b * o.classes + c) * o.boxes;
      const float* box = boxes + b * o.boxes * 4;
      int64_t count = 0;
      for (int64_t i = next_best(score, o, -1); i >= 0 && count < o.limit; i = next_best(score, o, i)) {
        const Box candidate = corners(box + i * 4, o.centers);
        bool hidden = false;
        for (int64_t k = 0; k < count && !hidden; k++)
          hidden = overlap(candidate, corners(box + kept(k) * 4, o.centers), o.iou);
        if (!hidden) {
          keep(b, c, i);
          count++;
        }
      }
    }
}

TensorView constant_view(const InferContext& c, size_t i) {
  const Tensor* t = c.constant(i);
  return t ? t->view() : TensorView{};
}

/// The number of rows, where all inputs are constants.
int64_t count_rows(const InferContext& c) {
  const TensorView boxes = constant_view(c, 0), scores = constant_view(c, 1);
  const Options o = read_options(*boxes.shape, *scores.shape, constant_view(c, 2), constant_view(c, 3),
                                 constant_view(c, 4), c.attrs().get_int("center_point_box", 0) != 0);
  std::vector<int64_t> in_class;
  int64_t rows = 0, group = -1;
  suppress(
      boxes.as<float>(), scores.as<float>(), o,
      [&](int64_t b, int64_t k, int64_t i) {
        if (group != b * o.classes + k) in_class.clear();
        group = b * o.classes + k;
        in_class.push_back(i);
        rows++;
      },
      [&](int64_t k) { return in_class[static_cast<size_t>(k)]; });
  return rows;
}

void infer(InferContext& c) {
  check_type(c, 0, {DType::f32});
  check_type(c, 1, {DType::f32});
  if (c.has_input(2)) check_type(c, 2, {DType::i64});
  for (size_t i = 3; i < c.inputs(); i++)
    if (c.has_input(i)) check_type(c, i, {DType::f32});
  for (size_t i = 2; i < c.inputs(); i++)
    if (const Shape* s = c.shape(i); s && s->is_static() && s->elements() != 1)
      c.error("input {} is no scalar", i);
  const Shape *boxes = c.shape(0), *scores = c.shape(1);
  if (boxes && scores) {
    if (boxes->rank() != 3 || scores->rank() != 3)
      c.error("boxes {} and scores {} (rank 3 expected)", to_string(*boxes), to_string(*scores));
    dim_same(c, (*boxes)[0], (*scores)[0], "batch");
    dim_same(c, (*boxes)[1], (*scores)[2], "boxes");
    dim_same(c, (*boxes)[2], 4, "coordinates");
  }
  bool constant = true;
  for (size_t i = 0; i < c.inputs(); i++) constant = constant && (!c.has_input(i) || c.constant(i));
  c.set(0, DType::i64, Shape{constant ? count_rows(c) : c.data_dependent(0, 0), 3});
}

void eval(const EvalContext& e) {
  const auto optional = [&](size_t i) { return e.has_input(i) ? e.in(i) : TensorView{}; };
  const Options o = read_options(*e.in(0).shape, *e.in(1).shape, optional(2), optional(3), optional(4),
                                 e.attrs().get_int("center_point_box", 0) != 0);
  int64_t* out = e.out().as<int64_t>();
  const int64_t planned = (*e.out().shape)[0];
  int64_t rows = 0, first = 0, group = -1;
  suppress(
      e.in(0).as<float>(), e.in(1).as<float>(), o,
      [&](int64_t b, int64_t k, int64_t i) {
        if (rows == planned)
          fail(ErrorCode::invalid_argument, "NonMaxSuppression: more than the {} rows planned for", planned);
        if (group != b * o.classes + k) first = rows;
        group = b * o.classes + k;
        out[rows * 3] = b;
        out[rows * 3 + 1] = k;
        out[rows * 3 + 2] = i;
        rows++;
      },
      [&](int64_t k) { return out[(first + k) * 3 + 2]; });
  if (rows != planned)
    fail(ErrorCode::invalid_argument, "NonMaxSuppression: {} rows, planned for {}", rows, planned);
}

}  // namespace

extern const OpDef op_non_max_suppression = {"NonMaxSuppression", OpKind::other, 2, 5, 1, infer, eval};

}  // namespace tenfold::ops
