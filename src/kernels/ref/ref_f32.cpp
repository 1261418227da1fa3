// The scalar truth for FP32 kernels: plain loops in double precision, written for reading.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/gemm/layout_f32.hpp"
#include "kernels/isa/declarations.hpp"
#include "kernels/kernels.hpp"

namespace tenfold::kernels {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// As Clip: NaN stays NaN, and where lo > hi it is hi.
double clamped(double x, double lo, double hi) { return x > hi || lo > hi ? hi : x < lo ? lo : x; }
double activate(double x, Activation a, double lo, double hi) {
  switch (a) {
    case Activation::none:
      return x;
    case Activation::clamp:
      return clamped(x, lo, hi);
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::hard_swish:
      return x * clamped(x / 6 + 0.5, 0, 1);
    case Activation::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::hard_sigmoid:
      return clamped(lo * x + hi, 0, 1);
    case Activation::gelu:
      return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case Activation::gelu_tanh:
      return x / (1 + std::exp(-2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::tanh:
      return std::tanh(x);
    case Activation::leaky_relu:
      return x < 0 ? lo * x : x;
    case Activation::elu:
      return x < 0 ? lo * std::expm1(x) : x;
    case Activation::mish:
      return x * std::tanh(std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))));
    case Activation::softplus:
      return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
    case Activation::exp:
      return std::exp(x);
    case Activation::erf:
      return std::erf(x);
    case Activation::sqrt:
      return std::sqrt(x);
    case Activation::reciprocal:
      return 1 / x;
    case Activation::abs:
      return std::abs(x);
    case Activation::neg:
      return -x;
    case Activation::log:
      return std::log(x);
    case Activation::square:
      return x * x;
  }
  return x;
}

/// The weights of one channel in packed panels of `n` channels and `depth` steps.
struct Column {
  const float* first;
  int64_t step;
  float operator[](int64_t i) const { return first[i * step]; }
};
Column panel_column(const float* weights, int lanes, int64_t n, int64_t depth, int64_t channel) {
  for (int64_t first = 0;;) {
    const int64_t width = int64_t(f32::panel_vectors(f32::divide_up(n - first, lanes))) * lanes;
    if (channel < first + width) return {weights + first * depth + (channel - first), width};
    first += width;
  }
}

void gemm(const GemmF32& g) {
  const PackedF32& w = *g.w;
  const int64_t depth = w.taps * w.k;
  for (int64_t n = g.n_begin; n < g.n_end; n++) {
    const Column column = panel_column(w.weights, w.lanes, w.n, depth, n);
    for (int64_t m = 0; m < g.m; m++) {
      double sum = w.bias[n];
      for (int64_t t = 0; t < w.taps; t++) {
        const float* a = g.indirect ? g.indirect[t * g.indirect_stride + m] + g.a_offset : g.a + m * g.lda;
        for (int64_t k = 0; k < w.k; k++) sum += double(a[k]) * column[t * w.k + k];
      }
      if (g.residual) sum += g.residual[m * g.ld_residual + n];
      g.c[m * g.ldc + n] = float(activate(sum, g.activation, g.lo, g.hi));
    }
  }
}

void gemm_dynamic(const GemmDynamicF32& g) {
  for (int64_t m = 0; m < g.m; m++)
    for (int64_t n = 0; n < g.n; n++) {
      double sum = 0;
      for (int64_t k = 0; k < g.k; k++)
        sum += double(g.a[m * g.lda + k]) * g.b[g.b_transposed ? n * g.ldb + k : k * g.ldb + n];
      g.c[m * g.ldc + n] = float(g.alpha * sum);
    }
}

void depthwise(const DepthwiseF32& d) {
  const PackedDepthwiseF32& w = *d.w;
  const int64_t taps = int64_t(w.kernel_h) * w.kernel_w;
  for (int64_t y = d.y_begin; y < d.y_end; y++)
    for (int64_t x = 0; x < d.out_w; x++)
      for (int64_t c = 0; c < w.channels; c++) {
        double sum = w.bias[c];
        for (int ky = 0; ky < w.kernel_h; ky++)
          for (int kx = 0; kx < w.kernel_w; kx++) {
            const int64_t iy = y * w.stride_h - d.pad_top + ky * w.dilation_h;
            const int64_t ix = x * w.stride_w - d.pad_left + kx * w.dilation_w;
            if (iy < 0 || ix < 0 || iy >= d.in_h || ix >= d.in_w) continue;
            const float weight =
                w.weights[(c / w.lanes * taps + ky * w.kernel_w + kx) * w.lanes + c % w.lanes];
            sum += double(weight) * d.in[iy * d.in_row + ix * d.in_pixel + c];
          }
        d.out[y * d.out_row + x * d.out_pixel + c] = float(activate(sum, d.activation, d.lo, d.hi));
      }
}

