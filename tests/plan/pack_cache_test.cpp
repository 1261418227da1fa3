#include "plan/pack_cache.hpp"

#include <gtest/gtest.h>

#include "plan/steps/pack_key.hpp"

namespace tenfold::plan {
namespace {

PackKey key_of(std::vector<float> values, std::string text = "kind") {
  return {std::move(text), {Tensor::from<float>({static_cast<int64_t>(values.size())}, values)}};
}

TEST(PackCache, PacksOnceForEqualContent) {
  PackCache cache;
  int packed = 0;
  const auto pack = [&] { return ++packed; };
  const auto a = cache.get<int>(key_of({1, 2}), pack), b = cache.get<int>(key_of({1, 2}), pack);
  EXPECT_EQ(a, b);
  EXPECT_EQ(packed, 1);
}

TEST(PackCache, EqualTextIsNotEnough) {
  PackCache cache;
  const auto a = cache.get<int>(key_of({1, 2}), [] { return 1; });
  const auto b = cache.get<int>(key_of({1, 3}), [] { return 2; });
  const auto c = cache.get<int>(key_of({1, 2}, "other"), [] { return 3; });
  EXPECT_EQ(*a, 1);
  EXPECT_EQ(*b, 2);
  EXPECT_EQ(*c, 3);
  EXPECT_EQ(*cache.get<int>(key_of({1, 3}), [] { return 4; }), 2);
}

TEST(PackCache, GoesWithItsLastUser) {
  PackCache cache;
  auto a = cache.get<int>(key_of({1}), [] { return 1; });
  a.reset();
  EXPECT_EQ(*cache.get<int>(key_of({1}), [] { return 2; }), 2);
}

TEST(PackKey, NamesWhatDiffers) {
  ir::Graph g;
  const auto constant = [&](const char* name, Tensor t) { return g.add_constant(name, std::move(t)); };
  const ir::ValueId a = constant("a", Tensor::from<float>({2, 3}, {1, 2, 3, 4, 5, 6}));
  const ir::ValueId b = constant("b", Tensor::from<float>({3, 2}, {1, 2, 3, 4, 5, 6}));
  const ir::Node& first = g.node(g.add_node("Op", {a}));
  const std::string text = pack_key("kind", g, first, {0}, 1).text;
  EXPECT_EQ(pack_key("kind", g, first, {0}, 1).text, text);
  EXPECT_NE(pack_key("kind", g, first, {0}, 2).text, text);
  EXPECT_NE(pack_key("kind", g, first, {0, 1}, 1).text, text);  // an omitted input counts
  EXPECT_NE(pack_key("other", g, first, {0}, 1).text, text);
  EXPECT_NE(pack_key("kind", g, g.node(g.add_node("Op", {b})), {0}, 1).text, text);  // another shape
}

}  // namespace
}  // namespace tenfold::plan
