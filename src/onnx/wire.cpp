#include "onnx/wire.hpp"

namespace tenfold::onnx {

using protozero::pbf_wire_type;

namespace {

/// The Unicode Standard, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto at = [&](size_t k) {
      return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0u;
    };
    const unsigned lead = at(0), second = at(1);
    const size_t more = lead < 0x80   ? 0
                        : lead < 0xc2 ? 4
                        : lead < 0xe0 ? 1
                        : lead < 0xf0 ? 2
                        : lead < 0xf5 ? 3
                                      : 4;
    if (more == 4) return false;
    for (size_t k = 1; k <= more; k++)
      if (at(k) >> 6 != 2) return false;
    const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
    const bool outside = (lead == 0xed && second > 0x9f) || (lead == 0xf4 && second > 0x8f);
    if (overlong || outside) return false;
    i += more + 1;
  }
  return true;
}

}  // namespace

std::string Place::describe() const {
  std::string text = outer ? outer->describe() + ", " : "";
  text += what;
  if (!name.empty()) return text + fmt::format(" '{}'", name.substr(0, 200));
  return index >= 0 ? text + fmt::format(" {}", index) : text;
}

template <class F>
auto Message::guarded(F&& f) -> decltype(f()) {
  try {
    return f();
  } catch (const protozero::end_of_buffer_exception&) {
    place_.fail("the data ends in the middle of a field (truncated file?)");
  } catch (const protozero::exception& e) {
    place_.fail("malformed protobuf ({})", e.what());
  }
}

void Message::expect(pbf_wire_type type) {
  if (reader_.wire_type() != type)
    place_.fail("field {} has wire type {} instead of {}", reader_.tag(),
                static_cast<uint32_t>(reader_.wire_type()), static_cast<uint32_t>(type));
}

bool Message::next() {
  return guarded([&] { return reader_.next(); });
}

void Message::skip() {
  guarded([&] { reader_.skip(); });
}

int64_t Message::integer() {
  expect(pbf_wire_type::varint);
  return guarded([&] { return reader_.get_int64(); });
}

int64_t Message::integer(int64_t low, int64_t high) {
  const uint32_t field = reader_.tag();
  const int64_t value = integer();
  if (value < low || value > high) place_.fail("field {} is {}, outside [{}, {}]", field, value, low, high);
  return value;
}

float Message::number() {
  expect(pbf_wire_type::fixed32);
  return guarded([&] { return reader_.get_float(); });
}

std::string_view Message::bytes() {
  expect(pbf_wire_type::length_delimited);
  return guarded([&] {
    const protozero::data_view view = reader_.get_view();
    return std::string_view(view.data(), view.size());
  });
}

std::string_view Message::text() {
  const uint32_t field = reader_.tag();
  const std::string_view value = bytes();
  if (!is_utf8(value)) place_.fail("field {} should be text, but is not UTF-8", field);
  return value;
}

void Message::append(std::vector<int64_t>& out) {
  if (reader_.wire_type() != pbf_wire_type::length_delimited) return out.push_back(integer());
  guarded([&] {
    for (const int64_t v : reader_.get_packed_int64()) out.push_back(v);
  });
}

void Message::append(std::vector<float>& out) {
  if (reader_.wire_type() != pbf_wire_type::length_delimited) return out.push_back(number());
  guarded([&] {
    for (const float v : reader_.get_packed_float()) out.push_back(v);
  });
}

void Message::append(std::vector<double>& out) {
  if (reader_.wire_type() == pbf_wire_type::length_delimited) {
    guarded([&] {
      for (const double v : reader_.get_packed_double()) out.push_back(v);
    });
    return;
  }
  expect(pbf_wire_type::fixed64);
  guarded([&] { out.push_back(reader_.get_double()); });
}

}  // namespace tenfold::onnx