using Square = double[6][6];

/// out = a * in * a^T, `a` being rows x size.
template <int Max>
void transform(const double (&a)[Max][6], int rows, int size, const Square& in, Square& out) {
  Square half = {};
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < size; j++)
      for (int k = 0; k < size; k++) half[i][j] += a[i][k] * in[k][j];
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < rows; j++) {
      out[i][j] = 0;
      for (int k = 0; k < size; k++) out[i][j] += half[i][k] * a[j][k];
    }
}

constexpr double kInput2[4][6] = {{1, 0, -1}, {0, 1, 1}, {0, -1, 1}, {0, -1, 0, 1}};
constexpr double kOutput2[2][6] = {{1, 1, 1, 0}, {0, 1, -1, 1}};
constexpr double kInput4[6][6] = {{4, 0, -5, 0, 1},  {0, -4, -4, 1, 1}, {0, 4, -4, -1, 1},
                                  {0, -2, -1, 2, 1}, {0, 2, -1, -2, 1}, {0, 4, 0, -5, 0, 1}};
constexpr double kOutput4[4][6] = {
    {1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}};

void winograd_tile(const WinogradF32& g, int64_t y0, int64_t x0) {
  const PackedWinogradF32& w = *g.w;
  const int points = w.tile + 2;
  const int64_t matrix = w.c * f32::pad_to(w.n, w.lanes);
  std::vector<double> v(size_t(w.c) * 36);
  for (int64_t c = 0; c < w.c; c++) {
    Square d = {}, t;
    for (int i = 0; i < points; i++)
      for (int j = 0; j < points; j++) {
        const int64_t iy = y0 + i - g.pad_top, ix = x0 + j - g.pad_left;
        if (iy >= 0 && ix >= 0 && iy < g.in_h && ix < g.in_w)
          d[i][j] = g.in[iy * g.in_row + ix * g.in_pixel + c];
      }
    if (w.tile == 2)
      transform(kInput2, 4, 4, d, t);
    else
      transform(kInput4, 6, 6, d, t);
    std::memcpy(&v[size_t(c) * 36], t, sizeof t);
  }
  for (int64_t n = g.n_begin; n < g.n_end; n++) {
    Square m = {}, y;
    for (int i = 0; i < points; i++)
      for (int j = 0; j < points; j++) {
        const Column u = panel_column(w.weights + (i * points + j) * matrix, w.lanes, w.n, w.c, n);
        for (int64_t c = 0; c < w.c; c++) m[i][j] += v[size_t(c * 36 + i * 6 + j)] * u[c];
      }
    if (w.tile == 2)
      transform(kOutput2, 2, 4, m, y);
    else
      transform(kOutput4, 4, 6, m, y);
    for (int64_t i = 0; i < std::min<int64_t>(w.tile, g.out_h - y0); i++)
      for (int64_t j = 0; j < std::min<int64_t>(w.tile, g.out_w - x0); j++) {
        const int64_t at = (y0 + i) * g.out_row + (x0 + j) * g.out_pixel + n;
        const double sum = y[i][j] + w.bias[n] + (g.residual ? g.residual[at] : 0.0f);
        g.out[at] = float(activate(sum, g.activation, g.lo, g.hi));
      }
  }
}

void winograd(const WinogradF32& g) {
  const int64_t tile = g.w->tile, across = f32::divide_up(g.out_w, tile);
  for (int64_t t = g.tile_begin; t < g.tile_end; t++) winograd_tile(g, t / across * tile, t % across * tile);
}

/// Calls f(value) for every pixel of the window of output (y, x) that lies in the image.
template <class F>
void for_window(const Pool<float>& p, int64_t y, int64_t x, int64_t c, F f) {
  for (int ky = 0; ky < p.kernel_h; ky++)
    for (int kx = 0; kx < p.kernel_w; kx++) {
      const int64_t iy = y * p.stride_h - p.pad_top + ky * p.dilation_h;
      const int64_t ix = x * p.stride_w - p.pad_left + kx * p.dilation_w;
      if (iy >= 0 && ix >= 0 && iy < p.in_h && ix < p.in_w) f(p.in[iy * p.in_row + ix * p.in_pixel + c]);
    }
}

