// INT8 rows: the layers of MobileNetV2, ResNet-50 and EfficientNet-B0 that differ in kind.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "bench/kernel_bench.hpp"

namespace tenfold::bench {
namespace {

using namespace kernels;

constexpr size_t kSlack = 64;
constexpr size_t kColdBytes = 24u << 20;  // weights rotate over this much, as in a network

std::vector<QuantizedChannel> channels(int64_t n, int64_t depth) {
  std::vector<QuantizedChannel> q(static_cast<size_t>(n));
  for (size_t i = 0; i < q.size(); ++i)
    q[i] = {0.004f / float(depth) + 0.00001f * float(i % 7), float(i % 50)};
  return q;
}
std::vector<float> widened(const std::vector<u8>& bytes) { return {bytes.begin(), bytes.end()}; }

struct GemmShape {
  int64_t m, k, n;
  int64_t image = 0;  ///< side of a square image for a 3x3 convolution, pad 1
  bool residual = false, table = false, cold = false;
};

struct GemmData {
  GemmShape s;
  int64_t taps, rows;
  std::vector<u8> a, c, residual, table;
  std::vector<const u8*> pointers;
  std::vector<PackedU8> weights;  // more than one: cold
  size_t turn = 0;
};

/// Where the taps of a 3x3 convolution over `pixels` of a square image lie; pixels outside are the last one
/// of a.
void point_at_taps(GemmData& d, int64_t pixels, int64_t side, int64_t channels) {
  for (int64_t t = 0; t < 9; ++t)
    for (int64_t p = 0; p < pixels; ++p) {
      const int64_t y = p / side + t / 3 - 1, x = p % side + t % 3 - 1;
      const bool inside = y >= 0 && x >= 0 && y < side && x < side;
      d.pointers.push_back(d.a.data() + (inside ? y * side + x : pixels) * channels);
    }
}

Ready prepare_gemm(const GemmShape& s, const Kernels& kernels) {
  auto d = std::make_shared<GemmData>();
  Bytes bytes;
  d->s = s;
  d->taps = s.image ? 9 : 1;
  d->a = bytes.make<u8>(size_t((s.m + 1) * s.k) + kSlack);
  d->residual = bytes.make<u8>(size_t(s.m * s.n) + kSlack);
  d->table = bytes.make<u8>(256);
  d->c.resize(size_t(s.m * s.n) + kSlack);
  const auto w = bytes.make<s8>(size_t(s.n * s.k * d->taps));
  const size_t copies = s.cold && kernels.isa != Isa::ref ? std::max<size_t>(1, kColdBytes / w.size()) : 1;
  for (size_t i = 0; i < copies; ++i)
    d->weights.push_back(
        pack_gemm_u8(kernels.layout, w.data(), s.n, d->taps, s.k, 128, channels(s.n, s.k * d->taps)));
  if (s.image) point_at_taps(*d, s.m, s.image, s.k);
  const auto run = [d, &kernels] {
    GemmU8 g;
    g.w = &d->weights[d->turn++ % d->weights.size()];
    g.a = d->a.data(), g.lda = d->s.k, g.m = d->s.m, g.n_end = d->s.n;
    if (d->s.image) g.indirect = d->pointers.data(), g.indirect_stride = d->s.m;
    g.c = d->c.data(), g.ldc = d->s.n, g.zero_point = d->s.residual ? 3 : 0;
    if (d->s.table) g.table = d->table.data(), g.zero_point = 100;
    if (d->s.residual)
      g.residual = d->residual.data(), g.ld_residual = d->s.n, g.q_scale = 0.7f, g.r_scale = 0.4f,
      g.offset = -3.1f;
    const auto& next = d->weights[d->turn % d->weights.size()];  // the layer that follows
    g.prefetch = next.weights, g.prefetch_bytes = std::min<size_t>(next.storage.size(), 256 << 10);
    kernels.gemm_u8(g);
  };
  return {run, [d] { return widened(d->c); }};
}

void add_gemm(std::vector<Row>& rows, const GemmShape& s) {
  Row r;
  r.kernel = std::string(s.image ? "conv3x3_u8" : "gemm_u8") + (s.residual ? "+residual" : "") +
             (s.table ? "+table" : "") + (s.cold ? " cold" : "");
  r.shape = fmt::format("{}x{}x{}", s.m, s.k, s.n);
  r.amount = double(s.m * s.k * s.n * (s.image ? 9 : 1));
  r.prepare = [s](const Kernels& kernels) { return prepare_gemm(s, kernels); };
  rows.push_back(std::move(r));
}

/// [n][9][k] -> [n][k][9].
std::vector<s8> transpose_taps(const std::vector<s8>& w, int64_t k) {
  std::vector<s8> turned(w.size());
  for (size_t n = 0; n < w.size(); n += size_t(9 * k)) transpose_s8(w.data() + n, 9, k, turned.data() + n);
  return turned;
}

struct WinogradData {
  std::vector<u8> in, out, outside;
  std::vector<PackedWinogradU8> weights;  // more than one: cold
  std::vector<std::byte> scratch;
  size_t turn = 0;
};

/// The 3x3 convolution of `s` by Winograd's filtering; directly where an ISA lacks that.
Ready prepare_winograd(const GemmShape& s, int tile, const Kernels& kernels) {
  if (!kernels.winograd_u8) return prepare_gemm(s, kernels);
  auto d = std::make_shared<WinogradData>();
  Bytes bytes;
  d->in = bytes.make<u8>(size_t((s.m + 1) * s.k) + kSlack);
  d->outside.assign(d->in.end() - ptrdiff_t(kSlack) - s.k, d->in.end());
  bytes.make<u8>(size_t(s.m * s.n) + kSlack + 256);  // as prepare_gemm, for the same weights
  d->out.resize(size_t(s.m * s.n) + kSlack);
  const auto w = transpose_taps(bytes.make<s8>(size_t(s.n * s.k * 9)), s.k);
  const size_t copies = s.cold ? std::max<size_t>(1, kColdBytes / w.size()) : 1;
  for (size_t i = 0; i < copies; ++i)
    d->weights.push_back(
        pack_winograd_u8(kernels.layout, w.data(), s.n, s.k, tile, 128, channels(s.n, s.k * 9)));
  d->scratch.resize(winograd_u8_scratch(kernels.layout, d->weights[0]));
  const auto run = [d, s, tile, &kernels] {
    WinogradU8 g;
    g.w = &d->weights[d->turn++ % d->weights.size()];
    g.in = d->in.data(), g.in_h = g.in_w = g.out_h = g.out_w = s.image;
    g.in_pixel = s.k, g.in_row = s.image * s.k, g.outside = d->outside.data();
    g.c = d->out.data(), g.ldc = s.n, g.n_end = s.n, g.pad_top = g.pad_left = 1;
    const int64_t across = (s.image + tile - 1) / tile;
    g.tile_end = across * across, g.scratch = d->scratch.data();
    kernels.winograd_u8(g);
  };
  return {run, [d] { return widened(d->out); }};
}

/// The same work as the direct convolution: its share of the peak may exceed 1.
void add_winograd(std::vector<Row>& rows, const GemmShape& s, int tile) {
  Row r;
  r.kernel = fmt::format("winograd_u8 {}x{}{}", tile, tile, s.cold ? " cold" : "");
  r.shape = fmt::format("{}x{}x{}", s.m, s.k, s.n);
  r.amount = double(s.m * s.k * s.n * 9);
  r.prepare = [s, tile](const Kernels& kernels) { return prepare_winograd(s, tile, kernels); };
  rows.push_back(std::move(r));
}

struct DepthwiseShape {
  int64_t channels, side;
  int kernel, stride;
  int dilation = 1;
  bool table = false;
};

struct DepthwiseData {
  PackedDepthwiseU8 w;
  std::vector<u8> in, out, table;
  std::vector<std::byte> scratch;
  DepthwiseU8 d;
};

Ready prepare_depthwise(const DepthwiseShape& s, const Kernels& kernels) {
  auto d = std::make_shared<DepthwiseData>();
  Bytes bytes;
  const int64_t pad = s.dilation * (s.kernel / 2),
                out = (s.side + 2 * pad - s.dilation * (s.kernel - 1) - 1) / s.stride + 1;
  const auto w = bytes.make<s8>(size_t(s.channels * s.kernel * s.kernel));
  d->w = pack_depthwise_u8(kernels.layout, w.data(), s.channels, s.kernel, s.kernel, s.stride, s.stride,
                           s.dilation, s.dilation, 3, channels(s.channels, s.kernel * s.kernel));
  d->in = bytes.make<u8>(size_t(s.side * s.side * s.channels) + kSlack);
  d->out.resize(size_t(out * out * s.channels) + kSlack);
  d->table = bytes.make<u8>(256);
  d->scratch.resize(depthwise_u8_scratch(kernels.layout, d->w) + 64);
  DepthwiseU8& c = d->d;
  c.w = &d->w, c.in = d->in.data(), c.in_h = c.in_w = s.side;
  c.in_pixel = c.out_pixel = s.channels, c.in_row = s.side * s.channels, c.out_row = out * s.channels;
  c.out = d->out.data(), c.out_w = out, c.y_end = out, c.pad_top = c.pad_left = pad;
  c.table = s.table ? d->table.data() : nullptr;
  c.scratch = d->scratch.data() + (64 - reinterpret_cast<uintptr_t>(d->scratch.data()) % 64) % 64;
  return {[d, &kernels] { kernels.depthwise_u8(d->d); }, [d] { return widened(d->out); }};
}

void add_depthwise(std::vector<Row>& rows, const DepthwiseShape& s) {
  Row r;
  r.kernel = std::string("depthwise_u8") + (s.table ? "+table" : "");
  r.shape = fmt::format("{}x{} s{}{} {}x{}x{}", s.kernel, s.kernel, s.stride, s.dilation > 1 ? " d2" : "",
                        s.side, s.side, s.channels);
  const int64_t out = (s.side + s.stride - 1) / s.stride;
  r.amount = double(out * out * s.channels * s.kernel * s.kernel);
  r.prepare = [s](const Kernels& kernels) { return prepare_depthwise(s, kernels); };
  rows.push_back(std::move(r));
}

struct GroupedShape {
  int64_t channels, side, width;  ///< stride 1, pad 1
};

struct GroupedData : GemmData {
  PackedGroupedU8 w;
};

Ready prepare_grouped(const GroupedShape& s, const Kernels& kernels) {
  auto d = std::make_shared<GroupedData>();
  Bytes bytes;
  const int64_t pixels = s.side * s.side;
  d->a = bytes.make<u8>(size_t((pixels + 1) * s.channels) + kSlack);
  d->c.resize(size_t(pixels * s.channels) + kSlack);
  const auto w = bytes.make<s8>(size_t(s.channels * s.width * 9));
  d->w = pack_grouped_u8(kernels.layout, w.data(), s.channels, s.width, 9, 128,
                         channels(s.channels, s.width * 9));
  point_at_taps(*d, pixels, s.side, s.channels);
  const GroupedU8 g{.w = &d->w,
                    .indirect = d->pointers.data(),
                    .indirect_stride = pixels,
                    .m = pixels,
                    .c = d->c.data(),
                    .ldc = s.channels};
  return {[d, g, &kernels] { kernels.grouped_u8(g); }, [d] { return widened(d->c); }};
}

void add_grouped(std::vector<Row>& rows, const GroupedShape& s) {
  Row r;
  r.kernel = fmt::format("grouped_u8 by {}", s.width);
  r.shape = fmt::format("3x3 {}x{}x{}", s.side, s.side, s.channels);
  r.amount = double(s.side * s.side * s.channels * s.width * 9);
  r.prepare = [s](const Kernels& kernels) { return prepare_grouped(s, kernels); };
  rows.push_back(std::move(r));
}

struct StreamData {
  std::vector<u8> a, b, c, table;
  std::vector<float> f;
};

/// A kernel over `outer` x `inner` bytes, bounded by memory.
void add_stream(std::vector<Row>& rows, const char* kernel, int64_t outer, int64_t inner,
                double bytes_per_element, const std::function<void(const Kernels&, StreamData&)>& run) {
  Row r;
  r.kernel = kernel;
  r.shape = fmt::format("{}x{}", outer, inner);
  r.work = Work::bytes;
  r.amount = double(outer * inner) * bytes_per_element;
  r.prepare = [=](const Kernels& kernels) -> Ready {
    auto d = std::make_shared<StreamData>();
    Bytes bytes;
    const size_t n = size_t(outer * inner);
    d->a = bytes.make<u8>(n + kSlack), d->b = bytes.make<u8>(n + kSlack), d->c.resize(n + kSlack),
    d->table = bytes.make<u8>(256);
    d->f.resize(n);
    for (auto& x : d->f) x = float(int(bytes.next() % 2000) - 1000) * 0.01f;
    return {[=, &kernels] { run(kernels, *d); }, [d] { return widened(d->c); }};
  };
  rows.push_back(std::move(r));
}

BinaryU8 binary(StreamData& d, int64_t outer, int64_t inner, bool broadcast) {
  BinaryU8 g;
  g.a = d.a.data(), g.b = d.b.data(), g.c = d.c.data(), g.outer = outer, g.inner = inner;
  g.a_outer = g.c_outer = inner, g.b_outer = broadcast ? 0 : inner;
  g.a_scale = broadcast ? 0.004f : 0.5f, g.b_scale = 0.4f, g.offset = -7, g.b_zero = 3, g.zero_point = 9;
  return g;
}

void add_streams(std::vector<Row>& rows) {
  for (int64_t c : {32, 144, 672})
    add_stream(rows, "mul_u8 by channel", 784, c, 2,
               [c](const Kernels& k, StreamData& d) { k.mul_u8(binary(d, 784, c, true)); });
  add_stream(rows, "add_u8", 784, 256, 3,
             [](const Kernels& k, StreamData& d) { k.add_u8(binary(d, 784, 256, false)); });
  add_stream(rows, "lookup_u8", 784, 256, 2, [](const Kernels& k, StreamData& d) {
    k.lookup_u8(d.a.data(), d.c.data(), 784 * 256, d.table.data());
  });
  add_stream(rows, "global_average_u8", 49, 1280, 1, [](const Kernels& k, StreamData& d) {
    k.global_average_u8(
        {.in = d.a.data(), .pixels = 49, .channels = 1280, .in_pixel = 1280, .out = d.c.data(), .scale = 1});
  });
  add_stream(rows, "reduce_u8 max of channels", 784, 256, 1, [](const Kernels& k, StreamData& d) {
    k.reduce_u8({.op = Reduction::max,
                 .in = d.a.data(),
                 .outer = 784,
                 .count = 256,
                 .in_outer = 256,
                 .out = d.c.data()});
  });
  add_stream(rows, "column_sums_u8", 784, 256, 1, [](const Kernels& k, StreamData& d) {
    std::array<uint32_t, 512> sums;
    k.column_sums_u8({d.a.data(), 784, 256, 256, sums.data(), sums.data() + 256});
  });
  add_stream(rows, "affine_u8", 784, 256, 2, [](const Kernels& k, StreamData& d) {
    k.affine_u8({d.a.data(), d.c.data(), 784, 256, 256, d.f.data(), d.f.data() + 256, 100});
  });
  add_stream(rows, "blend_to_u8", 784, 256, 9, [](const Kernels& k, StreamData& d) {
    static const int64_t offset[] = {0, 783 * 256};
    static const float weight[] = {0.25f, 0.75f};
    k.blend_to_u8({.in = d.f.data(),
                   .offset = offset,
                   .weight = weight,
                   .positions = 1,
                   .block = 256,
                   .out = d.c.data(),
                   .out_zero = 9,
                   .scale = 3});
  });
  add_stream(rows, "max_pool_u8 3x3 s2", 112 * 112, 64, 1, [](const Kernels& k, StreamData& d) {
    Pool<u8> p;
    p.in = d.a.data(), p.in_h = p.in_w = 112, p.channels = p.in_pixel = p.out_pixel = 64, p.in_row = 112 * 64;
    p.out = d.c.data(), p.out_w = 56, p.out_row = 56 * 64, p.y_end = 56, p.pad_top = p.pad_left = 1;
    p.kernel_h = p.kernel_w = 3, p.stride_h = p.stride_w = 2;
    k.max_pool_u8(p);
  });
  add_stream(rows, "quantize_u8", 784, 64, 5, [](const Kernels& k, StreamData& d) {
    k.quantize_u8(d.f.data(), d.c.data(), 784 * 64, 12.7f, 128);
  });
  add_stream(rows, "quantize_planar_u8 3->4", 4, 224 * 224, 4, [](const Kernels& k, StreamData& d) {
    k.quantize_planar_u8(d.f.data(), 224 * 224, d.c.data(), 4, 224 * 224, 3, 12.7f, 114);
  });
  add_stream(rows, "transpose_8", 1024, 784, 2, [](const Kernels& k, StreamData& d) {
    k.transpose_8(d.a.data(), 784, d.c.data(), 1024, 1024, 784);
  });
}

}  // namespace

void add_u8_rows(std::vector<Row>& rows) {
  for (const GemmShape& s : std::initializer_list<GemmShape>{
           {12544, 32, 16}, {12544, 16, 96}, {3136, 96, 24},   {3136, 24, 144}, {784, 144, 32},
           {784, 32, 192},  {196, 192, 64},  {196, 64, 384},   {196, 384, 96},  {49, 576, 160},
           {49, 160, 960},  {49, 960, 320},  {49, 320, 1280},  {3136, 64, 64},  {3136, 64, 256},
           {3136, 256, 64}, {784, 512, 128}, {196, 1024, 256}, {49, 2048, 512}, {128, 768, 768},
           {1, 1280, 1000}}) {
    add_gemm(rows, s);
    if (s.k * s.n > 50000) {
      GemmShape cold = s;
      cold.cold = true;
      add_gemm(rows, cold);
    }
  }
  for (const GemmShape& s : std::initializer_list<GemmShape>{{3136, 64, 256, 0, true},
                                                             {784, 144, 32, 0, true},
                                                             {3136, 24, 144, 0, false, true},
                                                             {196, 256, 256, 14}})
    add_gemm(rows, s);
  for (GemmShape s : std::initializer_list<GemmShape>{{3136, 64, 64, 56},
                                                      {784, 128, 128, 28},
                                                      {196, 256, 256, 14},
                                                      {49, 512, 512, 7},
                                                      {6400, 32, 32, 80}}) {
    s.cold = true;
    add_gemm(rows, s);
    for (int tile : {2, 4}) add_winograd(rows, s, tile);
  }
  for (const DepthwiseShape& s : std::initializer_list<DepthwiseShape>{{32, 112, 3, 1},
                                                                       {96, 112, 3, 2},
                                                                       {144, 56, 3, 1},
                                                                       {144, 56, 3, 2},
                                                                       {192, 28, 3, 1},
                                                                       {384, 14, 3, 1},
                                                                       {576, 14, 3, 2},
                                                                       {960, 7, 3, 1},
                                                                       {144, 56, 5, 2},
                                                                       {240, 28, 5, 1},
                                                                       {672, 14, 5, 1},
                                                                       {672, 14, 5, 2},
                                                                       {1152, 7, 5, 1},
                                                                       {96, 56, 7, 1},
                                                                       {192, 28, 7, 2},
                                                                       {144, 56, 3, 1, 2},
                                                                       {240, 28, 3, 1, 1, true}})
    add_depthwise(rows, s);
  for (const GroupedShape& s : std::initializer_list<GroupedShape>{{128, 56, 4}, {256, 28, 8}, {104, 28, 8}})
    add_grouped(rows, s);
  add_streams(rows);
}

}  // namespace tenfold::bench
