// Dynamically quantized products: the engine against reference evaluation, on every ISA and thread count.
#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "cpu/features.hpp"
#include "exec/session.hpp"
#include "support/evaluate_graph.hpp"

namespace tenfold {
namespace {

using exec::Session;

/// Two products of one quantized activation; `weight_zero` 0 with s8 weights, else u8 ones.
ir::Graph two_products(int64_t k, int64_t n, int weight_zero) {
  std::mt19937 rng(5);
  ir::Graph g;
  const auto add = [&](std::string op, std::vector<ir::ValueId> ins, size_t outputs = 1) {
    ir::Attributes attrs;
    if (op == "Cast") attrs.set("to", int64_t{1});  // TensorProto.FLOAT
    const ir::NodeId id = g.add_node(std::move(op), std::move(ins), attrs, outputs);
    ops::infer(g, id);
    return g.node(id).outputs;
  };
  const auto constant = [&](Tensor t) { return g.add_constant(g.unique_name("c"), std::move(t)); };
  const ir::ValueId x = g.add_input("x", DType::f32, {g.symbol("rows"), k});
  const auto q = add("DynamicQuantizeLinear", {x}, 3);
  for (int i = 0; i < 2; i++) {
    const bool narrow = weight_zero == 0;
    const ir::ValueId w = constant(narrow ? test::random_tensor(DType::s8, {k, n}, rng, -128, 127.9)
                                          : test::random_tensor(DType::u8, {k, n}, rng, 0, 255.9));
    const ir::ValueId zero =
        constant(narrow ? Tensor::scalar(int8_t{0}) : Tensor::scalar(static_cast<uint8_t>(weight_zero)));
    const ir::ValueId scale = constant(test::random_tensor(DType::f32, {n}, rng, 0.001, 0.01));
    const ir::ValueId bias = constant(test::random_tensor(DType::f32, {n}, rng));
    const ir::ValueId sums = add("MatMulInteger", {q[0], w, q[2], zero})[0];
    const ir::ValueId scaled = add("Mul", {add("Cast", {sums})[0], add("Mul", {q[1], scale})[0]})[0];
    g.outputs.push_back(add("Add", {scaled, bias})[0]);
  }
  return g;
}

void expect_agreement(const ir::Graph& g, const Tensor& x) {
  const std::vector<Tensor> expected = test::evaluate_graph(g, std::span(&x, 1));
  const auto exact = Session(g, {.threads = 1, .isa = "ref"}).run(std::span(&x, 1));
  for (cpu::Isa isa : cpu::kAllIsas) {
    if (!cpu::available(isa)) continue;
    for (int threads : {1, 3}) {
      const auto actual =
          Session(g, {.threads = threads, .isa = std::string(to_string(isa))}).run(std::span(&x, 1));
      for (size_t o = 0; o < expected.size(); o++)
        for (int64_t i = 0; i < expected[o].elements(); i++) {
          const float y = actual[o].data<float>()[i], reference = expected[o].data<float>()[i];
          ASSERT_EQ(y, exact[o].data<float>()[i]) << to_string(isa) << ", " << threads << " threads";
          ASSERT_NEAR(y, reference, 1e-6 * (100 + std::abs(reference)));  // one rounding less
        }
    }
  }
}

TEST(DynamicProducts, AgreeWithTheReferenceOnEveryIsa) {
  std::mt19937 rng(9);
  for (const auto [rows, k, n] : {std::array<int64_t, 3>{1, 77, 33}, {130, 160, 96}, {7, 9, 1}})
    for (int weight_zero : {0, 128, 100})
      expect_agreement(two_products(k, n, weight_zero),
                       test::random_tensor(DType::f32, {rows, k}, rng, -3, 5));
}

struct IntegerCase {
  DType a, w;
  int a_zero, w_zero;
};

/// MatMulInteger alone; a zero point of w for each column, from w_zero down, where w_zero is not 0.
ir::Graph integer_product(const IntegerCase& c, int64_t k, int64_t n) {
  std::mt19937 rng(4);
  ir::Graph g;
  const auto weights = c.w == DType::s8 ? test::random_tensor(c.w, {k, n}, rng, -128, 127.9)
                                        : test::random_tensor(c.w, {k, n}, rng, 0, 255.9);
  const auto vector = [](DType t, int64_t count, int first) {
    Tensor zero(t, {count});
    for (int64_t i = 0; i < count; i++)
      zero.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(first - (first == 0 ? 0 : i % 3));
    return zero;
  };
  const ir::ValueId x = g.add_input("x", c.a, {2, g.symbol("rows"), k});
  const ir::NodeId id =
      g.add_node("MatMulInteger",
                 {x, g.add_constant("w", weights), g.add_constant("a_zero", vector(c.a, 1, c.a_zero)),
                  g.add_constant("w_zero", vector(c.w, n, c.w_zero))},
                 {}, 1);
  ops::infer(g, id);
  g.outputs = {g.node(id).output()};
  return g;
}

TEST(IntegerProducts, AreExactOnEveryIsa) {
  std::mt19937 rng(9);
  for (const IntegerCase& c : {IntegerCase{DType::u8, DType::s8, 7, 0},
                               {DType::u8, DType::u8, 255, 255},
                               {DType::s8, DType::s8, -5, 9},
                               {DType::s8, DType::u8, 100, 3}})
    for (const auto& [rows, k, n] : {std::array<int64_t, 3>{1, 1, 1}, {37, 513, 20}, {20, 1200, 70}}) {
      const ir::Graph g = integer_product(c, k, n);
      const Tensor x = c.a == DType::s8 ? test::random_tensor(c.a, {2, rows, k}, rng, -128, 127.9)
                                        : test::random_tensor(c.a, {2, rows, k}, rng, 0, 255.9);
      const Tensor expected = test::evaluate_graph(g, std::span(&x, 1))[0];
      for (cpu::Isa isa : cpu::kAllIsas) {
        if (!cpu::available(isa)) continue;
        for (int threads : {1, 3}) {
          const auto actual =
              Session(g, {.threads = threads, .isa = std::string(to_string(isa))}).run(std::span(&x, 1));
          ASSERT_EQ(0, std::memcmp(actual[0].raw(), expected.raw(), expected.bytes()))
              << to_string(isa) << ", " << rows << "x" << k << "x" << n;
        }
      }
    }
}

TEST(DynamicProducts, RangesThatDoNotCrossZeroOrAreEmpty) {
  std::mt19937 rng(9);
  for (const auto& [lo, hi] : {std::pair{1.0, 4.0}, {-4.0, -1.0}, {0.0, 0.0}})
    expect_agreement(two_products(40, 24, 0), test::random_tensor(DType::f32, {5, 40}, rng, lo, hi));
}

}  // namespace
}  // namespace tenfold
