#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "exec/session.hpp"
#include "ops/op.hpp"
#include "plan/choose.hpp"
#include "plan/strips.hpp"

namespace tenfold::exec {
namespace {

Tensor random_tensor(Shape shape, unsigned seed) {
  std::mt19937 rng(seed);
  std::normal_distribution<float> normal;
  Tensor t(DType::f32, std::move(shape));
  for (int64_t i = 0; i < t.elements(); i++) t.mutable_data<float>()[i] = normal(rng);
  return t;
}

class Builder {
 public:
  ir::ValueId image() { return graph_.add_input("x", DType::f32, {1, 40, 21, 13}); }
  /// A convolution from 40 channels to 40.
  ir::ValueId conv(ir::ValueId x, int64_t kernel, int64_t group = 1) {
    const ir::ValueId w =
        graph_.add_constant(graph_.unique_name("w"), random_tensor({40, 40 / group, kernel, kernel}, 3));
    const ir::NodeId n =
        graph_.add_node("Conv", {x, w}, {{"pads", std::vector<int64_t>(4, kernel / 2)}, {"group", group}});
    ops::infer(graph_, n);
    return graph_.node(n).output();
  }
  ir::Graph finish(ir::ValueId output) {
    graph_.outputs = {output};
    return std::move(graph_);
  }

 private:
  ir::Graph graph_;
};

/// A depthwise convolution, then two equal 3x3 ones, which several kernels can run.
ir::Graph network() {
  Builder b;
  return b.finish(b.conv(b.conv(b.conv(b.image(), 3, 40), 3), 3));
}

/// A pointwise convolution and a depthwise one, which may run in strips.
ir::Graph chain() {
  Builder b;
  return b.finish(b.conv(b.conv(b.image(), 1), 3, 40));
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
    const auto expected = Session(session.model(), {.threads = 1, .isa = "ref"}).run(std::span(&x, 1));
    const auto actual = session.run(std::span(&x, 1));
    const auto a = actual[0].span<float>(), e = expected[0].span<float>();
    const float range = *std::ranges::max_element(e);
    for (size_t i = 0; i < a.size(); i++) ASSERT_NEAR(a[i], e[i], 1e-5f * range);
  }
  static std::vector<std::string> kernels(Session& session) {
    std::vector<std::string> names;
    for (const auto& s : session.plan_for(std::vector<Shape>{{1, 40, 21, 13}})->steps)
      if (!s.timing_keys.empty()) names.emplace_back(s.kernel);
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

TEST_F(TuningTest, WhatIsMeasuredOfAChainIsKeptToo) {
  Session first(chain(), {.threads = 2, .tuning = Tuning::measure});
  const auto plan = first.plan_for(std::vector<Shape>{{1, 40, 21, 13}});
  const auto chains = plan::find_chains(plan->graph, plan->graph.topological_order());
  ASSERT_EQ(chains.size(), 1u);
  const std::string machine = plan::Timings::machine(first.isa_name(), 2),
                    key = plan::timing_key(plan->graph, chains[0]);
  ASSERT_TRUE(first.choices().find(machine, key));
  expect_right(first);
  for (const char* kernel : {"strips_f32", "apart", "strips_u8"}) {
    plan::Timings own;
    own.put(machine, key, {.kernel = kernel, .threads = 2, .rows = 4});
    ir::Graph model = chain();
    model.metadata[kTimingsMetadata] = own.text();
    Session session(std::move(model), {.threads = 2});
    session.plan_for(std::vector<Shape>{{1, 40, 21, 13}});
    EXPECT_EQ(session.choices().find(machine, key) == nullptr, kernel == std::string_view("strips_u8"));
    expect_right(session);
  }
}

TEST_F(TuningTest, AModelCarriesItsChoices) {
  Session measured(network(), {.threads = 1, .tuning = Tuning::measure});
  const std::string machine = plan::Timings::machine(measured.isa_name(), 1);
  for (const char* kernel : {"conv_f32", "winograd_f32"}) {
    plan::Timings own;
    for (const auto& s : measured.plan_for(std::vector<Shape>{{1, 40, 21, 13}})->steps)
      for (const std::string& key : s.timing_keys)
        if (s.kernel != std::string_view("depthwise_f32")) own.put(machine, key, {kernel, 1});
    ir::Graph model = network();
    model.metadata[kTimingsMetadata] = own.text();
    Session session(std::move(model), {.threads = 1});
    EXPECT_EQ(kernels(session), (std::vector<std::string>{"depthwise_f32", kernel, kernel}));
    expect_right(session);
  }
}

/// What a model carries may come from another machine of that name.
TEST_F(TuningTest, WhatIsMeasuredHereComesBeforeWhatTheModelCarries) {
  Session measured(network(), {.threads = 1, .tuning = Tuning::measure});
  plan::Timings own;
  for (const auto& s : measured.plan_for(std::vector<Shape>{{1, 40, 21, 13}})->steps)
    for (const std::string& key : s.timing_keys)
      own.put(plan::Timings::machine(measured.isa_name(), 1), key, {.kernel = s.kernel, .microseconds = 1e9});
  ir::Graph model = network();
  model.metadata[kTimingsMetadata] = own.text();
  Session again(std::move(model), {.threads = 1, .tuning = Tuning::measure});
  EXPECT_EQ(again.choices().text(), measured.choices().text());
}

TEST_F(TuningTest, ChoicesThatCannotBeFollowedAreNone) {
  Session measured(network(), {.threads = 1, .tuning = Tuning::measure});
  const std::string machine = plan::Timings::machine(measured.isa_name(), 1);
  for (const plan::Choice& choice :
       {plan::Choice{"no_such_kernel", 1}, {"conv_f32", 1000}, {"gemm_f32", 1}}) {
    plan::Timings own;
    for (const auto& s : measured.plan_for(std::vector<Shape>{{1, 40, 21, 13}})->steps)
      for (const std::string& key : s.timing_keys) own.put(machine, key, choice);
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
