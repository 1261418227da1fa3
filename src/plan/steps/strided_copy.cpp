#include "plan/steps/strided_copy.hpp"

#include <algorithm>
#include <cstring>

namespace tenfold::plan {
namespace {

template <class T>
void copy_elements(const StridedCopy::Axis& a, const T* in, T* out) {
  for (int64_t i = 0; i < a.extent; i++) out[i * a.out] = in[i * a.in];
}

/// One row of the innermost axis.
void copy_row(const StridedCopy::Axis& a, const std::byte* in, std::byte* out, size_t size) {
  if (a.in == 1 && a.out == 1) {
    std::memcpy(out, in, static_cast<size_t>(a.extent) * size);
    return;
  }
  switch (size) {
    case 1:
      return copy_elements(a, reinterpret_cast<const uint8_t*>(in), reinterpret_cast<uint8_t*>(out));
    case 2:
      return copy_elements(a, reinterpret_cast<const uint16_t*>(in), reinterpret_cast<uint16_t*>(out));
    case 4:
      return copy_elements(a, reinterpret_cast<const uint32_t*>(in), reinterpret_cast<uint32_t*>(out));
    default:
      return copy_elements(a, reinterpret_cast<const uint64_t*>(in), reinterpret_cast<uint64_t*>(out));
  }
}

/// Rows of `run` bytes, sizeof(T) to twice that, each as its first and its last T: a call of memcpy for every
/// row takes 3 ns, this 0.5.
template <class T>
void copy_short_rows(int64_t rows, size_t run, const std::byte* in, int64_t in_step, std::byte* out,
                     int64_t out_step) {
  for (int64_t i = 0; i < rows; i++, in += in_step, out += out_step) {
    T first, last;
    std::memcpy(&first, in, sizeof(T));
    std::memcpy(&last, in + run - sizeof(T), sizeof(T));
    std::memcpy(out, &first, sizeof(T));
    std::memcpy(out + run - sizeof(T), &last, sizeof(T));
  }
}

/// Rows of `run` contiguous bytes.
void copy_rows(int64_t rows, size_t run, const std::byte* in, int64_t in_step, std::byte* out,
               int64_t out_step) {
  struct Bytes16 {
    std::byte b[16];
  };
  if (run > 32)
    for (int64_t i = 0; i < rows; i++) std::memcpy(out + i * out_step, in + i * in_step, run);
  else if (run >= 16)
    copy_short_rows<Bytes16>(rows, run, in, in_step, out, out_step);
  else if (run >= 8)
    copy_short_rows<uint64_t>(rows, run, in, in_step, out, out_step);
  else if (run >= 4)
    copy_short_rows<uint32_t>(rows, run, in, in_step, out, out_step);
  else if (run >= 2)
    copy_short_rows<uint16_t>(rows, run, in, in_step, out, out_step);
  else
    copy_short_rows<uint8_t>(rows, run, in, in_step, out, out_step);
}

struct Copier {
  const StridedCopy& copy;
  size_t size;
  void (*transpose)(const void*, ptrdiff_t, void*, ptrdiff_t, int64_t,
                    int64_t);  ///< null: no 2-D transpose here

  void run(size_t level, const std::byte* in, std::byte* out, int64_t begin, int64_t end) const {
    const auto& axes = copy.axes;
    const StridedCopy::Axis& a = axes[level];
    const auto bytes = static_cast<int64_t>(size);
    if (level + 1 == axes.size())
      return copy_row({end - begin, a.in, a.out}, in + begin * a.in * bytes, out + begin * a.out * bytes,
                      size);
    if (level + 2 == axes.size() && transpose) {
      // rows run along `a` in the output's last but one axis; the input is contiguous along `a`
      const StridedCopy::Axis& inner = axes[level + 1];
      return transpose(in + begin * a.in * bytes, inner.in, out + begin * a.out * bytes, a.out, inner.extent,
                       end - begin);
    }
    const StridedCopy::Axis& last = axes.back();
    if (level + 2 == axes.size() && last.in == 1 && last.out == 1)
      return copy_rows(end - begin, static_cast<size_t>(last.extent * bytes), in + begin * a.in * bytes,
                       a.in * bytes, out + begin * a.out * bytes, a.out * bytes);
    for (int64_t i = begin; i < end; i++)
      run(level + 1, in + i * a.in * bytes, out + i * a.out * bytes, 0, axes[level + 1].extent);
  }
};

}  // namespace

void StridedCopy::simplify() {
  std::vector<Axis> merged;
  for (const Axis& a : axes) {
    if (a.extent == 1) continue;
    if (!merged.empty() && merged.back().in == a.extent * a.in && merged.back().out == a.extent * a.out)
      merged.back() = {merged.back().extent * a.extent, a.in, a.out};
    else
      merged.push_back(a);
  }
  if (merged.empty()) merged.push_back({1, 1, 1});
  // A 2-D transpose wants the input's contiguous axis right before the output's contiguous axis.
  const auto contiguous = std::find_if(merged.begin(), merged.end(), [](const Axis& a) { return a.in == 1; });
  if (merged.size() >= 2 && merged.back().out == 1 && merged.back().in != 1 && contiguous != merged.end())
    std::rotate(contiguous, contiguous + 1, merged.end() - 1);
  // A few elements by a few, as a pixel shuffle moves, do not pay for a 2-D transpose: long rows of single
  // elements.
  constexpr int64_t kFew = 8;
  const size_t n = merged.size();
  if (n >= 3 && merged[n - 1].extent < kFew && merged[n - 2].extent < kFew && merged[n - 3].extent >= kFew &&
      !(merged[n - 1].in == 1 && merged[n - 1].out == 1))
    std::rotate(merged.end() - 3, merged.end() - 2, merged.end());
  axes = std::move(merged);
}

void run_copy(const StridedCopy& copy, const void* in, void* out, size_t size,
              const kernels::Kernels& kernels, int64_t begin, int64_t end) {
  Copier copier{copy, size, nullptr};
  const size_t n = copy.axes.size();
  const bool transposed = n >= 2 && copy.axes[n - 1].out == 1 && copy.axes[n - 2].in == 1 &&
                          copy.axes[n - 1].in > 0 && copy.axes[n - 2].out > 0;
  if (transposed && size == 4) copier.transpose = kernels.transpose_32;
  if (transposed && size == 1) copier.transpose = kernels.transpose_8;
  const auto bytes = static_cast<int64_t>(size);
  copier.run(0, static_cast<const std::byte*>(in) + copy.in_offset * bytes,
             static_cast<std::byte*>(out) + copy.out_offset * bytes, begin, end);
}

}  // namespace tenfold::plan
