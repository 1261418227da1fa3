// Damaged models: whatever the bytes, the importer answers with a graph that verifies or with a typed error.
#include <gtest/gtest.h>

#include <random>

#include "onnx/small_models.hpp"

namespace tenfold {
namespace {

/// A fifth of the bytes of a model are structure, so random positions hit it often.
void mutate(std::string& bytes, std::mt19937& random) {
  const auto position = [&] { return std::uniform_int_distribution<size_t>(0, bytes.size() - 1)(random); };
  for (int edits = 1 + static_cast<int>(random() % 4); edits > 0 && !bytes.empty(); edits--) {
    const size_t at = position();
    switch (random() % 6) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ 1 << random() % 8);
        break;
      case 1:
        bytes[at] = static_cast<char>(random());
        break;
      case 2:
        bytes[at] = static_cast<char>(0xff);
        break;
      case 3:
        bytes.erase(at, 1 + random() % 8);
        break;
      case 4:
        bytes.insert(at, 1 + random() % 8, static_cast<char>(random()));
        break;
      default: {  // repeats a piece: duplicate fields, nodes, names
        const std::string piece = bytes.substr(at, 1 + random() % 64);
        bytes.insert(position(), piece);
      }
    }
  }
}

void expect_handled(const std::string& bytes, const std::string& what) {
  try {
    const ir::Graph graph = onnx::load(std::as_bytes(std::span(bytes)), nullptr);
    ir::verify(graph);
  } catch (const Error& e) {
    EXPECT_NE(e.code(), ErrorCode::internal) << what << ": " << e.what();
  }
}

TEST(Mutation, EveryTruncation) {
  for (const auto& [name, model] : test::small_models())
    for (size_t n = 0; n < model.size(); n++)
      expect_handled(model.substr(0, n), fmt::format("{} cut at {}", name, n));
}

TEST(Mutation, TwentyThousandEdits) {
  std::mt19937 random(20240607);
  const auto models = test::small_models();
  for (int i = 0; i < 20'000; i++) {
    const auto& [name, model] = models[static_cast<size_t>(i) % models.size()];
    std::string bytes = model;
    mutate(bytes, random);
    expect_handled(bytes, fmt::format("{} edit {}", name, i));
  }
}

}  // namespace
}  // namespace tenfold
