#include "onnx/rules.hpp"

#include <algorithm>
#include <tuple>
#include <vector>

namespace tenfold::onnx {
namespace {

auto key(const Rule& r) { return std::tie(r.domain, r.op, r.up_to); }

const std::vector<Rule>& table() {
  static const std::vector<Rule> rules = [] {
    std::vector<Rule> all;
    for (const auto family : {constant_rules(), shape_rules(), nn_rules(), quant_rules(), qlinear_rules(),
                              attention_rules(), contrib_rules()})
      all.insert(all.end(), family.begin(), family.end());
    std::sort(all.begin(), all.end(), [](const Rule& a, const Rule& b) { return key(a) < key(b); });
    return all;
  }();
  return rules;
}

}  // namespace

const Rule* find_rule(std::string_view domain, std::string_view op, int64_t opset) {
  const Rule wanted{op, opset, nullptr, domain};
  const auto& rules = table();
  const auto it = std::lower_bound(rules.begin(), rules.end(), wanted,
                                   [](const Rule& a, const Rule& b) { return key(a) < key(b); });
  return it != rules.end() && it->domain == domain && it->op == op ? &*it : nullptr;
}

}  // namespace tenfold::onnx