/// Taps of a window along one axis that lie in [-pad_before, size + pad_after).
int64_t padded_taps(int64_t at, int kernel, int stride, int dilation, int64_t pad_before, int64_t size,
                    int64_t pad_after) {
  int64_t count = 0;
  for (int k = 0; k < kernel; k++)
    count += at * stride - pad_before + k * int64_t(dilation) < size + pad_after;
  return count;
}

void max_pool(const Pool<float>& p) {
  for (int64_t y = p.y_begin; y < p.y_end; y++)
    for (int64_t x = 0; x < p.out_w; x++)
      for (int64_t c = 0; c < p.channels; c++) {
        double top = -kInfinity;
        for_window(p, y, x, c, [&](float v) { top = std::isnan(v) || v > top ? v : top; });
        p.out[y * p.out_row + x * p.out_pixel + c] = float(top);
      }
}

void average_pool(const Pool<float>& p) {
  for (int64_t y = p.y_begin; y < p.y_end; y++)
    for (int64_t x = 0; x < p.out_w; x++) {
      const int64_t padded =
          padded_taps(y, p.kernel_h, p.stride_h, p.dilation_h, p.pad_top, p.in_h, p.pad_bottom) *
          padded_taps(x, p.kernel_w, p.stride_w, p.dilation_w, p.pad_left, p.in_w, p.pad_right);
      for (int64_t c = 0; c < p.channels; c++) {
        double sum = 0;
        int64_t count = 0;
        for_window(p, y, x, c, [&](float v) { sum += v, count++; });
        p.out[y * p.out_row + x * p.out_pixel + c] =
            float(sum / double(std::max<int64_t>(1, p.count_include_pad ? padded : count)));
      }
    }
}

/// What a value adds to a sum; for the greatest and the least the value.
double term(Reduction op, float x) {
  return op == Reduction::squares ? double(x) * x : op == Reduction::absolutes ? std::abs(x) : x;
}
void reduce(const Reduce<float>& g) {
  for (int64_t o = 0; o < g.outer; o++)
    for (int64_t i = 0; i < g.inner; i++) {
      const float* in = g.in + o * g.in_outer + i;
      double result = term(g.op, *in);
      for (int64_t k = 1; k < g.count; k++) {
        const double x = term(g.op, in[k * g.in_step]);
        if (g.op == Reduction::max || g.op == Reduction::min)
          result = std::isnan(x) || (g.op == Reduction::max ? x > result : x < result) ? x : result;
        else
          result += x;
      }
      result *= g.scale;
      g.out[o * g.out_outer + i] = float(g.root ? std::sqrt(result) : result);
    }
}

double combine(Binary op, float a, float b) {
  switch (op) {
    case Binary::add:
      return double(a) + b;
    case Binary::sub:
      return double(a) - b;
    case Binary::mul:
      return double(a) * b;
    case Binary::div:
      return double(a) / b;
    case Binary::min:
      return std::isnan(a) || a < b ? a : b;
    case Binary::max:
      return std::isnan(a) || a > b ? a : b;
    case Binary::pow:
      return std::pow(a, b);
    case Binary::prelu:
      return a < 0 ? double(a) * b : a;
  }
  return 0;
}

void binary(const BinaryF32& g) {
  for (int64_t i = 0; i < g.outer; i++)
    for (int64_t j = 0; j < g.inner; j++) {
      const float a = g.a[i * g.a_outer + j * g.a_inner], b = g.b[i * g.b_outer + j * g.b_inner];
      g.c[i * g.c_outer + j] = float(activate(combine(g.op, a, b), g.activation, g.lo, g.hi));
    }
}

void unary(const float* in, float* out, int64_t n, Activation f, float lo, float hi) {
  for (int64_t i = 0; i < n; i++) out[i] = float(activate(in[i], f, lo, hi));
}

void softmax(const float* in, float* out, int64_t rows, int64_t columns) {
  for (; rows > 0; rows--, in += columns, out += columns) {
    const double top = *std::max_element(in, in + columns);
    double sum = 0;
    for (int64_t i = 0; i < columns; i++) sum += std::exp(in[i] - top);
    for (int64_t i = 0; i < columns; i++) out[i] = float(std::exp(in[i] - top) / sum);
  }
}

