// FP32 softmax, layer normalization and attention against the scalar reference.
#include <fmt/format.h>

#include "kernels/f32_common.hpp"

namespace tenfold::kernels::test {
namespace {

TEST(SoftmaxF32, EveryNumberOfColumns) {
  Random r(1);
  for (int64_t columns = 1; columns < 200; columns++) {
    const int64_t rows = r.in(1, 5);
    auto x = r.floats(rows * columns);
    for (float& v : x) v *= 10;
    if (columns > 3) x[2] = -INFINITY;  // masked
    std::vector<float> want(static_cast<size_t>(rows * columns + 16), kUntouched);
    auto got = want;
    reference().softmax_f32(x.data(), want.data(), rows, columns);
    for (const Kernels* k : f32_tables()) {
      got.assign(got.size(), kUntouched);
      k->softmax_f32(x.data(), got.data(), rows, columns);
      expect_close(got, want, 2e-7, fmt::format("{} softmax {}", k->name, columns));
    }
  }
}

TEST(SoftmaxF32, LargeValues) {
  for (const Kernels* k : f32_tables()) {
    const std::vector<float> x{3e38f, -3e38f, 3e38f, 0};
    std::vector<float> y(4);
    k->softmax_f32(x.data(), y.data(), 1, 4);
    EXPECT_EQ(y, (std::vector<float>{0.5f, 0, 0.5f, 0})) << k->name;
  }
}

TEST(LayerNormF32, ResidualsAndAffine) {
  Random r(2);
  for (int i = 0; i < 200; i++) {
    const int64_t rows = r.in(1, 4), columns = r.in(2, 300);
    auto x = r.floats(rows * columns);
    const float offset = r.coin() ? 1000.0f : 0.0f;  // a mean far above the deviation
    for (float& v : x) v += offset;
    const auto residual = r.floats(rows * columns), gamma = r.floats(columns), beta = r.floats(columns);
    const bool add = r.coin(), keep = r.coin(), scale = r.coin(), shift = r.coin(), in_place = r.coin();
    const auto run = [&](const Kernels& k) {
      auto in = x;
      std::vector<float> out(x.size() + 16, kUntouched), sum(x.size() + 16, kUntouched);
      float* to = in_place ? in.data() : out.data();
      k.layer_norm_f32(in.data(), add ? residual.data() : nullptr, keep ? sum.data() : nullptr, to, rows,
                       columns, scale ? gamma.data() : nullptr, shift ? beta.data() : nullptr, 1e-5f);
      out.insert(out.end(), sum.begin(), sum.end());
      out.insert(out.end(), in.begin(), in.end());
      return out;
    };
    const auto want = run(reference());
    for (const Kernels* k : f32_tables())
      expect_close(run(*k), want, offset != 0 ? 1e-3 : 2e-5,
                   fmt::format("{} layer_norm {}", k->name, columns));
  }
}

TEST(GroupNormF32, EveryNumberOfChannelsAndGroups) {
  Random r(4);
  for (int i = 0; i < 300; i++) {
    GroupNormF32 g;
    g.per_group = r.in(1, 40);
    g.channels = g.per_group * r.in(1, 9);
    g.pixels = r.in(1, 200);
    g.pixel = g.channels + (r.coin() ? 0 : r.in(0, 20));
    auto x = r.floats(g.pixels * g.pixel);
    const float offset = r.coin() ? 1000.0f : 0.0f;  // a mean far above the deviation
    for (float& v : x) v += offset;
    const auto scale = r.floats(g.channels), bias = r.floats(g.channels);
    const auto activation = gentle_activation(r);
    g.scale = scale.data(), g.bias = bias.data(), g.epsilon = 1e-3f;
    g.activation = activation.a, g.lo = activation.lo, g.hi = activation.hi;
    const bool in_place = r.coin() && g.pixel == g.channels;
    const auto run = [&](const Kernels& k) {
      auto in = x;
      std::vector<float> out(x.size() + 16, kUntouched), scratch(static_cast<size_t>(2 * g.channels));
      g.in = in.data(), g.out = in_place ? in.data() : out.data(), g.scratch = scratch.data();
      k.group_norm_f32(g);
      out.insert(out.end(), in.begin(), in.end());
      return out;
    };
    const auto want = run(reference());
    for (const Kernels* k : f32_tables())
      expect_close(run(*k), want, offset != 0 ? 1e-2 : 2e-5,
                   fmt::format("{} group_norm {} x {} by {}", k->name, g.pixels, g.channels, g.per_group));
  }
}

TEST(AttentionF32, ShapesAndMasks) {
  Random r(3);
  for (int i = 0; i < 80; i++) {
    AttentionF32 g;
    g.queries = r.in(1, 70), g.keys = r.in(1, 150), g.head = r.in(1, 80), g.value_head = r.in(1, 80);
    g.ldq = g.head + r.in(0, 3), g.ldk = g.head + r.in(0, 3), g.ldv = g.value_head + r.in(0, 3);
    g.ldo = g.value_head + r.in(0, 3);
    g.scale = 1 / std::sqrt(float(g.head));
    const auto q = r.floats(g.queries * g.ldq), k = r.floats((g.keys - 1) * g.ldk + g.head);
    const auto v = r.floats((g.keys - 1) * g.ldv + g.value_head);
    auto mask = r.floats(g.queries * g.keys);
    for (size_t j = 1; j < mask.size(); j += 7)
      if (j % size_t(g.keys)) mask[j] = -INFINITY;
    g.q = q.data(), g.k = k.data(), g.v = v.data();
    const int64_t kind = r.in(0, 2);
    if (kind) g.mask = mask.data(), g.ld_mask = kind == 1 ? 0 : g.keys;
    const auto run = [&](const Kernels& table) {
      std::vector<float> out(static_cast<size_t>(g.queries * g.ldo), kUntouched);
      std::vector<std::byte> scratch(attention_f32_scratch(table.layout, g.keys, g.head, g.value_head));
      g.out = out.data(), g.scratch = scratch.data();
      table.attention_f32(g);
      return out;
    };
    const auto want = run(reference());
    for (const Kernels* table : f32_tables())
      expect_close(run(*table), want, 5e-6,
                   fmt::format("{} attention {} queries {} keys {} {}", table->name, g.queries, g.keys,
                               g.head, g.value_head));
  }
}

TEST(ReduceF32, RowsAndColumns) {
  Random r(6);
  for (int i = 0; i < 300; i++) {
    Reduce<float> g{.op = Reduction(i % 5), .outer = r.in(1, 3), .count = r.in(1, i % 7 ? 90 : 5000)};
    g.inner = i % 2 ? 1 : r.in(2, 150);
    g.in_step = g.inner == 1 ? 1 : g.inner + r.in(0, 5), g.in_outer = g.count * g.in_step + r.in(0, 3);
    g.out_outer = g.inner + r.in(0, 3), g.scale = 1 / float(g.count);
    g.root = g.op == Reduction::squares && r.in(0, 1);
    auto x = r.floats(g.outer * g.in_outer);
    if (i % 11 == 0) x[static_cast<size_t>(r.in(0, g.count - 1) * g.in_step)] = i % 3 ? NAN : -INFINITY;
    g.in = x.data();
    const auto run = [&](const Kernels& k) {
      std::vector<float> out(static_cast<size_t>(g.outer * g.out_outer + 16), kUntouched);
      g.out = out.data();
      k.reduce_f32(g);
      return out;
    };
    const auto want = run(reference());
    for (const Kernels* k : f32_tables())
      expect_close(run(*k), want, 1e-6,
                   fmt::format("{} reduction {} of {} x {}", k->name, int(g.op), g.count, g.inner));
  }
}

}  // namespace
}  // namespace tenfold::kernels::test
