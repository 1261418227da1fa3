#include "plan/timings.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "base/temporary_file.hpp"

namespace tenfold::plan {
namespace {

const Choice kConv{"conv_u8", 2, Split::channels, 0, 12.5, 1000},
    kWinograd{"winograd_4x4_u8", 1, Split::automatic, 0, 3}, kStrips{"strips_u8", 2, Split::automatic, 7, 40};

std::filesystem::path scratch_folder() {
  const auto folder = std::filesystem::path(testing::TempDir()) / "tenfold_timings_test";
  std::filesystem::remove_all(folder);
  return folder;
}

TEST(Timings, TextKeepsEveryEntry) {
  Timings timings;
  timings.put("machine \"a\"", "node\n1", kConv);
  timings.put("machine b", "node", kWinograd);
  timings.put("machine b", "chain", kStrips);
  const Timings read = Timings::parse(timings.text());
  ASSERT_TRUE(read.find("machine \"a\"", "node\n1"));
  EXPECT_EQ(*read.find("machine \"a\"", "node\n1"), kConv);
  ASSERT_TRUE(read.find("machine b", "node"));
  EXPECT_EQ(*read.find("machine b", "node"), kWinograd);
  ASSERT_TRUE(read.find("machine b", "chain"));
  EXPECT_EQ(*read.find("machine b", "chain"), kStrips);
  EXPECT_EQ(read.find("machine b", "node\n1"), nullptr);
  EXPECT_EQ(read.find("machine c", "node"), nullptr);
}

TEST(Timings, WhatIsNoTimingsIsEmpty) {
  for (const char* text :
       {"", "{", "[]", "7", "null", R"({"machines": {"m": {"n": ["conv_u8", 1, "rows", 0, 1, 0]}}})",
        R"({"tenfold_timings": 2, "machines": {"m": {"n": ["conv_u8", 1, "rows", 0, 1, 0]}}})",
        R"({"tenfold_timings": "1", "machines": {}})", R"({"tenfold_timings": 1})",
        R"({"tenfold_timings": 1, "machines": [1]})", R"({"tenfold_timings": 1, "machines": {"m": 1}})",
        R"({"tenfold_timings": 1, "machines": {"m": {"n": ["conv_u8", 1, "rows", 1, 0]}}})",
        R"({"tenfold_timings": 1, "machines": {"m": {"n": ["conv_u8", 1, "rows", 0, 1]}}})",
        R"({"tenfold_timings": 1, "machines": {"m": {"n": [1, 1, "rows", 0, 1, 0]}}})",
        R"({"tenfold_timings": 1, "machines": {"m": {"n": ["conv_u8", 0, "rows", 0, 1, 0]}}})",
        R"({"tenfold_timings": 1, "machines": {"m": {"n": ["conv_u8", "1", "rows", 0, 1, 0]}}})",
        R"({"tenfold_timings": 1, "machines": {"m": {"n": ["conv_u8", 1, "diagonals", 0, 1, 0]}}})"})
    EXPECT_TRUE(Timings::parse(text).empty()) << text;
}

TEST(Timings, SavingKeepsWhatOthersSaved) {
  const auto file = scratch_folder() / "deep/timings.json";
  EXPECT_TRUE(Timings::load(file).empty());
  const std::string machine = Timings::machine("avx2", 1);
  Timings a, b;
  a.put(machine, "first", kConv);
  a.put(machine, "second", kConv);
  b.put(machine, "second", kWinograd);
  a.save(file);
  b.save(file);
  const Timings both = Timings::load(file);
  ASSERT_TRUE(both.find(machine, "first") && both.find(machine, "second"));
  EXPECT_EQ(*both.find(machine, "first"), kConv);
  EXPECT_EQ(*both.find(machine, "second"), kWinograd);
  std::ofstream(file) << "something else";
  a.save(file);  // what is no timings is replaced
  EXPECT_TRUE(Timings::load(file).find(machine, "first"));
  EXPECT_THROW(a.save(file / "below_a_file.json"), Error);
}

TEST(Timings, SavingForgetsOtherVersionsAndTheOldest) {
  const auto file = scratch_folder() / "timings.json";
  const std::string machine = Timings::machine("avx2", 1);
  constexpr int64_t kTooMany = 3;
  Timings timings;
  timings.put(machine + "9", "node", kConv);
  for (int64_t i = 0; i < static_cast<int64_t>(Timings::kMostNodes) + kTooMany; i++)
    timings.put(machine, std::to_string(i), {.kernel = "conv_u8", .measured = i});
  timings.save(file);
  const Timings kept = Timings::load(file);
  EXPECT_EQ(kept.find(machine + "9", "node"), nullptr);
  EXPECT_EQ(kept.find(machine, std::to_string(kTooMany - 1)), nullptr);
  EXPECT_NE(kept.find(machine, std::to_string(kTooMany)), nullptr);
}

TEST(Timings, WhatIsNoFileIsEmpty) {
  EXPECT_TRUE(Timings::load({}).empty());
  EXPECT_TRUE(Timings::load(testing::TempDir()).empty());
  EXPECT_TRUE(Timings::load("/dev/zero").empty());
}

TEST(Timings, NamesNeedNotBeText) {
  Timings timings;
  timings.put("machine", "note=\xff\xfe", kConv);
  timings.put("machine", "node", kConv);
  EXPECT_TRUE(Timings::parse(timings.text()).find("machine", "node"));
}

TEST(Timings, FileFollowsTheEnvironment) {
  const char* before = std::getenv("TENFOLD_TIMINGS");
  const std::string kept = before ? before : "";
  setenv("TENFOLD_TIMINGS", "/somewhere/t.json", 1);
  EXPECT_EQ(timings_file(), "/somewhere/t.json");
  setenv("TENFOLD_TIMINGS", "", 1);
  EXPECT_TRUE(timings_file().empty());
  unsetenv("TENFOLD_TIMINGS");
  setenv("XDG_CACHE_HOME", "/cache", 1);
  EXPECT_EQ(timings_file(), "/cache/tenfold/timings.json");
  unsetenv("XDG_CACHE_HOME");
  if (before) setenv("TENFOLD_TIMINGS", kept.c_str(), 1);
}

}  // namespace
}  // namespace tenfold::plan
