// Evaluation allocates nothing, so that the engine can run any operator in a steady state.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "ops/run_op.hpp"

namespace {
thread_local int64_t allocations = 0;
}

void* operator new(size_t size) {
  allocations++;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  allocations++;
  return std::malloc(size);
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }

namespace tenfold::ops {
namespace {

using testing::ramp;

Tensor ints(std::initializer_list<int64_t> v) {
  return Tensor::from<int64_t>(Shape{static_cast<int64_t>(v.size())}, v);
}

struct Case {
  const char* op;
  std::vector<Tensor> inputs;
  ir::Attributes attrs;
  size_t outputs = 1;
};

/// Runs one node's eval with everything prepared; returns the allocations it made.
int64_t count(const Case& c) {
  ir::Graph g;
  std::vector<ir::ValueId> ids;
  for (const Tensor& t : c.inputs) ids.push_back(g.add_constant(g.unique_name("x"), t));
  const ir::NodeId node = g.add_node(c.op, ids, c.attrs, c.outputs);
  infer(g, node);
  std::vector<Tensor> outputs;
  for (ir::ValueId v : g.node(node).outputs) outputs.emplace_back(g.value(v).dtype, *g.value(v).shape);
  std::vector<TensorView> in, out;
  for (const Tensor& t : c.inputs) in.push_back(t.view());
  for (const Tensor& t : outputs) out.push_back(t.view());
  const OpDef& op = *find(c.op);
  const EvalContext context{g.node(node), in, out};
  const int64_t before = allocations;
  op.eval(context);
  return allocations - before;
}

TEST(Allocation, NoneInEvaluation) {
  const Tensor x = ramp(Shape{2, 3, 4, 4}, 1), m = ramp(Shape{4, 4}, 1),
               b = Tensor::from<bool>(Shape{4}, {true, false, true, true});
  const std::vector<Case> cases = {
      {"Relu", {x}, {}},
      {"Gelu", {x}, {{"approximate", std::string("tanh")}}},
      {"Add", {x, m}, {}},
      {"Div", {x, m}, {}},
      {"Pow", {x, m}, {}},
      {"Max", {x, m, m}, {}},
      {"Mean", {x, m}, {}},
      {"Equal", {x, m}, {}},
      {"Where", {b, x, m}, {}},
      {"Clip", {x, Tensor::scalar(2.0f), Tensor::scalar(3.0f)}, {}},
      {"Cast", {x}, {{"to", int64_t{7}}}},
      {"Reshape", {x, ints({6, 16})}, {}},
      {"Transpose", {x}, {{"perm", std::vector<int64_t>{0, 2, 3, 1}}}},
      {"Concat", {x, x}, {{"axis", int64_t{1}}}},
      {"Split", {x}, {{"axis", int64_t{2}}}, 2},
      {"Slice", {x, ints({1}), ints({3}), ints({2})}, {}},
      {"Gather", {x, ints({1, 0})}, {}},
      {"GatherElements", {m, Tensor::from<int64_t>(Shape{1, 4}, {0, 1, 2, 3})}, {}},
      {"GatherND", {x, Tensor::from<int64_t>(Shape{1, 2}, {1, 2})}, {}},
      {"ScatterND",
       {m, Tensor::from<int64_t>(Shape{1, 1}, {2}), ramp(Shape{1, 4})},
       {{"reduction", std::string("add")}}},
      {"Expand", {m, ints({2, 4, 4})}, {}},
      {"Tile", {m, ints({2, 3})}, {}},
      {"Pad", {m, ints({1, 1, 1, 1})}, {{"mode", std::string("reflect")}}},
      {"DepthToSpace", {ramp(Shape{1, 4, 2, 2})}, {{"blocksize", int64_t{2}}}},
      {"Shape", {x}, {}},
      {"NonZero", {m}, {}},
      {"Trilu", {m}, {}},
      {"OneHot", {ints({1}), Tensor::scalar<int64_t>(3), ramp(Shape{2})}, {}},
      {"ReduceMean", {x, ints({2, 3})}, {}},
      {"ReduceLogSumExp", {x}, {}},
      {"ArgMax", {x}, {}},
      {"TopK", {m, ints({2})}, {}, 2},
      {"CumSum", {m, Tensor::scalar<int64_t>(0)}, {}},
      {"Softmax", {x}, {}},
      {"Einsum", {m, m}, {{"equation", std::string("ij,jk->ik")}}},
  };
  for (const Case& c : cases) EXPECT_EQ(count(c), 0) << c.op;
}

}  // namespace
}  // namespace tenfold::ops
