#include "passes/pass.hpp"
#include "passes/pass_fixture.hpp"

namespace tenfold::test {
namespace {

Graph small() {
  Builder b;
  const ValueId x = b.input({2, 3});
  b.output(b.op("Relu", {b.op("Add", {x, b.op("Add", {b.scalar(1), b.scalar(2)})})}));
  return b.graph;
}

TEST(Runner, recordsEveryPassInOrder) {
  Graph g = small();
  const auto records = passes::run(g, Stage::canonicalise);
  const auto pipeline = passes::pipeline(Stage::canonicalise);
  ASSERT_EQ(records.size(), pipeline.size());
  size_t folded = 0;
  for (size_t i = 0; i < records.size(); i++) {
    EXPECT_EQ(records[i].name, pipeline[i]->name);
    EXPECT_GE(records[i].milliseconds, 0);
    if (records[i].name == "fold-constants") folded = records[i].changes;
  }
  EXPECT_EQ(folded, 1u);
}

TEST(Runner, everyPassIsWellFormed) {
  for (Stage stage : {Stage::canonicalise, Stage::fuse})
    for (const passes::Pass* pass : passes::pipeline(stage)) {
      EXPECT_NE(pass->rewrite == nullptr, pass->transform == nullptr) << pass->name;
      EXPECT_GT(std::string_view(pass->description).size(), 10u) << pass->name;
      for (char c : std::string_view(pass->name))
        EXPECT_TRUE(c == '-' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'));
    }
}

TEST(Runner, disablesByName) {
  Graph g = small();
  const auto records = passes::run(g, Stage::canonicalise, {.disabled = {"fold-constants"}});
  EXPECT_EQ(op_list(g), "Add Add Relu");
  for (const auto& record : records) EXPECT_NE(record.name, "fold-constants");
}

TEST(Runner, unknownNameIsAnError) {
  Graph g = small();
  try {
    passes::run(g, Stage::canonicalise, {.disabled = {"fold-everything"}});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::not_found);
    EXPECT_NE(std::string_view(e.what()).find("fold-everything"), std::string_view::npos);
  }
}

TEST(Runner, cancels) {
  Graph g = small();
  try {
    passes::run(g, Stage::canonicalise, {.cancelled = [] { return true; }});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::cancelled);
  }
}

TEST(Runner, resultDoesNotDependOnWhenItIsVerified) {
  std::string texts[3];
  for (int i = 0; i < 3; i++) {
    Graph g = small();
    passes::run(g, Stage::canonicalise, {.verify = static_cast<passes::Verify>(i)});
    texts[i] = ir::to_text(g);
  }
  EXPECT_EQ(texts[0], texts[1]);
  EXPECT_EQ(texts[0], texts[2]);
}

TEST(Runner, secondRunChangesNothing) {
  Graph g = small();
  run_passes(g, Stage::canonicalise, {});
  EXPECT_EQ(run_passes(g, Stage::canonicalise, {}), 0u);
}

}  // namespace
}  // namespace tenfold::test
