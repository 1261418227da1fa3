// Shared by the kernel tests: the tables that this CPU can run, guarded memory, random values.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <stdexcept>
#include <vector>

#include "cpu/features.hpp"
#include "kernels/emulated/tables.hpp"
#include "kernels/kernels.hpp"

namespace tenfold::kernels::test {

constexpr size_t kSlack = 64;

/// Every table that this CPU can run, except `ref`, and emulations of others.
inline std::vector<const Kernels*> tables() {
  const auto& f = cpu::features();
  std::vector<const Kernels*> result;
  if (f.avx2 && f.fma && f.f16c) {
    result = emulated_tables();
    result.push_back(table(Isa::avx2));
  }
  if (f.avx_vnni) result.push_back(table(Isa::avx_vnni));
  if (f.avx512vl && f.avx512_vnni) result.push_back(table_avx_vnni_evex());
  if (f.avx512bw && f.avx512vl && f.avx512dq && f.avx512_vnni && f.avx512_vbmi)
    result.push_back(table(Isa::avx512_vnni));
  if (cpu::available(Isa::amx)) result.push_back(table(Isa::amx));
  return result;
}
inline const Kernels& ref() { return *table(Isa::ref); }

/// `size` elements, `slack` canary bytes (outputs need none), then a page that faults when touched.
template <class T>
class Guarded {
 public:
  explicit Guarded(size_t size, T fill = T{}, size_t slack = kSlack) : size_(size), slack_(slack) {
    const size_t page = 4096, bytes = size * sizeof(T) + slack;
    mapped_ = (bytes + page - 1) / page * page + page;
    base_ = static_cast<char*>(
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base_ == MAP_FAILED) throw std::runtime_error("mmap");
    mprotect(base_ + mapped_ - page, page, PROT_NONE);
    data_ = reinterpret_cast<T*>(base_ + mapped_ - page - bytes);
    for (size_t i = 0; i < size; ++i) data_[i] = fill;
    std::memset(reinterpret_cast<char*>(data_ + size), kCanary, slack);
  }
  ~Guarded() { munmap(base_, mapped_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](size_t i) { return data_[i]; }
  size_t size() const { return size_; }
  /// Nothing was stored behind the end.
  bool intact() const {
    for (size_t i = 0; i < slack_; ++i)
      if (reinterpret_cast<const char*>(data_ + size_)[i] != kCanary) return false;
    return true;
  }
  std::vector<T> values() const { return {data_, data_ + size_}; }

 private:
  static constexpr char kCanary = 0x5a;
  size_t size_, slack_, mapped_;
  char* base_;
  T* data_;
};

struct Random {
  std::mt19937 engine;
  explicit Random(unsigned seed) : engine(seed) {}
  int64_t in(int64_t lo, int64_t hi) { return std::uniform_int_distribution<int64_t>(lo, hi)(engine); }
  float real(float lo, float hi) { return std::uniform_real_distribution<float>(lo, hi)(engine); }
  bool coin() { return in(0, 1) != 0; }
  template <class T>
  T pick(std::initializer_list<T> values) {
    return values.begin()[in(0, int64_t(values.size()) - 1)];
  }
  template <class T>
  void fill_bytes(T* p, size_t n) {
    for (size_t i = 0; i < n; ++i) p[i] = T(engine());
  }
  std::vector<s8> weights(size_t n) {
    std::vector<s8> w(n);
    fill_bytes(w.data(), n);
    return w;
  }
  int zero_point() { return int(pick<int64_t>({0, 255, 128, in(0, 255)})); }
  /// Multipliers that spread the results over and beyond a byte; `extreme` ones overflow s32 many times over.
  std::vector<QuantizedChannel> channels(int64_t n, int64_t depth, bool extreme) {
    std::vector<QuantizedChannel> q(static_cast<size_t>(n));
    for (auto& c : q) {
      c.multiplier = real(0.2f, 3.0f) * 100.0f / (127.0f * 128.0f * std::sqrt(float(depth)));
      c.bias = real(-100, 100);
      if (extreme && coin())
        c = {pick<float>({1e6f, -1e6f, 3e38f, -3e38f, 0.0f, 1e-30f}),
             pick<float>({0.0f, 3e9f, -3e9f, 1e30f})};
    }
    return q;
  }
  /// Offsets of -limit ... limit for half of the channels.
  void add_weight_offsets(std::vector<QuantizedChannel>& channels, int limit) {
    for (QuantizedChannel& c : channels) c.weight_offset = coin() ? int(in(-limit, limit)) : 0;
  }
  std::vector<u8> table256() {
    std::vector<u8> t(256);
    fill_bytes(t.data(), 256);
    return t;
  }
};

}  // namespace tenfold::kernels::test
