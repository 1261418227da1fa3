#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "exec/session.hpp"
#include "ops/op.hpp"

namespace tenfold::exec {
namespace {

Tensor random_tensor(Shape shape, unsigned seed) {
  std::mt19937 rng(seed);
  std::normal_distribution<float> normal;
  Tensor t(DType::f32, std::move(shape));
  for (int64_t i = 0; i < t.elements(); i++) t.mutable_data<float>()[i] = normal(rng);
  return t;
}

/// Two equal 3x3 convolutions, which several kernels can run, then a depthwise one.
ir::Graph network() {
  ir::Graph g;
  const auto conv = [&](ir::ValueId x, const char* name, Shape weights, int64_t group) {
    const ir::NodeId n = g.add_node("Conv", {x, g.add_constant(name, random_tensor(std::move(weights), 3))},
                                    {{"pads", std::vector<int64_t>{1, 1, 1, 1}}, {"group", group}});
    ops::infer(g, n);
    return g.node(n).output();
  };
  const ir::ValueId x = g.add_input("x", DType::f32, {1, 40, 21, 13});
  const ir::ValueId first = conv(x, "w1", {40, 40, 3, 3}, 1), second = conv(first, "w2", {40, 40, 3, 3}, 1);
  g.outputs = {conv(second, "w3", {40, 1, 3, 3}, 40)};
  return g;
}

/// The session's cache of timings is a file of this test.
class TuningTest : public testing::Test {
 protected:
  TuningTest() : file_(std::filesystem::path(testing::TempDir()) / "tenfold_tuning_test.json") {
    if (const char* before = std::getenv("TENFOLD_TIMINGS")) before_ = before;
    setenv("TENFOLD_TIMINGS", file_.c_str(), 1);
    std::filesystem::remove(file_);
  }
  ~TuningTest() override {
    std::filesystem::remove(file_);
    setenv("TENFOLD_TIMINGS", before_.c_str(), 1);
  }

  static void expect_right(Session& session) {
    const Tensor x = random_tensor({1, 40, 21, 13}, 7);
    static const auto expected = Session(network(), {.threads = 1, .isa = "ref"}).run(std::span(&x, 1));
    const auto actual = session.run(std::span(&x, 1));
    for (int64_t i = 0; i < actual[0].elements(); i++)
      ASSERT_NEAR(actual[0].data<float>()[i], expected[0].data<float>()[i], 0.02);  // of a range of 2000
  }
  static std::vector<std::string> kernels(Session& session) {
    std::vector<std::string> names;
    for (const auto& s : session.plan_for(std::vector<Shape>{{1, 40, 21, 13}})->steps)
      if (!s.timing_key.empty()) names.emplace_back(s.kernel);
    return names;
  }

  const std::filesystem::path file_;
  std::string before_;
};

TEST_F(TuningTest, WhatIsMeasuredIsKeptAndFollowed) {
  for (int threads : {1, 2}) {
    Session plain(network(), {.threads = threads});
    EXPECT_TRUE(plain.choices().empty());
    Session first(network(), {.threads = threads, .tuning = Tuning::measure});
    EXPECT_EQ(kernels(first).size(), 3u);
    expect_right(first);
    Session second(network(), {.threads = threads}),
        off(network(), {.threads = threads, .tuning = Tuning::off});
    EXPECT_EQ(second.choices().text(), first.choices().text());
    EXPECT_EQ(kernels(second), kernels(first));
    EXPECT_TRUE(off.choices().empty());
  }
}

TEST_F(TuningTest, AModelCarriesItsChoices) {
  Session measured(network(), {.threads = 1, .tuning = Tuning::measure});
  const std::string machine = plan::Timings::machine(measured.isa_name(), 1);
  for (const char* kernel : {"conv_f32", "winograd_f32"}) {
    plan::Timings own;
    for (const auto& s : measured.plan_for(std::vector<Shape>{{1, 40, 21, 13}})->steps)
      if (s.kernel != std::string_view("depthwise_f32")) own.put(machine, s.timing_key, {kernel, 1});
    ir::Graph model = network();
    model.metadata[kTimingsMetadata] = own.text();
    Session session(std::move(model), {.threads = 1});
    EXPECT_EQ(kernels(session), (std::vector<std::string>{kernel, kernel, "depthwise_f32"}));
    expect_right(session);
  }
}

TEST_F(TuningTest, ChoicesThatCannotBeFollowedAreNone) {
  Session measured(network(), {.threads = 1, .tuning = Tuning::measure});
  const std::string machine = plan::Timings::machine(measured.isa_name(), 1);
  for (const plan::Choice& choice :
       {plan::Choice{"no_such_kernel", 1}, {"conv_f32", 1000}, {"gemm_f32", 1}}) {
    plan::Timings own;
    for (const auto& s : measured.plan_for(std::vector<Shape>{{1, 40, 21, 13}})->steps)
      own.put(machine, s.timing_key, choice);
    ir::Graph model = network();
    model.metadata[kTimingsMetadata] = own.text();
    Session session(std::move(model), {.threads = 1});
    EXPECT_TRUE(kernels(session).empty());
    expect_right(session);
  }
  ir::Graph model = network();
  model.metadata[kTimingsMetadata] = "{\"tenfold_timings\": [";
  Session session(std::move(model), {.threads = 1});
  expect_right(session);
}

TEST_F(TuningTest, ACacheThatCannotBeWrittenIsNoError) {
  setenv("TENFOLD_TIMINGS", "/proc/no/such/place.json", 1);
  Session session(network(), {.threads = 1, .tuning = Tuning::measure});
  EXPECT_EQ(kernels(session).size(), 3u);
  expect_right(session);
}

}  // namespace
}  // namespace tenfold::exec
