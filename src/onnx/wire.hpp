// Protobuf messages read with every length, wire type and repeat checked.
//
// Goals: never read outside the message, never allocate more than a small multiple of the bytes present, say
// where in the model the damage is.  Non-goals: proto2 groups, extensions, unknown fields (skipped).
#pragma once

#include <protozero/pbf_reader.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace tenfold::onnx {

/// Where in the model the reader is: a list on the stack, formatted only when something is wrong.
struct Place {
  const Place* outer;
  const char* what;         ///< "node", "initializer", ...
  int64_t index = -1;       ///< which of a repeated field, or -1
  std::string_view name{};  ///< set as soon as it has been read

  std::string describe() const;
  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw Error(ErrorCode::invalid_model,
                describe() + ": " + fmt::format(format, std::forward<Args>(args)...));
  }
};

/// One protobuf message.  Use: while (m.next()) switch (m.tag()) { case 1: x = m.integer(); break; default:
/// m.skip(); }
class Message {
 public:
  Message(std::string_view bytes, const Place& place) : reader_(bytes.data(), bytes.size()), place_(place) {}

  bool next();
  uint32_t tag() const { return reader_.tag(); }
  void skip();
  int64_t integer();
  /// An int64 field that must lie in [low, high].
  int64_t integer(int64_t low, int64_t high);
  float number();
  std::string_view bytes();
  /// As bytes(), of a field that ONNX declares as text: fails where it is not UTF-8.
  std::string_view text();
  /// Appends one element, or all of a packed field.
  void append(std::vector<int64_t>& out);
  void append(std::vector<float>& out);
  void append(std::vector<double>& out);

 private:
  void expect(protozero::pbf_wire_type type);
  template <class F>
  auto guarded(F&& f) -> decltype(f());
  protozero::pbf_reader reader_;
  const Place& place_;
};

}  // namespace tenfold::onnx
