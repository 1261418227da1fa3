// FP32 rows: layers of ResNet-50, MobileNetV2, ConvNeXt and a BERT-base encoder at batch 1.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <new>

#include "bench/kernel_bench.hpp"

namespace tenfold::bench {
namespace {

using namespace kernels;

/// Buffers begin on a cache line, as the engine's do: otherwise every 64-byte access would touch two.
template <class T>
struct CacheLineAllocator {
  using value_type = T;
  CacheLineAllocator() = default;
  template <class U>
  CacheLineAllocator(const CacheLineAllocator<U>&) {}
  T* allocate(size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t(64))); }
  void deallocate(T* p, size_t) { ::operator delete(p, std::align_val_t(64)); }
  bool operator==(const CacheLineAllocator&) const { return true; }
};
using Floats = std::vector<float, CacheLineAllocator<float>>;

Floats floats(Bytes& bytes, int64_t n) {
  Floats v(static_cast<size_t>(n));
  for (auto& x : v) x = float(int(bytes.next() % 2001) - 1000) * 0.001f;
  return v;
}

/// Buffers of a row plus its kernel's packed weights and arguments.
template <class Packed, class Args>
struct Data {
  Packed w;
  Args g;
  Floats a, b, c;
  std::vector<const float*> pointers;
  std::vector<std::byte> scratch;
};

template <class Packed, class Args, class Fill>
void add_row(std::vector<Row>& rows, std::string kernel, std::string shape, Work work, double amount,
             void (*Kernels::*entry)(const Args&), Fill fill) {
  Row r;
  r.kernel = std::move(kernel), r.shape = std::move(shape);
  r.work = work, r.amount = amount, r.tolerance = 3e-5f;
  r.prepare = [=](const Kernels& kernels) -> Ready {
    auto d = std::make_shared<Data<Packed, Args>>();
    Bytes bytes;
    fill(*d, bytes, kernels);
    return {[d, run = kernels.*entry] { run(d->g); },
            [d] { return std::vector<float>(d->c.begin(), d->c.end()); }};
  };
  rows.push_back(std::move(r));
}

struct None {};

void add_gemm(std::vector<Row>& rows, int64_t m, int64_t k, int64_t n, Activation act = Activation::clamp) {
  add_row<PackedF32, GemmF32>(rows, act == Activation::clamp ? "gemm_f32" : "gemm_f32 gelu",
                              fmt::format("{}x{}x{}", m, k, n), Work::mac_f32, double(m * k * n),
                              &Kernels::gemm_f32, [=](auto& d, Bytes& bytes, const Kernels& kernels) {
                                d.a = floats(bytes, m * k);
                                const auto w = floats(bytes, n * k), bias = floats(bytes, n);
                                d.w = pack_gemm_f32(kernels.layout, w.data(), n, 1, k, bias.data());
                                d.c.resize(size_t(m * n));
                                d.g.w = &d.w, d.g.a = d.a.data(), d.g.lda = k, d.g.m = m, d.g.n_end = n,
                                d.g.c = d.c.data(), d.g.ldc = n;
                                d.g.activation = act, d.g.hi = 1e30f;
                              });
}

/// Square convolution, "same" padding, through row pointers.
void add_conv(std::vector<Row>& rows, int64_t size, int64_t c, int64_t n, int kernel, int stride) {
  const int64_t out = (size + stride - 1) / stride, m = out * out, taps = int64_t(kernel) * kernel;
  add_row<PackedF32, GemmF32>(
      rows, fmt::format("conv_f32 {}x{} s{}", kernel, kernel, stride),
      fmt::format("{}^2x{} to {}", size, c, n), Work::mac_f32, double(m * taps * c * n), &Kernels::gemm_f32,
      [=](auto& d, Bytes& bytes, const Kernels& kernels) {
        d.a = floats(bytes, size * size * c);
        d.b.resize(size_t(c));
        const auto w = floats(bytes, n * taps * c), bias = floats(bytes, n);
        d.w = pack_gemm_f32(kernels.layout, w.data(), n, taps, c, bias.data());
        for (int64_t t = 0; t < taps; t++)
          for (int64_t i = 0; i < m; i++) {
            const int64_t y = i / out * stride + t / kernel - kernel / 2,
                          x = i % out * stride + t % kernel - kernel / 2;
            const bool inside = y >= 0 && x >= 0 && y < size && x < size;
            d.pointers.push_back(inside ? &d.a[size_t((y * size + x) * c)] : d.b.data());
          }
        d.c.resize(size_t(m * n));
        d.g.w = &d.w, d.g.indirect = d.pointers.data(), d.g.indirect_stride = m;
        d.g.m = m, d.g.n_end = n, d.g.c = d.c.data(), d.g.ldc = n;
      });
}

