// INT8 convolution in narrow groups, of every ISA, against the scalar reference, bit for bit.
#include "kernels/kernel_test_util.hpp"

namespace tenfold::kernels::test {
namespace {

struct Shape {
  int64_t groups, width, taps, pixels;
  int64_t channels() const { return groups * width; }
};

struct Case {
  Case(Random& random, const Shape& s, bool extreme)
      : shape(s),
        weights(random.weights(size_t(s.channels() * s.width * s.taps))),
        quant(random.channels(s.channels(), s.width * s.taps, extreme)),
        lookup(random.table256()),
        x_zero(random.zero_point()),
        zero(random.zero_point()),
        ldc(s.channels() + random.in(0, 5)),
        use_table(random.coin()),
        in(size_t(random.in(1, 40) * s.channels())) {
    random.fill_bytes(in.data(), in.size());
    for (int64_t i = 0; i < s.taps * s.pixels; ++i)
      rows.push_back(in.data() + random.in(0, int64_t(in.size()) / s.channels() - 1) * s.channels());
  }
  size_t out_size() const { return size_t((shape.pixels - 1) * ldc + shape.channels()); }

  /// The first `split` pixels, then the others.
  void run(const Kernels& kernels, u8* out, int64_t split) const {
    const auto packed = pack_grouped_u8(kernels.layout, weights.data(), shape.channels(), shape.width,
                                        shape.taps, x_zero, quant);
    for (const int64_t first : {int64_t{0}, split})
      kernels.grouped_u8({.w = &packed,
                          .indirect = rows.data() + first,
                          .indirect_stride = shape.pixels,
                          .m = first == 0 ? split : shape.pixels - split,
                          .c = out + first * ldc,
                          .ldc = ldc,
                          .zero_point = zero,
                          .table = use_table ? lookup.data() : nullptr});
  }

  Shape shape;
  std::vector<s8> weights;
  std::vector<QuantizedChannel> quant;
  std::vector<u8> lookup;
  int x_zero, zero;
  int64_t ldc;
  bool use_table;
  Guarded<u8> in;
  std::vector<const u8*> rows;
};

void check(Random& random, const Shape& s, bool extreme) {
  const Case c(random, s, extreme);
  Guarded<u8> expected(c.out_size(), 7);
  c.run(ref(), expected.data(), s.pixels);
  for (const Kernels* kernels : tables()) {
    SCOPED_TRACE(std::string(kernels->name) + " groups " + std::to_string(s.groups) + " of " +
                 std::to_string(s.width) + " taps " + std::to_string(s.taps) + " pixels " +
                 std::to_string(s.pixels) + (extreme ? " extreme" : ""));
    Guarded<u8> out(c.out_size(), 7, 0);
    c.run(*kernels, out.data(), random.in(1, s.pixels));
    ASSERT_EQ(out.values(), expected.values());
  }
}

TEST(GroupedU8, EveryTailOfChannelsMatchesReference) {
  Random random(21);
  for (const int64_t width : {4, 8})
    for (int64_t groups = 1; groups <= 40; ++groups) {
      check(random, {groups, width, random.in(1, 10), random.in(1, 20)}, false);
      if (HasFatalFailure()) return;
    }
}

TEST(GroupedU8, AnyShapeMatchesReference) {
  Random random(22);
  for (int i = 0; i < 200; ++i) {
    const int64_t width = random.pick<int64_t>({4, 8});
    check(random, {random.in(1, 48), width, random.in(1, 27), random.in(1, 40)}, random.in(0, 3) == 0);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace tenfold::kernels::test
