// Weights with zero points: INT8 kernels on every ISA and thread count, the same bytes everywhere.
#include <gtest/gtest.h>

#include <cstring>

#include "cpu/features.hpp"
#include "exec/session.hpp"
#include "support/graph_builder.hpp"

namespace tenfold::test {
namespace {

struct Layer {
  std::string op;
  Shape x, w;
  int64_t group = 1, pad = 0;
  bool per_channel = false, f32_output = false;
};

/// DequantizeLinear -> op -> QuantizeLinear with random u8 weights and zero points from 1 to 254.
ir::Graph quantized_layer(const Layer& l, std::mt19937& rng) {
  Builder b;
  const int64_t channels = l.w[0];
  const Shape each = l.per_channel ? Shape{channels} : Shape{};
  const ValueId x = b.op("DequantizeLinear",
                         {b.input(l.x, DType::u8), b.scalar(0.02f), b.constant(Tensor::scalar(uint8_t{99}))});
  const ValueId w = b.op("DequantizeLinear",
                         {b.constant(random_tensor(DType::u8, l.w, rng, 0, 255.9)),
                          b.constant(random_tensor(DType::f32, each, rng, 0.001, 0.002)),
                          b.constant(random_tensor(DType::u8, each, rng, 1, 254.9))},
                         {{"axis", int64_t{0}}});
  Attributes attrs{{"transB", int64_t{1}}};
  if (l.op == "Conv") attrs = {{"group", l.group}, {"pads", std::vector<int64_t>(4, l.pad)}};
  const ValueId y = b.op(l.op, {x, w, b.constant(random_tensor(DType::f32, {channels}, rng))}, attrs);
  b.output(l.f32_output
               ? y
               : b.op("QuantizeLinear", {y, b.scalar(0.05f), b.constant(Tensor::scalar(uint8_t{120}))}));
  return b.graph;
}

TEST(AsymmetricWeights, SameBytesOnEveryIsa) {
  const Layer layers[] = {
      {"Conv", {1, 40, 13, 9}, {33, 40, 1, 1}},
      {"Conv", {2, 24, 13, 9}, {50, 24, 3, 3}, 1, 1, true},
      {"Conv", {1, 32, 8, 8}, {64, 32, 3, 3}, 1, 1},
      {"Conv", {1, 3, 20, 20}, {16, 3, 5, 5}, 1, 2, true},
      {"Conv", {1, 16, 8, 8}, {32, 4, 3, 3}, 4, 1, true},
      {"Conv", {1, 70, 7, 7}, {8, 70, 1, 1}, 1, 0, true, true},
      {"Conv", {1, 40, 12, 11}, {40, 1, 3, 3}, 40, 1},
      {"Conv", {1, 75, 9, 9}, {75, 1, 5, 5}, 75, 2, true},
      {"Gemm", {5, 100}, {37, 100}},
      {"Gemm", {1, 64}, {10, 64}, 1, 0, true, true},
  };
  std::mt19937 rng(11);
  for (const Layer& l : layers) {
    const ir::Graph g = quantized_layer(l, rng);
    const std::vector<Tensor> x{random_tensor(DType::u8, l.x, rng, 0, 255.9)};
    const Tensor real = evaluate_graph(g, x)[0];
    const Tensor exact = exec::Session(g, {.threads = 1, .isa = "ref"}).run(x)[0];
    const double allowed = l.f32_output ? 1e-4 : 1;  // the product of two rounded scales is rounded once more
    for (int64_t i = 0; i < real.elements(); i++) ASSERT_NEAR(exact.at_double(i), real.at_double(i), allowed);
    for (cpu::Isa isa : cpu::kAllIsas) {
      if (!cpu::available(isa)) continue;
      for (int threads : {1, 3}) {
        exec::Session session(g, {.threads = threads, .isa = std::string(to_string(isa))});
        const Tensor actual = session.run(x)[0];
        ASSERT_EQ(0, std::memcmp(actual.raw(), exact.raw(), exact.bytes()))
            << to_string(isa) << ", " << l.op << to_string(l.w);
        const auto plan = session.plan_for(std::vector<Shape>{l.x});
        const auto int8 = [](const plan::PlannedStep& s) {
          return std::string_view(s.kernel).ends_with("_u8");
        };
        EXPECT_TRUE(std::ranges::any_of(plan->steps, int8)) << to_string(l.w);
      }
    }
  }
}

}  // namespace
}  // namespace tenfold::test
