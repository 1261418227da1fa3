// INT8 steps against node by node evaluation, bit for bit, on every ISA and number of threads.
#include <gtest/gtest.h>

#include "exec/every_isa.hpp"

namespace tenfold::test {
namespace {

using Ints = std::vector<int64_t>;

void expect_same_bytes(const Builder& b, const std::string& what) {
  std::mt19937 rng(5);
  std::vector<Tensor> inputs;
  for (ValueId id : b.graph.inputs)
    inputs.push_back(random_tensor(b.graph.value(id).dtype, *b.graph.value(id).shape, rng));
  on_every_isa(b, inputs, what, [](const Tensor& actual, const Tensor& expected, int64_t i) {
    ASSERT_EQ(actual.at_double(i), expected.at_double(i)) << "at " << i;
  });
}

TEST(ResizeU8, EveryModeAndBlock) {
  for (const char* mode : {"linear", "cubic"})
    for (int64_t channels : {1, 3, 16, 37})
      for (const std::vector<float>& scales :
           {std::vector<float>{1, 2, 1.7f, 1}, {1, 0.6f, 1, 1}, {1, 1, 3, 1}}) {
        Builder b;
        const ValueId x = b.input({2, 9, 14, channels}, DType::u8);
        b.output(b.op("QResize", {x, ir::kNone, b.floats({4}, scales)},
                      {{"mode", std::string(mode)},
                       {"x_zero_point", int64_t{120}},
                       {"y_zero_point", int64_t{7}},
                       {"scale", 0.9f}}));
        expect_same_bytes(b, std::string(mode) + " of " + std::to_string(channels));
      }
}

TEST(ReduceU8, AnyNeighbouringAxes) {
  for (const Ints& axes : {Ints{1}, Ints{3}, Ints{1, 2}, Ints{2, 3}, Ints{0, 1, 2, 3}, Ints{1, 3}})
    for (const char* op : {"ReduceMax", "ReduceMin"}) {
      Builder b;
      const ValueId along = b.constant(Tensor::from<int64_t>({std::ssize(axes)}, axes));
      b.output(b.op(op, {b.input({3, 40, 9, 70}, DType::u8), along}));
      expect_same_bytes(b, std::string(op) + " over " + std::to_string(axes.size()) + " axes");
    }
}

TEST(ChannelLookupU8, EveryNumberOfChannels) {
  for (int64_t channels : {1, 5, 64, 200}) {
    std::mt19937 rng(6);
    Builder b;
    b.output(b.op("QChannelLookup", {b.input({2, channels, 9, 13}, DType::u8)},
                  {{"tables", random_tensor(DType::u8, {channels, 256}, rng)}}));
    expect_same_bytes(b, std::to_string(channels) + " channels");
  }
}

TEST(GlobalAverageU8, BytesAndFloats) {
  for (int64_t channels : {1, 5, 64, 200})
    for (const char* output : {"u8", "f32"})
      for (int64_t side : {1, 9, 270}) {  // 270 x 270 in two pieces
        Builder b;
        b.output(b.op("QGlobalAveragePool", {b.input({2, channels, side, side}, DType::u8)},
                      {{"scale", 0.9f},
                       {"x_zero_point", int64_t{3}},
                       {"y_zero_point", int64_t{17}},
                       {"output", std::string(output)}}));
        expect_same_bytes(b, std::to_string(channels) + " channels to " + output);
      }
}

TEST(GroupNormU8, EveryGrouping) {
  for (int64_t channels : {4, 36, 160})
    for (int64_t groups : {int64_t{1}, int64_t{4}, channels})
      for (int64_t pixels : {7, 300}) {  // 300 x 300 in two pieces
        if (channels > 4 && pixels == 300) continue;
        Builder b;
        b.output(b.op("QGroupNormalization",
                      {b.input({2, channels, pixels, pixels}, DType::u8), b.random({channels}, -60, 60),
                       b.random({channels}, -60, 60)},
                      {{"num_groups", groups}, {"epsilon", 0.5f}, {"y_zero_point", int64_t{100}}}));
        expect_same_bytes(b, std::to_string(channels) + " channels in " + std::to_string(groups));
      }
}

struct ConvLayer {
  Shape x, w;
  Ints pads, strides, dilations;
  int64_t group = 1;
};

void expect_same_bytes(const ConvLayer& l) {
  std::mt19937 rng(7);
  Builder b;
  const ValueId weights = b.constant(random_tensor(DType::s8, l.w, rng, -40, 40));
  b.output(
      b.op("QConv",
           {b.input(l.x, DType::u8), weights, b.random({l.w[0]}, 0.001, 0.01), b.random({l.w[0]}, -20, 20)},
           {{"pads", l.pads},
            {"strides", l.strides},
            {"dilations", l.dilations},
            {"group", l.group},
            {"x_zero_point", int64_t{130}},
            {"y_zero_point", int64_t{90}}}));
  expect_same_bytes(b, ir::to_text(b.graph));
}

TEST(ConvU8, ThreeAxes) {
  const Ints ones(3, 1);
  expect_same_bytes({{2, 3, 6, 7, 9}, {16, 3, 3, 3, 3}, Ints(6, 1), ones, ones});
  expect_same_bytes({{2, 3, 6, 7, 9}, {9, 3, 3, 3, 3}, {2, 1, 1, 0, 2, 2}, {2, 2, 2}, ones});
  expect_same_bytes({{1, 5, 7, 6, 8}, {12, 5, 2, 3, 2}, {0, 1, 0, 1, 1, 1}, ones, {2, 2, 1}});
  expect_same_bytes({{1, 160, 3, 5, 5}, {8, 160, 3, 3, 3}, Ints(6, 1), ones, ones});
  expect_same_bytes({{1, 24, 4, 5, 6}, {24, 8, 3, 3, 3}, Ints(6, 1), ones, ones, 3});
}

TEST(ConvU8, NarrowGroups) {
  for (int64_t width : {2, 4, 8, 16})
    for (int64_t groups : {2, 5, 24}) {
      const int64_t channels = width * groups;
      const Shape x{2, channels, 15, 13}, w{channels, width, 3, 3};
      expect_same_bytes({x, w, {1, 1, 1, 1}, {1, 1}, {1, 1}, groups});
      expect_same_bytes({x, w, {0, 1, 2, 2}, {2, 1}, {1, 2}, groups});
    }
  expect_same_bytes(
      {{1, 12, 9, 9}, {24, 4, 3, 3}, {1, 1, 1, 1}, {1, 1}, {1, 1}, 3});  // more filters than channels
}

TEST(MaxPoolU8, ThreeAxes) {
  Builder b;
  b.output(
      b.op("MaxPool", {b.input({2, 20, 7, 9, 8}, DType::u8)},
           {{"kernel_shape", Ints{3, 2, 3}}, {"strides", Ints{2, 1, 2}}, {"pads", Ints{1, 0, 1, 1, 1, 0}}}));
  expect_same_bytes(b, "max pool");
}

/// QConv of u8[2, channels, 9, 14] whose float results go through LeakyRelu, which every ISA rounds alike.
struct TailCase {
  int64_t channels, filters, kernel, group;
  bool factors, table, f32, residual;
};

void expect_tail(const TailCase& t) {
  std::mt19937 rng(7);
  Builder b;
  const auto random = [&](DType type, const Shape& shape, double lo, double hi) {
    return random_tensor(type, shape, rng, lo, hi);
  };
  const ValueId w =
      b.constant(random(DType::s8, {t.filters, t.channels / t.group, t.kernel, t.kernel}, -127, 127));
  ir::Attributes attrs{{"pads", Ints(4, t.kernel / 2)},          {"group", t.group},
                       {"x_zero_point", int64_t{120}},           {"y_zero_point", int64_t{90}},
                       {"activation", std::string("LeakyRelu")}, {"activation_alpha", 0.3f}};
  if (t.factors) attrs.set("factors", random(DType::f32, {t.filters}, 0.5, 2));
  if (t.table) attrs.set("table", random(DType::u8, {256}, 0, 255));
  if (t.f32)
    attrs.set("output", std::string("f32"));
  else
    attrs.set("y_scale", 0.04f);
  std::vector<ValueId> ins{b.input({2, t.channels, 9, 14}, DType::u8), w,
                           b.constant(random(DType::f32, {t.filters}, 1e-5, 2e-4)),
                           b.constant(random(DType::f32, {t.filters}, -1, 1))};
  std::vector<Tensor> inputs{random(DType::u8, {2, t.channels, 9, 14}, 0, 255)};
  if (t.residual) {
    ins.push_back(b.input({2, t.filters, 9, 14}, DType::u8));
    inputs.push_back(random(DType::u8, {2, t.filters, 9, 14}, 0, 255));
    attrs.set("float_residual", int64_t{1});
    attrs.set("r_scale", 0.03f);
    attrs.set("offset", -3.0f);
  }
  b.output(b.op("QConv", ins, attrs));
  const std::string what = std::to_string(t.channels) + " to " + std::to_string(t.filters) + ", kernel " +
                           std::to_string(t.kernel) + ", groups " + std::to_string(t.group);
  on_every_isa(b, inputs, what, [](const Tensor& actual, const Tensor& expected, int64_t i) {
    ASSERT_EQ(actual.at_double(i), expected.at_double(i)) << "at " << i;
  });
}

TEST(FloatTail, EveryConvolution) {
  for (const auto& [channels, filters, group] :
       {std::array<int64_t, 3>{16, 37, 1}, {5, 70, 1}, {64, 64, 1}, {24, 24, 2}, {16, 32, 16}})
    for (int64_t kernel : {1, 3})
      for (int form = 0; form < 16; form++)
        expect_tail({channels, filters, kernel, group, (form & 1) != 0, (form & 6) == 2, (form & 4) != 0,
                     (form & 8) != 0 && group == 1});
}

}  // namespace
}  // namespace tenfold::test