/// Multiply-adds are those of the direct convolution.
void add_winograd(std::vector<Row>& rows, int64_t size, int64_t c, int64_t n, int tile) {
  add_row<PackedWinogradF32, WinogradF32>(
      rows, fmt::format("winograd_f32 {}x{}", tile, tile), fmt::format("{}^2x{} to {}", size, c, n),
      Work::mac_f32, double(size * size * 9 * c * n), &Kernels::winograd_f32,
      [=](auto& d, Bytes& bytes, const Kernels& kernels) {
        d.a = floats(bytes, size * size * c);
        const auto w = floats(bytes, n * c * 9), bias = floats(bytes, n);
        d.w = pack_winograd_f32(kernels.layout, w.data(), n, c, tile, bias.data());
        d.scratch.resize(winograd_f32_scratch(kernels.layout, d.w));
        d.c.resize(size_t(size * size * n));
        auto& g = d.g;
        g.w = &d.w, g.in = d.a.data(), g.in_h = g.in_w = g.out_h = g.out_w = size;
        g.in_pixel = c, g.in_row = size * c, g.out = d.c.data(), g.out_pixel = n, g.out_row = size * n;
        g.pad_top = g.pad_left = 1, g.scratch = d.scratch.data();
        const int64_t across = (size + tile - 1) / tile;
        g.tile_end = across * across, g.n_end = n;
      });
}

void add_depthwise(std::vector<Row>& rows, int64_t size, int64_t c, int kernel, int stride) {
  const int64_t out = (size + stride - 1) / stride;
  add_row<PackedDepthwiseF32, DepthwiseF32>(
      rows, fmt::format("depthwise_f32 {}x{} s{}", kernel, kernel, stride), fmt::format("{}^2x{}", size, c),
      Work::mac_f32, double(out * out * c * kernel * kernel), &Kernels::depthwise_f32,
      [=](auto& d, Bytes& bytes, const Kernels& kernels) {
        d.a = floats(bytes, size * size * c);
        const auto w = floats(bytes, c * kernel * kernel), bias = floats(bytes, c);
        d.w = pack_depthwise_f32(kernels.layout, w.data(), c, kernel, kernel, stride, stride, 1, 1,
                                 bias.data());
        d.c.resize(size_t(out * out * c));
        auto& g = d.g;
        g.w = &d.w, g.in = d.a.data(), g.in_h = g.in_w = size, g.in_pixel = c, g.in_row = size * c;
        g.out = d.c.data(), g.out_w = out, g.out_pixel = c, g.out_row = out * c, g.y_end = out;
        g.pad_top = g.pad_left = kernel / 2;
        g.activation = Activation::clamp, g.hi = 6;
      });
}

void add_attention(std::vector<Row>& rows, int64_t tokens, int64_t head) {
  add_row<None, AttentionF32>(rows, "attention_f32", fmt::format("{}x{}", tokens, head), Work::mac_f32,
                              double(2 * tokens * tokens * head), &Kernels::attention_f32,
                              [=](auto& d, Bytes& bytes, const Kernels& kernels) {
                                const int64_t ld = 3 * 12 * head;
                                d.a = floats(bytes, tokens * ld);
                                d.c.resize(size_t(tokens * head));
                                d.scratch.resize(attention_f32_scratch(kernels.layout, tokens, head, head));
                                auto& g = d.g;
                                g.q = d.a.data(), g.k = g.q + 12 * head, g.v = g.k + 12 * head,
                                g.ldq = g.ldk = g.ldv = ld;
                                g.out = d.c.data(), g.ldo = head;
                                g.queries = g.keys = tokens, g.head = g.value_head = head, g.scale = 0.125f,
                                g.scratch = d.scratch.data();
                              });
}

