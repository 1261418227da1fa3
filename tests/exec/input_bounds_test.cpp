// Arrays of a caller end where they end: nothing behind them is read, not even by kernels that take whole
// vectors.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "cpu/features.hpp"
#include "exec/session.hpp"
#include "support/graph_builder.hpp"

namespace tenfold::test {
namespace {

/// A tensor that ends where memory ends: the page behind it cannot be read.
class AtTheEnd {
 public:
  explicit AtTheEnd(const Tensor& t) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    size_ = (t.bytes() + page - 1) / page * page;
    base_ = static_cast<std::byte*>(
        mmap(nullptr, size_ + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base_ + size_, page, PROT_NONE);
    std::byte* at = base_ + size_ - t.bytes();
    std::memcpy(at, t.raw(), t.bytes());
    tensor_ = Tensor(t.dtype(), t.shape(), at, nullptr);
  }
  ~AtTheEnd() { munmap(base_, size_ + static_cast<size_t>(sysconf(_SC_PAGESIZE))); }
  AtTheEnd(const AtTheEnd&) = delete;
  AtTheEnd& operator=(const AtTheEnd&) = delete;
  const Tensor& tensor() const { return tensor_; }

 private:
  std::byte* base_;
  size_t size_;
  Tensor tensor_;
};

/// DequantizeLinear -> op -> QuantizeLinear of a u8 input.
ir::Graph int8_layer(const std::string& op, const Shape& x, const Shape& w, int64_t group,
                     std::mt19937& rng) {
  Builder b;
  const ValueId scale = b.scalar(0.02f), zero = b.constant(Tensor::scalar(uint8_t{9}));
  const ValueId real = b.op("DequantizeLinear", {b.input(x, DType::u8), scale, zero});
  const ValueId weights =
      b.op("DequantizeLinear", {b.constant(random_tensor(DType::s8, w, rng, -127, 127)), scale});
  const Attributes attrs = op == "Conv" ? Attributes{{"group", group}} : Attributes{};
  b.output(b.op("QuantizeLinear", {b.op(op, {real, weights}, attrs), scale, zero}));
  return b.graph;
}

TEST(InputBounds, NothingBehindAnArrayIsRead) {
  std::mt19937 rng(3);
  for (int64_t c : {1, 3, 13, 32, 33})
    for (cpu::Isa isa : cpu::kAllIsas) {
      if (!cpu::available(isa)) continue;
      const std::pair<ir::Graph, Shape> layers[] = {
          {int8_layer("Conv", {1, c, 5, 7}, {20, c, 1, 1}, 1, rng), {1, c, 5, 7}},
          {int8_layer("Conv", {1, c, 5, 7}, {20, c, 3, 3}, 1, rng), {1, c, 5, 7}},
          {int8_layer("Conv", {1, c, 5, 7}, {c, 1, 3, 3}, c, rng), {1, c, 5, 7}},
          {int8_layer("MatMul", {2, c}, {c, 7}, 1, rng), {2, c}}};
      for (const auto& [graph, shape] : layers) {
        const Tensor x = random_tensor(DType::u8, shape, rng, 0, 255.9);
        const AtTheEnd guarded(x);
        exec::Session session(graph, {.threads = 1, .isa = std::string(to_string(isa))});
        const Tensor expected = session.run(std::span(&x, 1))[0],
                     actual = session.run(std::span(&guarded.tensor(), 1))[0];
        EXPECT_EQ(std::memcmp(actual.raw(), expected.raw(), expected.bytes()), 0);
      }
    }
}

}  // namespace
}  // namespace tenfold::test
