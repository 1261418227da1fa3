// The equation of an Einsum.
#pragma once

#include "ops/op.hpp"

namespace tenfold::ops {

struct EinsumEquation {
  static constexpr int kMaxOperands = 4;
  /// Labels of one term, an axis each: letters, and '0' to '7' for the axes of an ellipsis, outermost first.
  struct Term {
    std::array<char, kMaxRank> label{};
    int rank = 0;

    std::string_view text() const { return {label.data(), static_cast<size_t>(rank)}; }
    void add(char ch) {
      if (rank == kMaxRank) fail(ErrorCode::unsupported, "Einsum: more than {} axes in a term", kMaxRank);
      label[static_cast<size_t>(rank++)] = ch;
    }
  };
  std::array<Term, kMaxOperands> in;
  Term out;
  int operands = 0;
};

/// Operands of these ranks.  Throws invalid_model, or unsupported where there are more operands or axes than
/// the engine takes.
EinsumEquation parse_einsum(std::string_view text, std::span<const int> ranks);

}  // namespace tenfold::ops