void add_pool(std::vector<Row>& rows, int64_t size, int64_t c, int kernel, int stride) {
  const int64_t out = size / stride;
  add_row<None, Pool<float>>(rows, "max_pool_f32", fmt::format("{}^2x{} {}x{}", size, c, kernel, kernel),
                             Work::bytes, 4.0 * double(size * size * c + out * out * c),
                             &Kernels::max_pool_f32, [=](auto& d, Bytes& bytes, const Kernels&) {
                               d.a = floats(bytes, size * size * c);
                               d.c.resize(size_t(out * out * c));
                               auto& g = d.g;
                               g.in = d.a.data(), g.in_h = g.in_w = size, g.channels = g.in_pixel = c;
                               g.in_row = size * c, g.out = d.c.data(), g.out_w = g.y_end = out;
                               g.out_pixel = c, g.out_row = out * c, g.kernel_h = g.kernel_w = kernel;
                               g.stride_h = g.stride_w = stride, g.pad_top = g.pad_left = kernel / 2;
                             });
}

void add_binary(std::vector<Row>& rows, Binary op, const char* name, int64_t outer, int64_t inner,
                bool broadcast) {
  add_row<None, BinaryF32>(rows, name, fmt::format("{}x{}", outer, inner), Work::bytes,
                           4.0 * double(outer * inner) * (broadcast ? 2 : 3), &Kernels::binary_f32,
                           [=](auto& d, Bytes& bytes, const Kernels&) {
                             d.a = floats(bytes, outer * inner), d.b = floats(bytes, outer * inner);
                             d.c.resize(size_t(outer * inner));
                             auto& g = d.g;
                             g.op = op, g.a = d.a.data(), g.b = d.b.data(), g.c = d.c.data();
                             g.outer = outer, g.inner = inner, g.a_outer = g.c_outer = inner;
                             g.b_outer = broadcast ? 0 : inner;
                           });
}

/// Kernels that take plain pointers: `call(kernels, in, out)`.
template <class Call>
void add_plain(std::vector<Row>& rows, const char* name, std::string shape, int64_t in, int64_t out,
               Call call) {
  Row r;
  r.kernel = name, r.shape = std::move(shape);
  r.work = Work::bytes, r.amount = 4.0 * double(in + out), r.tolerance = 3e-6f;
  r.prepare = [=](const Kernels& kernels) -> Ready {
    auto d = std::make_shared<Data<None, None>>();
    Bytes bytes;
    d->a = floats(bytes, in);
    for (float& x : d->a) x *= 4;
    d->c.resize(size_t(out));
    return {[d, &kernels, call] { call(kernels, d->a.data(), d->c.data()); },
            [d] { return std::vector<float>(d->c.begin(), d->c.end()); }};
  };
  rows.push_back(std::move(r));
}

void add_unary(std::vector<Row>& rows, const char* name, Activation f) {
  constexpr int64_t n = 4096;
  add_plain(rows, name, fmt::format("{}", n), n, n,
            [f](const Kernels& k, const float* in, float* out) { k.unary_f32(in, out, n, f, 0.1f, 6); });
}

void add_norms(std::vector<Row>& rows) {
  for (int64_t columns : {8, 128, 1000})
    add_plain(rows, "softmax_f32", fmt::format("128x{}", columns), 128 * columns, 128 * columns,
              [=](const Kernels& k, const float* in, float* out) { k.softmax_f32(in, out, 128, columns); });
  add_plain(rows, "layer_norm_f32", "128x768", 128 * 768, 128 * 768,
            [](const Kernels& k, const float* in, float* out) {
              k.layer_norm_f32(in, nullptr, nullptr, out, 128, 768, in, in + 768, 1e-5f);
            });
  add_plain(rows, "group_norm_f32", "784x256 by 8", 784 * 256, 784 * 256,
            [](const Kernels& k, const float* in, float* out) {
              std::array<float, 512> scratch;
              k.group_norm_f32({.in = in,
                                .out = out,
                                .pixel = 256,
                                .pixels = 784,
                                .channels = 256,
                                .per_group = 8,
                                .scale = in,
                                .bias = in + 256,
                                .epsilon = 1e-5f,
                                .scratch = scratch.data()});
            });
  add_plain(rows, "blend_f32", "256x21", 2 * 256 * 21, 256 * 21,
            [](const Kernels& k, const float* in, float* out) {
              std::array<int64_t, 512> offset;
              std::array<float, 512> weight;
              for (size_t i = 0; i < 512; i++)
                offset[i] = 21 * int64_t(i), weight[i] = 0.25f + 0.5f * float(i & 1);
              k.blend_f32({in, offset.data(), weight.data(), 2, 256, 21, out});
            });
  add_plain(rows, "reduce_f32", "sum of 49x1280", 49 * 1280, 1280,
            [](const Kernels& k, const float* in, float* out) {
              k.reduce_f32({.in = in, .count = 49, .inner = 1280, .in_step = 1280, .out = out});
            });
  add_plain(rows, "reduce_f32", "max of 784 rows of 256", 784 * 256, 784,
            [](const Kernels& k, const float* in, float* out) {
              k.reduce_f32(
                  {.op = Reduction::max, .in = in, .outer = 784, .count = 256, .in_outer = 256, .out = out});
            });
  add_plain(
      rows, "transpose_32", "3x50176", 3 * 50176, 3 * 50176,
      [](const Kernels& k, const float* in, float* out) { k.transpose_32(in, 50176, out, 3, 3, 50176); });
  add_plain(
      rows, "transpose_32", "784x192", 784 * 192, 784 * 192,
      [](const Kernels& k, const float* in, float* out) { k.transpose_32(in, 192, out, 784, 784, 192); });
}

