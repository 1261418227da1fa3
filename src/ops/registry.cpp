// The table of operators, expanded from all_ops.inc.
#include <algorithm>
#include <array>
#include <string_view>

#include "ops/op.hpp"

namespace tenfold::ops {

#define TENFOLD_OP(symbol) extern const OpDef op_##symbol;
#include "ops/all_ops.inc"
#undef TENFOLD_OP

namespace {
#define TENFOLD_OP(symbol) &op_##symbol,
const OpDef* const kOps[] = {
#include "ops/all_ops.inc"
    nullptr};
#undef TENFOLD_OP
constexpr size_t kCount = sizeof(kOps) / sizeof(kOps[0]) - 1;
}  // namespace

std::span<const OpDef* const> all() { return {kOps, kCount}; }

const OpDef* find(std::string_view name) {
  static const auto sorted = [] {
    std::vector<const OpDef*> v(kOps, kOps + kCount);
    std::sort(v.begin(), v.end(), [](auto* a, auto* b) { return std::string_view(a->name) < b->name; });
    return v;
  }();
  const auto it = std::lower_bound(sorted.begin(), sorted.end(), name,
                                   [](auto* op, std::string_view n) { return op->name < n; });
  return it != sorted.end() && (*it)->name == name ? *it : nullptr;
}

}  // namespace tenfold::ops
