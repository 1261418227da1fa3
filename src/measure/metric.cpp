#include "measure/metric.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <numeric>

namespace tenfold::measure {

namespace {

const Tensor& first_output(std::span<const Tensor> outputs, std::string_view sample) {
  if (outputs.empty() || outputs[0].dtype() != DType::f32 || outputs[0].elements() == 0)
    fail(ErrorCode::data,
         "sample '{}': the metric reads the first output, which must be a non-empty f32 tensor", sample);
  return outputs[0];
}

/// Whether the label is among the k best classes.
template <int64_t k>
class TopK final : public Metric {
 public:
  double score(const Judged& judged) const override {
    const Tensor& scores = first_output(judged.outputs, judged.sample);
    if (scores.shape().rank() > 1 && scores.shape()[0] != 1)
      fail(ErrorCode::data,
           "sample '{}': the model gave {} rows of scores for one label: its batch must be 1", judged.sample,
           scores.shape()[0]);
    int64_t label = -1;
    const char* end = judged.label.data() + judged.label.size();
    const auto [stop, error] = std::from_chars(judged.label.data(), end, label);
    if (error != std::errc() || stop != end || label < 0 || label >= scores.elements())
      fail(ErrorCode::data, "sample '{}': label '{}' is not a class index below {}", judged.sample,
           judged.label, scores.elements());
    const auto best = top_classes(scores, k);
    return std::find(best.begin(), best.end(), label) != best.end() ? 1 : 0;
  }
  std::string describe(std::span<const Tensor> outputs) const override {
    const auto best = top_classes(first_output(outputs, ""), 1);
    return best.empty() ? "NaN" : std::to_string(best[0]);
  }
};

/// Text lines read by a CTC model: exact match, or the share of characters that are right.
class Ctc final : public Metric {
 public:
  Ctc(std::vector<std::string> alphabet, bool exact) : alphabet_(std::move(alphabet)), exact_(exact) {}
  double score(const Judged& judged) const override {
    const std::string text = ctc_decode(first_output(judged.outputs, judged.sample), alphabet_);
    if (exact_) return text == judged.label ? 1 : 0;
    const size_t length = std::max<size_t>(1, edit_distance(judged.label, ""));
    return 1.0 - static_cast<double>(edit_distance(text, judged.label)) / static_cast<double>(length);
  }
  std::string describe(std::span<const Tensor> outputs) const override {
    return ctc_decode(first_output(outputs, ""), alphabet_);
  }