void add_products(std::vector<Row>& rows) {
  struct Gemm {
    int64_t m, k, n;
  };
  for (const Gemm& s : {Gemm{12544, 32, 16},
                        {12544, 16, 96},
                        {3136, 24, 144},
                        {784, 32, 192},
                        {196, 64, 384},
                        {196, 576, 96},
                        {49, 960, 320},
                        {49, 320, 1280},
                        {1, 1280, 1000},
                        {3136, 64, 256},
                        {784, 128, 512},
                        {196, 1024, 256},
                        {49, 512, 2048},
                        {1, 2048, 1000},
                        {128, 768, 768}})
    add_gemm(rows, s.m, s.k, s.n);
  add_gemm(rows, 128, 768, 3072, Activation::gelu);
  add_conv(rows, 224, 3, 32, 3, 2);
  add_conv(rows, 224, 3, 64, 7, 2);
  add_conv(rows, 56, 64, 64, 3, 1);
  add_conv(rows, 14, 256, 256, 3, 1);
  add_conv(rows, 7, 512, 512, 3, 1);
  for (int tile : {4, 2}) {
    add_winograd(rows, 56, 64, 64, tile);
    add_winograd(rows, 28, 128, 128, tile);
    add_winograd(rows, 14, 256, 256, tile);
    add_winograd(rows, 7, 512, 512, tile);
  }
}

}  // namespace

void add_f32_rows(std::vector<Row>& rows) {
  add_products(rows);
  struct Depthwise {
    int64_t size, c;
    int kernel, stride;
  };
  for (const Depthwise& s : {Depthwise{112, 32, 3, 1},
                             {112, 96, 3, 2},
                             {56, 144, 3, 1},
                             {56, 144, 3, 2},
                             {28, 192, 3, 1},
                             {14, 384, 3, 1},
                             {14, 576, 3, 2},
                             {7, 960, 3, 1},
                             {28, 240, 5, 1},
                             {28, 240, 5, 2},
                             {14, 672, 5, 1},
                             {14, 384, 7, 1}})
    add_depthwise(rows, s.size, s.c, s.kernel, s.stride);
  add_attention(rows, 128, 64);
  add_attention(rows, 384, 64);
  add_pool(rows, 112, 64, 3, 2);
  add_binary(rows, Binary::add, "binary_f32 add", 3136, 64, false);
  add_binary(rows, Binary::mul, "binary_f32 mul channels", 784, 192, true);
  add_unary(rows, "unary_f32 clamp", Activation::clamp);
  add_unary(rows, "unary_f32 silu", Activation::silu);
  add_unary(rows, "unary_f32 hard_swish", Activation::hard_swish);
  add_unary(rows, "unary_f32 sigmoid", Activation::sigmoid);
  add_unary(rows, "unary_f32 gelu", Activation::gelu);
  add_unary(rows, "unary_f32 tanh", Activation::tanh);
  add_unary(rows, "unary_f32 exp", Activation::exp);
  add_norms(rows);
}

}  // namespace tenfold::bench
