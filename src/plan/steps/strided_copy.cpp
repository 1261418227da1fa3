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