 private:
  std::vector<std::string> alphabet_;
  bool exact_;
};

std::vector<double> numbers(const Tensor& tensor) {
  std::vector<double> values(static_cast<size_t>(tensor.elements()));
  for (int64_t i = 0; i < tensor.elements(); i++) values[static_cast<size_t>(i)] = tensor.at_double(i);
  return values;
}

/// Class indices, masks and the like have no distance: what counts is the share that is the same.
double share_equal(std::span<const double> a, std::span<const double> b) {
  const auto equal =
      std::inner_product(a.begin(), a.end(), b.begin(), size_t{0}, std::plus<>(), std::equal_to<>());
  return a.empty() ? 1 : static_cast<double>(equal) / static_cast<double>(a.size());
}

/// What a sample scores whose agreement is no number.
constexpr double kNoAgreement = -1;

/// The lowest agreement(output, FP32 model's output) of the sample.
template <class F>
double worst_agreement(const Judged& j, F&& agreement) {
  if (j.outputs.empty() || j.outputs.size() != j.reference.size())
    fail(ErrorCode::data, "sample '{}': {} outputs to compare with {} of the FP32 model", j.sample,
         j.outputs.size(), j.reference.size());
  double worst = 1;
  for (size_t i = 0; i < j.outputs.size(); i++) {
    const Tensor &a = j.outputs[i], &b = j.reference[i];
    if (a.shape() != b.shape() || a.dtype() != b.dtype())
      fail(ErrorCode::data, "sample '{}': output {} is {} {}, the FP32 model gave {} {}", j.sample, i,
           to_string(a.dtype()), to_string(a.shape()), to_string(b.dtype()), to_string(b.shape()));
    const auto x = numbers(a), y = numbers(b);
    const double value = is_float(a.dtype()) ? agreement(x, y) : share_equal(x, y);
    worst = std::isfinite(value) ? std::min(worst, value) : kNoAgreement;
  }
  return worst;
}

/// Cosine similarity with the FP32 model's outputs, the lowest over the outputs.
class Cosine final : public Metric {
 public:
  double score(const Judged& judged) const override {
    return worst_agreement(judged, [](std::span<const double> a, std::span<const double> b) {
      double ab = 0, aa = 0, bb = 0;
      for (size_t i = 0; i < a.size(); i++) {
        ab += a[i] * b[i];
        aa += a[i] * a[i];
        bb += b[i] * b[i];
      }
      return aa == 0 && bb == 0 ? 1 : aa == 0 || bb == 0 ? 0 : ab / std::sqrt(aa * bb);
    });
  }
  double spread() const override { return 1 - kNoAgreement; }
};

/// 1 - largest absolute difference over the range of the FP32 model's output, the lowest over the outputs.
class MaxError final : public Metric {
 public:
  double score(const Judged& judged) const override {
    return worst_agreement(judged, [](std::span<const double> a, std::span<const double> b) {
      double error = 0, lo = 0, hi = 0;
      for (size_t i = 0; i < a.size(); i++) {
        lo = std::min(lo, b[i]);
        hi = std::max(hi, b[i]);
        const double e = std::fabs(a[i] - b[i]);
        if (!std::isnan(error) && !(e <= error)) error = e;  // NaN, once met, stays
      }
      return error == 0 ? 1 : 1 - error / (hi - lo);
    });
  }
  double spread() const override { return 1 - kNoAgreement; }
};

template <class M>
std::unique_ptr<Metric> make_simple(const ir::Graph&) {
  return std::make_unique<M>();
}

template <bool exact>
std::unique_ptr<Metric> make_ctc(const ir::Graph& graph) {
  if (graph.outputs.empty()) fail(ErrorCode::invalid_argument, "metric ctc: the model has no output");
  const ir::Value& out = graph.value(graph.outputs[0]);
  if (!out.shape || out.shape->rank() < 2 || out.shape->back() <= 0)
    fail(ErrorCode::invalid_argument,
         "metric ctc: output '{}' must have shape [batch, steps, classes] with a known number of classes",
         out.name);
  return std::make_unique<Ctc>(ctc_alphabet(graph, out.shape->back()), exact);
}

constexpr MetricInfo kMetrics[] = {
    {"top1", "the best class of the first output is the label", true, make_simple<TopK<1>>},
    {"top5", "the label is among the five best classes of the first output", true, make_simple<TopK<5>>},
    {"ctc", "greedy CTC text of the first output equals the label", true, make_ctc<true>},
    {"ctc_char", "1 - character error rate of greedy CTC text", true, make_ctc<false>},
    {"cosine", "cosine similarity with the FP32 model's outputs", false, make_simple<Cosine>},
    {"max_error", "1 - largest difference from the FP32 model's outputs, relative to their range", false,
     make_simple<MaxError>},
};

/// Code points of UTF-8 text; a malformed byte counts as one.
std::vector<char32_t> code_points(std::string_view text) {
  std::vector<char32_t> result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) == 0x80 && !result.empty())
      result.back() = (result.back() << 6) | (byte & 0x3F);
    else
      result.push_back(byte);
  }
  return result;
}

}  // namespace

std::string Metric::describe(std::span<const Tensor>) const { return {}; }

std::span<const MetricInfo> metrics() { return kMetrics; }

