#include "ir/attributes.hpp"

#include <algorithm>

namespace tenfold::ir {
namespace {

auto lower_bound(auto& items, std::string_view name) {
  return std::lower_bound(items.begin(), items.end(), name,
                          [](const auto& item, std::string_view n) { return item.first < n; });
}

template <class T>
const T* typed(const Attribute* a, std::string_view name) {
  if (!a) return nullptr;
  if (const T* value = std::get_if<T>(a)) return value;
  fail(ErrorCode::invalid_model, "attribute '{}' has the wrong type", name);
}

bool same_tensor(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || !(a.shape() == b.shape())) return false;
  if (a.dtype() == DType::string) return a.text() == b.text();
  return a.bytes() == 0 || std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

}  // namespace

const Attribute* Attributes::find(std::string_view name) const {
  const auto it = lower_bound(items_, name);
  return it != items_.end() && it->first == name ? &it->second : nullptr;
}

void Attributes::set(std::string_view name, Attribute value) {
  const auto it = lower_bound(items_, name);
  if (it != items_.end() && it->first == name)
    it->second = std::move(value);
  else
    items_.emplace(it, std::string(name), std::move(value));
}

void Attributes::erase(std::string_view name) {
  const auto it = lower_bound(items_, name);
  if (it != items_.end() && it->first == name) items_.erase(it);
}

int64_t Attributes::get_int(std::string_view name, int64_t fallback) const {
  const auto* v = typed<int64_t>(find(name), name);
  return v ? *v : fallback;
}
float Attributes::get_float(std::string_view name, float fallback) const {
  const auto* v = typed<float>(find(name), name);
  return v ? *v : fallback;
}
std::string Attributes::get_string(std::string_view name, std::string_view fallback) const {
  const auto* v = typed<std::string>(find(name), name);
  return v ? *v : std::string(fallback);
}
std::vector<int64_t> Attributes::get_ints(std::string_view name, std::vector<int64_t> fallback) const {
  const auto* v = typed<std::vector<int64_t>>(find(name), name);
  return v ? *v : std::move(fallback);
}
std::vector<float> Attributes::get_floats(std::string_view name) const {
  const auto* v = typed<std::vector<float>>(find(name), name);
  return v ? *v : std::vector<float>{};
}
const Tensor* Attributes::get_tensor(std::string_view name) const { return typed<Tensor>(find(name), name); }

bool Attributes::operator==(const Attributes& other) const {
  return std::equal(items_.begin(), items_.end(), other.items_.begin(), other.items_.end(),
                    [](const auto& a, const auto& b) {
                      if (a.first != b.first || a.second.index() != b.second.index()) return false;
                      if (const auto* t = std::get_if<Tensor>(&a.second))
                        return same_tensor(*t, std::get<Tensor>(b.second));
                      return std::visit(
                          [&](const auto& x) -> bool {
                            using T = std::decay_t<decltype(x)>;
                            if constexpr (std::is_same_v<T, Tensor>)
                              return false;
                            else
                              return x == std::get<T>(b.second);
                          },
                          a.second);
                    });
}

}  // namespace tenfold::ir
