// Convolutions of activations quantized at run time: the engine against node by node evaluation, on every ISA
// and thread count.
#include <gtest/gtest.h>

#include <cstring>

#include "cpu/features.hpp"
#include "exec/session.hpp"
#include "support/graph_builder.hpp"

namespace tenfold::test {
namespace {

struct Layer {
  Shape x, w;
  int64_t group = 1, pad = 0, stride = 1;
  int weight_zero = 0;  ///< else of u8 weights
  bool bias = true;
};

/// Two such convolutions of one image, as dynamic quantizers write them, and what follows them elementwise.
ir::Graph dynamic_convolutions(const Layer& l, std::mt19937& rng) {
  Builder b;
  const auto q = b.multi("DynamicQuantizeLinear", {b.op("Relu", {b.input(l.x)})}, {}, 3);
  const bool plain = l.weight_zero == 0;
  for (int i = 0; i < 2; i++) {
    const ValueId w = b.constant(plain ? random_tensor(DType::s8, l.w, rng, -128, 127.9)
                                       : random_tensor(DType::u8, l.w, rng, 0, 255.9));
    const ValueId zero = plain ? ir::kNone : b.constant(Tensor::scalar(static_cast<uint8_t>(l.weight_zero)));
    const ValueId sums = b.op("ConvInteger", {q[0], w, q[2], zero},
                              {{"group", l.group},
                               {"pads", std::vector<int64_t>(4, l.pad)},
                               {"strides", std::vector<int64_t>(2, l.stride)}});
    const ValueId scale = b.op("Mul", {q[1], b.scalar(0.002f)});
    ValueId y = b.op("Mul", {b.op("Cast", {sums}, {{"to", int64_t{1}}}), scale});
    if (l.bias) y = b.op("Add", {y, b.constant(random_tensor(DType::f32, {1, l.w[0], 1, 1}, rng))});
    b.output(b.op("Relu", {y}));
  }
  return b.graph;
}

TEST(DynamicConvolutions, AgreeWithTheReferenceOnEveryIsa) {
  const Layer layers[] = {
      {{1, 40, 13, 9}, {33, 40, 1, 1}},
      {{2, 24, 13, 9}, {50, 24, 3, 3}, 1, 1, 2, 128},
      {{1, 3, 20, 20}, {16, 3, 5, 5}, 1, 2, 1, 90},
      {{1, 16, 8, 8}, {32, 4, 3, 3}, 4, 1, 1, 0, false},
      {{1, 16, 8, 8}, {32, 4, 3, 3}, 4, 1, 1, 200},
      {{1, 40, 12, 11}, {40, 1, 3, 3}, 40, 1},
      {{1, 40, 12, 11}, {40, 1, 5, 5}, 40, 2, 2, 3, false},
  };
  std::mt19937 rng(21);
  for (const Layer& l : layers) {
    const ir::Graph g = dynamic_convolutions(l, rng);
    const std::vector<Tensor> x{random_tensor(DType::f32, l.x, rng, -3, 5)};
    const auto expected = evaluate_graph(g, x);
    const auto exact = exec::Session(g, {.threads = 1, .isa = "ref"}).run(x);
    for (cpu::Isa isa : cpu::kAllIsas) {
      if (!cpu::available(isa)) continue;
      for (int threads : {1, 3}) {
        SCOPED_TRACE(fmt::format("{}, {} threads, weights {} group {}", to_string(isa), threads,
                                 to_string(l.w), l.group));
        exec::Session session(g, {.threads = threads, .isa = std::string(to_string(isa))});
        const auto actual = session.run(x);
        for (size_t o = 0; o < expected.size(); o++) {
          for (int64_t i = 0; i < expected[o].elements(); i++)  // one rounding less
            ASSERT_NEAR(actual[o].at_double(i), expected[o].at_double(i),
                        1e-5 * (1 + expected[o].at_double(i)));
          ASSERT_EQ(0, std::memcmp(actual[o].raw(), exact[o].raw(), exact[o].bytes()));
        }
        const auto plan = session.plan_for(std::vector<Shape>{l.x});
        for (const plan::PlannedStep& s : plan->steps)
          EXPECT_NE(plan->graph.node(s.node()).op, "ConvInteger");
      }
    }
  }
}

}  // namespace
}  // namespace tenfold::test
