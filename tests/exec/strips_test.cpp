// Chains in strips give what they give layer by layer, for every height of strip: the same bytes in INT8, in
// FP32 sums in another order.
#include <gtest/gtest.h>

#include "cpu/features.hpp"
#include "exec/session.hpp"
#include "plan/choose.hpp"
#include "plan/strips.hpp"
#include "support/evaluate_graph.hpp"

namespace tenfold::test {
namespace {

struct Layer {
  int64_t filters, kernel, stride = 1, dilation = 1, pad_top = 0, pad_bottom = 0;
  bool depthwise = false;
  int64_t side = -1;  ///< padding left and right, where not what keeps the width
};

struct Network {
  int64_t batch, channels, height, width;
  std::vector<Layer> layers;
  bool residual = false;  ///< adds the image to the last output
};

const Network kNetworks[] = {
    {1, 16, 13, 9, {{40, 1}, {0, 3, 1, 1, 1, 1, true}, {16, 1}}, true},       // expand, depthwise, project
    {2, 5, 14, 11, {{24, 3, 2, 1, 1, 1}, {0, 3, 1, 1, 1, 1, true}, {9, 1}}},  // stem, depthwise, project
    {3, 8, 17, 8, {{33, 1}, {0, 5, 2, 1, 2, 2, true}, {12, 1}}},              // stride 2
    {1, 8, 20, 7, {{19, 1}, {0, 3, 1, 3, 3, 3, true}, {8, 1}}, true},         // dilated
    {2, 8, 12, 7, {{19, 1}, {0, 3, 4, 1, 0, 2, true}, {8, 1}}},               // stride beyond the kernel
    {1, 6, 4, 5, {{17, 1}, {0, 3, 1, 1, 5, 6, true}, {8, 1}}},                // rows of nothing but padding
    {2, 24, 9, 6, {{0, 3, 1, 1, 1, 1, true}, {20, 1}}},                       // depthwise, project
    {1, 12, 11, 6, {{30, 1}, {0, 7, 1, 1, 3, 3, true}}},                      // expand, depthwise
    {1, 12, 11, 6, {{0, 3, 1, 1, 1, 1, true}, {0, 5, 2, 1, 2, 2, true}}},     // two depthwise ones
    {1, 1, 12, 7, {{0, 3, 1, 1, 1, 1, true}, {1, 1}}},                        // one channel
    {1, 1, 12, 7, {{1, 1}, {0, 3, 1, 1, 1, 1, true}, {4, 1}}},                // the same in front
    {1, 8, 9, 7, {{0, 1, 1, 1, 0, 0, true}, {0, 3, 1, 1, 1, 1, true}, {8, 1}}},  // pointwise and depthwise
    // As many pixels as before, but others: not pointwise.
    {1, 16, 3, 3, {{40, 1}, {0, 3, 1, 1, 1, 1, true}, {16, 1, 2, 1, 1, 1, false, 1}}},
    {2, 16, 3, 3, {{24, 1, 2, 1, 1, 1, false, 1}, {0, 3, 1, 1, 1, 1, true}}},
};

ir::Graph build(const Network& net, bool int8, std::mt19937& rng) {
  ir::Graph g;
  const auto add = [&](const char* op, std::vector<ir::ValueId> ins, const ir::Attributes& attrs = {}) {
    const ir::NodeId n = g.add_node(op, std::move(ins), attrs);
    ops::infer(g, n);
    return g.node(n).output();
  };
  const auto scalar = [&](auto v) { return g.add_constant(g.unique_name("c"), Tensor::scalar(v)); };
  const auto quantized = [&](ir::ValueId x, float scale) {
    if (!int8) return x;
    const ir::ValueId s = scalar(scale), z = scalar(uint8_t{120});
    return add("DequantizeLinear", {add("QuantizeLinear", {x, s, z}), s, z});
  };
  const auto weights = [&](const Shape& shape) {
    const std::string name = g.unique_name("w");
    if (!int8) return g.add_constant(name, random_tensor(DType::f32, shape, rng));
    const ir::ValueId w = g.add_constant(name, random_tensor(DType::s8, shape, rng, -127, 127));
    return add("DequantizeLinear", {w, scalar(0.01f)});
  };
  const ir::ValueId image =
      quantized(g.add_input("x", DType::f32, {net.batch, net.channels, net.height, net.width}), 0.03f);
  ir::ValueId x = image;
  int64_t channels = net.channels;
  for (const Layer& l : net.layers) {
    const int64_t group = l.depthwise ? channels : 1, filters = l.depthwise ? channels : l.filters;
    const int64_t side = l.side < 0 ? l.dilation * (l.kernel / 2) : l.side;
    x = quantized(add("Conv", {x, weights({filters, channels / group, l.kernel, l.kernel})},
                      {{"pads", std::vector<int64_t>{l.pad_top, side, l.pad_bottom, side}},
                       {"strides", std::vector<int64_t>{l.stride, l.stride}},
                       {"dilations", std::vector<int64_t>{l.dilation, l.dilation}},
                       {"group", group}}),
                  0.1f);
    channels = filters;
  }
  g.outputs = {net.residual ? quantized(add("Add", {x, image}), 0.1f) : x};
  return g;
}

/// Timings that say: every chain of the plan in strips of `rows` rows.
plan::Timings in_strips(const plan::Plan& plan, const std::string& machine, int threads, int64_t rows) {
  plan::Timings timings;
  const ir::Graph& g = plan.graph;
  for (const auto& chain : plan::find_chains(g, g.topological_order()))
    timings.put(machine, plan::timing_key(g, chain),
                {.kernel = plan::strips_kernel(g, chain), .threads = threads, .rows = rows});
  return timings;
}

/// The largest difference, as a share of the largest value.
double difference(const Tensor& a, const Tensor& b) {
  double most = 0, range = 0;
  for (int64_t i = 0; i < a.elements(); i++) {
    const auto at = [&](const Tensor& t) {
      return t.dtype() == DType::f32 ? static_cast<double>(t.data<float>()[i]) : t.data<uint8_t>()[i];
    };
    most = std::max(most, std::abs(at(a) - at(b)));
    range = std::max(range, std::abs(at(b)));
  }
  return most / range;
}

bool uses_strips(const plan::Plan& plan) {
  return std::ranges::any_of(plan.steps, [](const auto& s) { return s.nodes.size() > 1; });
}

TEST(Strips, EqualLayerByLayer) {
  std::mt19937 rng(11);
  for (const Network& net : kNetworks)
    for (bool int8 : {false, true}) {
      const ir::Graph g = build(net, int8, rng);
      const std::vector<Tensor> x{random_tensor(DType::f32, *g.value(g.inputs[0]).shape, rng)};
      const std::vector<Shape> shapes{x[0].shape()};
      for (cpu::Isa isa : cpu::kAllIsas) {
        if (!cpu::available(isa) || isa == cpu::Isa::ref) continue;
        for (int threads : {1, 3}) {
          const exec::SessionOptions options{.threads = threads, .isa = std::string(to_string(isa))};
          exec::SessionOptions off = options;
          off.tuning = exec::Tuning::off;
          exec::Session apart(g, off);
          const Tensor expected = apart.run(x)[0];
          const std::string machine = plan::Timings::machine(apart.isa_name(), threads);
          for (int64_t rows : {int64_t{1}, int64_t{2}, int64_t{3}, int64_t{5}, INT64_MAX}) {
            ir::Graph model = g;
            model.metadata[exec::kTimingsMetadata] =
                in_strips(*apart.plan_for(shapes), machine, threads, rows).text();
            exec::Session session(std::move(model), options);
            ASSERT_TRUE(uses_strips(*session.plan_for(shapes)));
            for (int run = 0; run < 2; run++) {
              const Tensor actual = session.run(x)[0];
              ASSERT_EQ(actual.shape(), expected.shape());
              EXPECT_LE(difference(actual, expected), int8 ? 0 : 1e-5)
                  << "network " << &net - kNetworks << (int8 ? " INT8 " : " FP32 ") << to_string(isa) << ", "
                  << threads << " threads, " << rows << " rows";
            }
          }
        }
      }
    }
}

}  // namespace
}  // namespace tenfold::test
