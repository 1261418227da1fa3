// Softmax along every axis of a tensor, on every ISA and thread count.
#include <gtest/gtest.h>

#include "cpu/features.hpp"
#include "exec/session.hpp"
#include "support/evaluate_graph.hpp"

namespace tenfold::test {
namespace {

TEST(Softmax, EveryAxis) {
  std::mt19937 rng(3);
  for (const Shape& shape : {Shape{2, 16, 3, 150}, Shape{3, 5, 7}, Shape{1, 200, 65}}) {
    const std::vector<Tensor> x{random_tensor(DType::f32, shape, rng, -9, 9)};
    for (int64_t axis = 0; axis < shape.rank(); axis++) {
      ir::Graph g;
      const ir::NodeId n =
          g.add_node("Softmax", {g.add_input("x", DType::f32, shape)}, {{"axis", axis - shape.rank()}});
      ops::infer(g, n);
      g.outputs = {g.node(n).output()};
      const Tensor expected = evaluate_graph(g, x)[0];
      for (cpu::Isa isa : cpu::kAllIsas) {
        if (!cpu::available(isa)) continue;
        for (int threads : {1, 3}) {
          exec::Session session(g, {.threads = threads, .isa = std::string(to_string(isa))});
          const Tensor actual = session.run(x)[0];
          for (int64_t i = 0; i < expected.elements(); i++)
            ASSERT_NEAR(actual.data<float>()[i], expected.data<float>()[i], 1e-6) << to_string(isa) << axis;
        }
      }
    }
  }
}

}  // namespace
}  // namespace tenfold::test
