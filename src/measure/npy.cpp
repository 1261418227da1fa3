#include "measure/npy.hpp"

#include <charconv>
#include <optional>

#include "base/mapped_file.hpp"
#include "base/math.hpp"

namespace tenfold::measure {

namespace {

constexpr std::pair<std::string_view, DType> kTypes[] = {
    {"<f4", DType::f32}, {"<f8", DType::f64}, {"<f2", DType::f16}, {"|u1", DType::u8},
    {"|i1", DType::s8},  {"<u2", DType::u16}, {"<i2", DType::s16}, {"<i4", DType::i32},
    {"<i8", DType::i64}, {"<u4", DType::u32}, {"<u8", DType::u64}, {"|b1", DType::boolean}};

/// What stands behind `'key':` in the header, which is the text of a Python dictionary.
std::optional<std::string_view> field(std::string_view header, std::string_view key) {
  const size_t at = header.find(fmt::format("'{}'", key));
  if (at == std::string_view::npos) return std::nullopt;
  const size_t colon = header.find(':', at);
  if (colon == std::string_view::npos) return std::nullopt;
  const size_t begin = header.find_first_not_of(" ", colon + 1);
  return begin == std::string_view::npos ? std::nullopt : std::optional(header.substr(begin));
}

/// "(1, 3, 224)" -> extents.
std::optional<Shape> parse_shape(std::string_view text) {
  if (!text.starts_with('(')) return std::nullopt;
  const size_t end = text.find(')');
  if (end == std::string_view::npos) return std::nullopt;
  Shape shape;
  for (size_t at = text.find_first_not_of(" ,", 1); at < end; at = text.find_first_not_of(" ,", at)) {
    int64_t extent = 0;
    const auto [stop, error] = std::from_chars(text.data() + at, text.data() + end, extent);
    if (error != std::errc() || extent < 0 || shape.rank() == 16) return std::nullopt;
    shape.push_back(extent);
    at = static_cast<size_t>(stop - text.data());
  }
  return shape;
}

uint64_t little(std::span<const std::byte> bytes, size_t at, size_t n) {
  uint64_t v = 0;
  for (size_t i = n; i-- > 0;) v = v << 8 | std::to_integer<uint64_t>(bytes[at + i]);
  return v;
}

}  // namespace

Tensor parse_npy(std::span<const std::byte> bytes, std::string_view what) {
  const auto damaged = [&](std::string_view why) {
    fail(ErrorCode::data, "{}: damaged .npy data: {}", what, why);
  };
  constexpr std::string_view kMagic = "\x93NUMPY";
  if (bytes.size() < 10 ||
      std::string_view(reinterpret_cast<const char*>(bytes.data()), kMagic.size()) != kMagic)
    damaged("it does not begin as such a file does");
  const auto version = std::to_integer<int>(bytes[6]);
  if (version < 1 || version > 3) fail(ErrorCode::unsupported, "{}: .npy format version {}", what, version);
  const size_t length_bytes = version == 1 ? 2 : 4, start = 8 + length_bytes;
  if (bytes.size() < start) damaged("the header is cut off");
  const uint64_t length = little(bytes, 8, length_bytes);
  if (length > bytes.size() - start) damaged("the header is cut off");
  const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + start, length);

  const auto descr = field(header, "descr"), order = field(header, "fortran_order"),
             extents = field(header, "shape");
  if (!descr || !order || !extents) damaged("the header lacks descr, fortran_order or shape");
  std::optional<DType> type;
  for (const auto& [code, t] : kTypes)
    if (descr->size() > 4 && descr->substr(1, 3) == code) type = t;
  if (!type)
    fail(ErrorCode::unsupported, "{}: arrays of type {} cannot be read", what,
         descr->substr(0, descr->find(',')));
  const auto shape = parse_shape(*extents);
  if (!shape) damaged("the shape cannot be read");
  if (order->starts_with("True") && shape->rank() > 1)
    fail(ErrorCode::unsupported, "{}: the array is in Fortran order: save it through numpy.ascontiguousarray",
         what);
  const auto payload = bytes.subspan(start + length);
  int64_t expected = 0;
  try {
    expected = checked_mul(checked_product(shape->dims()), static_cast<int64_t>(size_of(*type)));
  } catch (const Error&) {
    damaged("the shape is too large");
  }
  if (static_cast<uint64_t>(expected) != payload.size())
    damaged(fmt::format("{} bytes of data for shape {}", payload.size(), to_string(*shape)));
  Tensor tensor(*type, *shape);
  if (expected > 0) std::memcpy(tensor.mutable_raw(), payload.data(), payload.size());
  return tensor;
}

Tensor read_npy(const std::filesystem::path& file) {
  return parse_npy(MappedFile::open(file)->bytes(), file.string());
}

}  // namespace tenfold::measure