void layer_norm(const float* in, const float* residual, float* sum, float* out, int64_t rows, int64_t columns,
                const float* gamma, const float* beta, float epsilon) {
  std::vector<float> x(static_cast<size_t>(columns));
  for (int64_t r = 0; r < rows; r++) {
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < columns; i++) {
      x[i] = in[r * columns + i] + (residual ? residual[r * columns + i] : 0.0f);
      mean += x[i];
    }
    mean /= double(columns);
    for (int64_t i = 0; i < columns; i++) variance += (x[i] - mean) * (x[i] - mean);
    const double scale = 1 / std::sqrt(variance / double(columns) + epsilon);
    for (int64_t i = 0; i < columns; i++) {
      if (sum) sum[r * columns + i] = x[i];
      out[r * columns + i] =
          float((x[i] - mean) * scale * (gamma ? gamma[i] : 1.0f) + (beta ? beta[i] : 0.0f));
    }
  }
}

void range(const float* in, int64_t n, float* lo, float* hi) {
  *lo = std::numeric_limits<float>::infinity();
  *hi = -*lo;
  for (int64_t i = 0; i < n; i++) {
    if (in[i] < *lo) *lo = in[i];
    if (in[i] > *hi) *hi = in[i];
  }
}

void attention(const AttentionF32& g) {
  std::vector<double> p(static_cast<size_t>(g.keys));
  for (int64_t i = 0; i < g.queries; i++) {
    double top = -kInfinity, sum = 0;
    for (int64_t j = 0; j < g.keys; j++) {
      double s = 0;
      for (int64_t d = 0; d < g.head; d++) s += double(g.q[i * g.ldq + d]) * g.k[j * g.ldk + d];
      p[j] = s * g.scale + (g.mask ? g.mask[i * g.ld_mask + j] : 0.0f);
      top = std::max(top, p[j]);
    }
    for (double& x : p) sum += x = std::exp(x - top);
    for (int64_t d = 0; d < g.value_head; d++) {
      double s = 0;
      for (int64_t j = 0; j < g.keys; j++) s += p[j] * g.v[j * g.ldv + d];
      g.out[i * g.ldo + d] = float(s / sum);
    }
  }
}

template <class T>
void transpose(const void* in, ptrdiff_t ld_in, void* out, ptrdiff_t ld_out, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < columns; c++)
      static_cast<T*>(out)[c * ld_out + r] = static_cast<const T*>(in)[r * ld_in + c];
}

void group_norm(const GroupNormF32& g) {
  for (int64_t first = 0; first < g.channels; first += g.per_group) {
    const auto each = [&](auto&& f) {
      for (int64_t p = 0; p < g.pixels; p++)
        for (int64_t c = first; c < first + g.per_group; c++) f(p * g.pixel + c, c);
    };
    const double n = double(g.pixels * g.per_group);
    double mean = 0, variance = 0;
    each([&](int64_t at, int64_t) { mean += g.in[at] / n; });
    each([&](int64_t at, int64_t) { variance += (g.in[at] - mean) * (g.in[at] - mean) / n; });
    const double inverse = 1 / std::sqrt(variance + g.epsilon);
    each([&](int64_t at, int64_t c) {
      g.out[at] = float(
          activate(float((g.in[at] - mean) * inverse * g.scale[c] + g.bias[c]), g.activation, g.lo, g.hi));
    });
  }
}

}  // namespace

void add_f32_kernels_ref(Kernels& table) {
  table.gemm_f32 = &gemm;
  table.gemm_dynamic_f32 = &gemm_dynamic;
  table.depthwise_f32 = &depthwise;
  table.winograd_f32 = &winograd;
  table.max_pool_f32 = &max_pool;
  table.average_pool_f32 = &average_pool;
  table.reduce_f32 = &reduce;
  table.binary_f32 = &binary;
  table.unary_f32 = &unary;
  table.softmax_f32 = &softmax;
  table.layer_norm_f32 = &layer_norm;
  table.group_norm_f32 = &group_norm;
  table.range_f32 = &range;
  table.attention_f32 = &attention;
  table.transpose_32 = &transpose<uint32_t>;
  table.transpose_8 = &transpose<uint8_t>;
}

}  // namespace tenfold::kernels
