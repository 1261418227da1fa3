#include "measure/metric.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace tenfold::measure {
namespace {

ir::Graph text_model(std::string alphabet, int64_t classes) {
  ir::Graph g;
  const auto x = g.add_input("x", DType::f32, {1, 4, classes});
  g.outputs = {x};
  g.metadata["character"] = std::move(alphabet);
  return g;
}

/// One-hot scores [1, steps, classes].
Tensor steps(std::initializer_list<int> best, int64_t classes) {
  Tensor t(DType::f32, {1, static_cast<int64_t>(best.size()), classes});
  std::fill_n(t.mutable_data<float>(), t.elements(), 0.0f);
  int64_t row = 0;
  for (int b : best) t.mutable_data<float>()[row++ * classes + b] = 1;
  return t;
}

double score(const char* metric, const ir::Graph& g, Tensor output, std::string_view label,
             std::vector<Tensor> reference = {}) {
  const std::vector<Tensor> outputs{std::move(output)};
  return find_metric(metric).make(g)->score({outputs, reference, label, "s.png"});
}

TEST(Metric, TableIsComplete) {
  for (const MetricInfo& m : metrics()) EXPECT_EQ(&find_metric(m.name), &m);
  try {
    find_metric("bleu");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("top1, top5, ctc"), std::string::npos);
  }
}

TEST(Metric, TopK) {
  const ir::Graph g;
  const Tensor t = Tensor::from<float>({1, 7}, {0, 5, 1, 2, 3, 4, 0.5f});
  EXPECT_EQ(score("top1", g, t, "1"), 1);
  EXPECT_EQ(score("top1", g, t, "5"), 0);
  EXPECT_EQ(score("top5", g, t, "2"), 1);
  EXPECT_EQ(score("top5", g, t, "6"), 0);
  EXPECT_EQ(top_classes(t, 3), (std::vector<int64_t>{1, 5, 4}));
  for (const char* bad : {"", "7", "-1", "1x", "cat"}) EXPECT_THROW(score("top1", g, t, bad), Error) << bad;
  EXPECT_EQ(score("top1", g, Tensor::from<float>({1, 2}, {NAN, -1.0f}), "1"), 1);
  EXPECT_EQ(score("top1", g, Tensor::from<float>({1, 2}, {NAN, NAN}), "0"), 0);
  EXPECT_EQ(find_metric("top1").make(g)->describe(std::vector<Tensor>{Tensor::from<float>({1}, {NAN})}),
            "NaN");
  EXPECT_THROW(score("top1", g, Tensor::from<float>({2, 2}, {1, 2, 2, 1}), "1"), Error);  // batch 2
  EXPECT_THROW(score("top1", g, Tensor::from<int64_t>({1, 2}, {1, 2}), "1"), Error);
}

TEST(Metric, SpreadIsWhatALostSampleCosts) {
  const ir::Graph g = text_model("a\nb", 3);
  for (const MetricInfo& m : metrics()) {
    const auto metric = m.make(g);
    EXPECT_EQ(metric->spread(), m.needs_labels ? 1 : 2) << m.name;
  }
  const Tensor good = Tensor::from<float>({2}, {1, 2}), bad = Tensor::from<float>({2}, {NAN, 2});
  for (const char* name : {"cosine", "max_error"})
    EXPECT_EQ(score(name, g, good, "", {good}) - score(name, g, bad, "", {good}), 2) << name;
}

TEST(Metric, RelativeDifferenceCountsWhatIsNotFinite) {
  const auto difference = [](std::initializer_list<float> a, std::initializer_list<float> b) {
    const auto n = static_cast<int64_t>(a.size());
    return relative_difference(Tensor::from<float>({n}, a), Tensor::from<float>({n}, b));
  };
  EXPECT_EQ(difference({1, 2, 5}, {1, 3, 5}), 0.25);
  EXPECT_EQ(difference({1, NAN, INFINITY}, {1, NAN, INFINITY}), 0);
  EXPECT_EQ(difference({1, NAN, 4, 5}, {1, NAN, 3, 5}), 0.25);
  EXPECT_EQ(difference({NAN, 2, 5}, {1, 2, 5}), INFINITY);
  EXPECT_EQ(difference({1, 2, 5}, {NAN, 2, 5}), INFINITY);
  EXPECT_EQ(difference({INFINITY}, {-INFINITY}), INFINITY);
  EXPECT_EQ(difference({}, {}), 0);
}

