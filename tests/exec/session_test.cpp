#include "exec/session.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <random>
#include <thread>

#include "cpu/features.hpp"
#include "ops/op.hpp"

namespace {
std::atomic<size_t> g_allocations{0};
}  // namespace

// Counts every allocation through new, so that a test can show that there is none.
// Not inlined, or GCC sees memory of malloc() freed by delete.
[[gnu::noinline]] void* operator new(size_t size) {
  g_allocations++;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(size_t size, const std::nothrow_t&) noexcept {
  g_allocations++;
  return std::malloc(size);
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }

namespace tenfold::exec {
namespace {

Tensor random_tensor(Shape shape, unsigned seed) {
  std::mt19937 rng(seed);
  std::normal_distribution<float> normal;
  Tensor t(DType::f32, std::move(shape));
  for (int64_t i = 0; i < t.elements(); i++) t.mutable_data<float>()[i] = normal(rng);
  return t;
}

/// conv 3x3 -> relu -> depthwise 3x3 stride 2 -> global average, over a symbolic batch.
ir::Graph small_network() {
  ir::Graph g;
  const auto add = [&](std::string op, std::vector<ir::ValueId> ins, ir::Attributes attrs = {}) {
    const ir::NodeId n = g.add_node(std::move(op), std::move(ins), std::move(attrs));
    ops::infer(g, n);
    return g.node(n).output();
  };
  const ir::ValueId x = g.add_input("x", DType::f32, {g.symbol("batch"), 5, 17, 13});
  const std::vector<int64_t> pads{1, 1, 1, 1}, two{2, 2};
  const ir::ValueId a = add("Conv",
                            {x, g.add_constant("w1", random_tensor({19, 5, 3, 3}, 1)),
                             g.add_constant("b1", random_tensor({19}, 2))},
                            {{"pads", pads}});
  const ir::ValueId r = add("Relu", {a});
  const ir::ValueId d = add("Conv", {r, g.add_constant("w2", random_tensor({19, 1, 3, 3}, 3))},
                            {{"pads", pads}, {"strides", two}, {"group", int64_t{19}}});
  g.outputs = {add("GlobalAveragePool", {d})};
  return g;
}

TEST(Session, EveryIsaAgreesWithTheReference) {
  const Tensor x = random_tensor({2, 5, 17, 13}, 7);
  const auto expected = Session(small_network(), {.threads = 1, .isa = "ref"}).run(std::span(&x, 1));
  for (cpu::Isa isa : cpu::kAllIsas) {
    if (!cpu::available(isa)) continue;
    for (int threads : {1, 3}) {
      Session session(small_network(), {.threads = threads, .isa = std::string(to_string(isa))});
      const auto actual = session.run(std::span(&x, 1));
      ASSERT_EQ(actual[0].shape(), expected[0].shape());
      for (int64_t i = 0; i < actual[0].elements(); i++)
        ASSERT_NEAR(actual[0].data<float>()[i], expected[0].data<float>()[i], 1e-4);
    }
  }
}

TEST(Session, SteadyStateAllocatesNothing) {
  for (int threads : {1, 2}) {
    Session session(small_network(), {.threads = threads});
    const Tensor x = random_tensor({1, 5, 17, 13}, 7);
    Tensor y(DType::f32, {1, 19, 1, 1});
    const TensorView in = x.view(), out = y.view();
    session.run(std::span(&in, 1), std::span(&out, 1));
    const size_t before = g_allocations;
    for (int i = 0; i < 10; i++) session.run(std::span(&in, 1), std::span(&out, 1));
    EXPECT_EQ(g_allocations, before) << threads << " threads";
  }
}

TEST(Session, PlansFollowShapesAndCallersMayBeThreads) {
  Session session(small_network(), {.threads = 2, .max_plans = 2});
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int c = 0; c < 3; c++)
    callers.emplace_back([&, c] {
      for (int i = 0; i < 8; i++) {
        const Tensor x = random_tensor({1 + (c + i) % 4, 5, 17, 13}, 9);
        wrong += session.run(std::span(&x, 1))[0].shape()[0] != x.shape()[0];
      }
    });
  for (std::thread& t : callers) t.join();
  EXPECT_EQ(wrong, 0);
}

// The sum of the bytes of an image of 2902 x 2902 pixels exceeds 32 bits.
TEST(Session, MeansOfLargeImages) {
  ir::Graph g;
  const auto add = [&](std::string op, std::vector<ir::ValueId> ins) {
    const ir::NodeId n = g.add_node(std::move(op), std::move(ins), {});
    ops::infer(g, n);
    return g.node(n).output();
  };
  const ir::ValueId x = g.add_input("x", DType::u8, {1, 1, 2902, 2902});
  const ir::ValueId scale = g.add_constant("scale", Tensor::scalar(1.0f)),
                    zero = g.add_constant("zero", Tensor::scalar(uint8_t{0}));
  const ir::ValueId mean = add("GlobalAveragePool", {add("DequantizeLinear", {x, scale, zero})});
  g.outputs = {add("QuantizeLinear", {mean, scale, zero})};
  Tensor image(DType::u8, {1, 1, 2902, 2902});
  std::memset(image.mutable_raw(), 255, image.bytes());
  EXPECT_EQ(Session(std::move(g), {.threads = 1}).run(std::span(&image, 1))[0].at_int(0), 255);
}

TEST(Session, MisuseIsATypedError) {
  Session session(small_network(), {.threads = 1});
  const Tensor narrow = random_tensor({1, 5, 17, 12}, 1), wide = random_tensor({1, 6, 17, 13}, 1);
  const Tensor integers(DType::i32, {1, 5, 17, 13});
  for (const Tensor* t : {&narrow, &wide, &integers}) {
    try {
      session.run(std::span(t, 1));
      FAIL() << "accepted " << to_string(t->shape());
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::invalid_argument);
      EXPECT_NE(std::string(e.what()).find("'x'"), std::string::npos);
    }
  }
  EXPECT_THROW(session.run(std::span<const Tensor>{}), Error);
  EXPECT_THROW(Session(small_network(), {.threads = -1}), Error);
  EXPECT_THROW(Session(small_network(), {.threads = 1, .max_plans = 0}), Error);
}

}  // namespace
}  // namespace tenfold::exec
