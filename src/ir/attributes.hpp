// Attributes of a node: a small sorted list of named values.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tensor/tensor.hpp"

namespace tenfold::ir {

using Attribute = std::variant<int64_t, float, std::string, std::vector<int64_t>, std::vector<float>,
                               std::vector<std::string>, Tensor>;

/// Named values of a node.  A getter with a default returns it where the name is absent; a present attribute
/// of another type is an invalid_model error that names the attribute.
class Attributes {
 public:
  Attributes() = default;
  Attributes(std::initializer_list<std::pair<std::string, Attribute>> items) {
    for (auto& [name, value] : items) set(name, value);
  }

  const Attribute* find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  void set(std::string_view name, Attribute value);
  void erase(std::string_view name);

  int64_t get_int(std::string_view name, int64_t fallback) const;
  float get_float(std::string_view name, float fallback) const;
  std::string get_string(std::string_view name, std::string_view fallback) const;
  std::vector<int64_t> get_ints(std::string_view name, std::vector<int64_t> fallback = {}) const;
  std::vector<float> get_floats(std::string_view name) const;
  /// The tensor attribute, or nullptr.
  const Tensor* get_tensor(std::string_view name) const;

  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }
  size_t size() const { return items_.size(); }
  /// Same names, types and values (tensors by bytes): what common-subexpression elimination asks.
  bool operator==(const Attributes& other) const;

 private:
  std::vector<std::pair<std::string, Attribute>> items_;  // sorted by name
};

}  // namespace tenfold::ir