TEST(Metric, CtcDecodesRepeatsAndBlanks) {
  const ir::Graph g = text_model("a\nb\né\n", 5);  // blank a b é space
  const auto alphabet = ctc_alphabet(g, 5);
  ASSERT_EQ(alphabet.size(), 4u);
  EXPECT_EQ(alphabet[3], " ");
  EXPECT_EQ(ctc_decode(steps({0, 1, 1, 0, 1, 3, 4, 4, 2, 0}, 5), alphabet), "aaé b");
  EXPECT_EQ(ctc_decode(steps({0, 0}, 5), alphabet), "");
  EXPECT_EQ(score("ctc", g, steps({1, 2}, 5), "ab"), 1);
  EXPECT_EQ(score("ctc", g, steps({1, 2}, 5), "a"), 0);
  EXPECT_DOUBLE_EQ(score("ctc_char", g, steps({1, 3, 0, 2}, 5), "aébb"), 0.75);
  EXPECT_EQ(score("ctc_char", g, steps({0}, 5), ""), 1);
  EXPECT_EQ(find_metric("ctc").make(g)->describe(std::vector<Tensor>{steps({1, 2}, 5)}), "ab");
}

TEST(Metric, CtcAlphabets) {
  EXPECT_EQ(ctc_alphabet(text_model("'\na\nb", 4), 4).size(), 3u);  // no room for a space
  EXPECT_EQ(ctc_alphabet(text_model("a\r\nb\r\n", 3), 3)[1], "b");
  EXPECT_THROW(ctc_alphabet(text_model("a\nb", 9), 9), Error);
  EXPECT_THROW(ctc_alphabet(ir::Graph{}, 9), Error);
  EXPECT_THROW(find_metric("ctc").make(ir::Graph{}), Error);
  const auto two = ctc_alphabet(text_model("a\nb", 3), 3);
  EXPECT_THROW(ctc_decode(steps({1}, 5), two), Error);
  EXPECT_THROW(ctc_decode(Tensor::from<float>({2, 1, 3}, {1, 0, 0, 1, 0, 0}), two), Error);  // batch 2
}

TEST(Metric, EditDistanceCountsCharacters) {
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("日本語", "日本"), 1u);
  EXPECT_EQ(edit_distance("\x80\xff", ""), 2u);
}

TEST(Metric, AgreementWithFp32) {
  const ir::Graph g;
  const Tensor a = Tensor::from<float>({1, 3}, {1, 2, 3}), b = Tensor::from<float>({1, 3}, {1, 2, 2.7f});
  EXPECT_EQ(score("cosine", g, a, "", {a}), 1);
  EXPECT_NEAR(score("cosine", g, b, "", {a}), 0.99869, 1e-4);
  EXPECT_NEAR(score("max_error", g, b, "", {a}), 0.9, 1e-6);
  EXPECT_EQ(score("max_error", g, a, "", {a}), 1);
  const Tensor zero = Tensor::from<float>({1, 3}, {0, 0, 0});
  EXPECT_EQ(score("cosine", g, zero, "", {zero}), 1);
  EXPECT_EQ(score("cosine", g, zero, "", {a}), 0);
  EXPECT_EQ(score("max_error", g, zero, "", {zero}), 1);
  const Tensor nan = Tensor::from<float>({1, 3}, {1, NAN, 3});
  EXPECT_EQ(score("cosine", g, nan, "", {a}), -1);
  EXPECT_EQ(score("max_error", g, nan, "", {a}), -1);
  EXPECT_THROW(score("cosine", g, a, ""), Error);
  EXPECT_THROW(score("cosine", g, a, "", {Tensor::from<float>({3}, {1, 2, 3})}), Error);
}

TEST(Metric, AgreementOfIndices) {
  const ir::Graph g;
  const Tensor a = Tensor::from<int64_t>({1, 4}, {1, 2, 3, 4}),
               b = Tensor::from<int64_t>({1, 4}, {1, 2, 3, 5});
  for (const char* metric : {"cosine", "max_error"}) {
    EXPECT_EQ(score(metric, g, a, "", {a}), 1) << metric;
    EXPECT_EQ(score(metric, g, b, "", {a}), 0.75) << metric;
    EXPECT_THROW(score(metric, g, Tensor::from<float>({1, 4}, {1, 2, 3, 4}), "", {a}), Error) << metric;
    EXPECT_EQ(
        score(metric, g, Tensor::from<double>({1, 2}, {1, NAN}), "", {Tensor::from<double>({1, 2}, {1, 2})}),
        -1)
        << metric;
  }
}

}  // namespace
}  // namespace tenfold::measure
