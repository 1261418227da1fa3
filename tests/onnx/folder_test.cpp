// Every model file under a folder that the environment names: loads, or fails with a typed error.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <vector>

#include "onnx/onnx.hpp"

namespace tenfold {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> models_under(const char* folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".onnx") found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

TEST(Folder, EveryModelLoadsOrSaysWhyNot) {
  const char* folder = std::getenv("TENFOLD_TEST_MODELS");
  if (!folder) GTEST_SKIP() << "set TENFOLD_TEST_MODELS to a folder of .onnx files to run this test";
  std::map<std::string, int> outcomes;
  for (const fs::path& path : models_under(folder)) {
    try {
      const ir::Graph graph = onnx::load(path);
      ir::verify(graph);
      outcomes["loaded"]++;
    } catch (const Error& e) {
      EXPECT_NE(e.code(), ErrorCode::internal) << e.what();
      outcomes[std::string(to_string(e.code()))]++;
      if (std::getenv("TENFOLD_TEST_VERBOSE")) fmt::print("{}\n", e.what());
    }
  }
  for (const auto& [outcome, count] : outcomes) RecordProperty(outcome, count);
  for (const auto& [outcome, count] : outcomes) fmt::print("{}: {}\n", outcome, count);
}

}  // namespace
}  // namespace tenfold