const MetricInfo& find_metric(std::string_view name) {
  std::string known;
  for (const MetricInfo& m : kMetrics) {
    if (name == m.name) return m;
    known += (known.empty() ? "" : ", ") + std::string(m.name);
  }
  fail(ErrorCode::invalid_argument, "unknown metric '{}': use one of {}", name, known);
}

double relative_difference(const Tensor& a, const Tensor& b) {
  double lo = INFINITY, hi = -INFINITY, worst = 0;
  for (int64_t i = 0; i < a.elements(); i++) {
    const double x = a.at_double(i), y = b.at_double(i);
    if (std::isfinite(y)) {
      lo = std::min(lo, y);
      hi = std::max(hi, y);
    }
    if (x == y || (std::isnan(x) && std::isnan(y))) continue;
    const double difference = std::abs(x - y);
    worst = std::isfinite(difference) ? std::max(worst, difference) : INFINITY;
  }
  return worst == 0 ? 0 : worst / std::max(hi - lo, 1e-30);
}

std::vector<int64_t> top_classes(const Tensor& scores, int64_t k) {
  const auto values = scores.span<float>();
  std::vector<int64_t> index;
  for (size_t i = 0; i < values.size(); i++)
    if (!std::isnan(values[i])) index.push_back(static_cast<int64_t>(i));
  const auto count = std::min(static_cast<std::ptrdiff_t>(k), std::ssize(index));
  const auto key = [&](int64_t i) { return values[static_cast<size_t>(i)]; };
  std::partial_sort(index.begin(), index.begin() + count, index.end(),
                    [&](int64_t a, int64_t b) { return key(a) != key(b) ? key(a) > key(b) : a < b; });
  index.resize(static_cast<size_t>(count));
  return index;
}

std::string ctc_decode(const Tensor& scores, std::span<const std::string> alphabet) {
  const Shape& shape = scores.shape();
  const auto classes = static_cast<int64_t>(alphabet.size()) + 1;
  if (shape.rank() < 2 || shape.back() != classes || scores.elements() != shape[shape.rank() - 2] * classes)
    fail(ErrorCode::data, "CTC scores of shape {} do not fit an alphabet of {} and a blank, batch 1",
         to_string(shape), alphabet.size());
  std::string text;
  int64_t previous = 0;
  for (int64_t step = 0; step < shape[shape.rank() - 2]; step++) {
    const float* row = scores.data<float>() + step * classes;
    const int64_t best = std::max_element(row, row + classes) - row;
    if (best != 0 && best != previous) text += alphabet[static_cast<size_t>(best - 1)];
    previous = best;
  }
  return text;
}

std::vector<std::string> ctc_alphabet(const ir::Graph& graph, int64_t classes) {
  const auto it = graph.metadata.find("character");
  if (it == graph.metadata.end())
    fail(ErrorCode::invalid_argument,
         "metric ctc: the model has no metadata 'character' that lists its alphabet, one entry per line");
  std::vector<std::string> alphabet;
  for (size_t at = 0; at < it->second.size();) {
    const size_t end = std::min(it->second.find('\n', at), it->second.size());
    size_t length = end - at;
    if (length > 0 && it->second[end - 1] == '\r') length--;
    alphabet.push_back(it->second.substr(at, length));
    at = end + 1;
  }
  if (static_cast<int64_t>(alphabet.size()) + 2 == classes) alphabet.emplace_back(" ");
  if (static_cast<int64_t>(alphabet.size()) + 1 != classes)
    fail(ErrorCode::invalid_argument,
         "metric ctc: {} classes do not fit an alphabet of {} entries and a blank", classes, alphabet.size());
  return alphabet;
}

size_t edit_distance(std::string_view a, std::string_view b) {
  const auto x = code_points(a), y = code_points(b);
  std::vector<size_t> row(y.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= x.size(); i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= y.size(); j++) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (x[i - 1] != y[j - 1])});
      diagonal = above;
    }
  }
  return row[y.size()];
}

}  // namespace tenfold::measure
