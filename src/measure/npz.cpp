// Reads the zip archives that numpy.savez and savez_compressed write.  Goals: the members stored or deflated,
// with zip64 fields.  Non-goals: encryption, archives in parts, other compression methods.
#include <zlib.h>

#include "base/mapped_file.hpp"
#include "measure/npy.hpp"

namespace tenfold::measure {

namespace {

constexpr uint64_t kEndOfDirectory = 0x06054b50, kDirectoryEntry = 0x02014b50, kLocalHeader = 0x04034b50;
/// zlib cannot expand further than this (zlib.net/zlib_tech.html), so a larger claim is a lie.
constexpr uint64_t kMaxExpansion = 1032;
constexpr uint64_t kMaxMember = uint64_t{4} << 30;

class Zip {
 public:
  Zip(std::span<const std::byte> bytes, std::string name) : bytes_(bytes), name_(std::move(name)) {}

  std::map<std::string, Tensor> read() const {
    const size_t end = find_end();
    const uint64_t entries = number(end + 10, 2);
    uint64_t at = number(end + 16, 4);
    std::map<std::string, Tensor> arrays;
    for (uint64_t i = 0; i < entries; i++) {
      need(at, 46);
      if (number(at, 4) != kDirectoryEntry) damaged("the directory is not where it should be");
      const uint64_t name_length = number(at + 28, 2), extra = number(at + 30, 2),
                     comment = number(at + 32, 2);
      need(at + 46, name_length + extra + comment);
      std::string member(reinterpret_cast<const char*>(bytes_.data()) + at + 46, name_length);
      const std::string what = name_ + ": " + member;
      if (member.ends_with(".npy")) member.resize(member.size() - 4);
      arrays[member] = read_member(at, extra, what);
      at += 46 + name_length + extra + comment;
    }
    return arrays;
  }

 private:
  [[noreturn]] void damaged(std::string_view why) const {
    fail(ErrorCode::data, "{}: damaged .npz file: {}", name_, why);
  }
  void need(uint64_t at, uint64_t n) const {
    if (at > bytes_.size() || n > bytes_.size() - at) damaged("it is cut off");
  }
  uint64_t number(uint64_t at, size_t n) const {
    need(at, n);
    uint64_t v = 0;
    for (size_t i = n; i-- > 0;) v = v << 8 | std::to_integer<uint64_t>(bytes_[at + i]);
    return v;
  }

  /// The end record is the last 22 bytes, but for a comment of at most 64 KiB.
  size_t find_end() const {
    if (bytes_.size() < 22) damaged("it is cut off");
    const size_t last = bytes_.size() - 22, first = last > 0xffff ? last - 0xffff : 0;
    for (size_t at = last + 1; at-- > first;)
      if (number(at, 4) == kEndOfDirectory) return at;
    damaged("no directory");
  }

  /// Sizes that do not fit 32 bits stand in the zip64 extra field, in this order, only where marked.
  void read_zip64(uint64_t extra_at, uint64_t extra, uint64_t& size, uint64_t& packed,
                  uint64_t& offset) const {
    for (uint64_t at = extra_at; at + 4 <= extra_at + extra;) {
      const uint64_t tag = number(at, 2), length = number(at + 2, 2);
      uint64_t field = at + 4;
      const uint64_t end = field + length;
      for (uint64_t* value : {&size, &packed, &offset})
        if (tag == 1 && *value == 0xffffffff && field + 8 <= end) {
          *value = number(field, 8);
          field += 8;
        }
      at = end;
    }
  }

  Tensor read_member(uint64_t entry, uint64_t extra, const std::string& what) const {
    const uint64_t method = number(entry + 10, 2), flags = number(entry + 8, 2), crc = number(entry + 16, 4);
    uint64_t packed = number(entry + 20, 4), size = number(entry + 24, 4), offset = number(entry + 42, 4);
    read_zip64(entry + 46 + number(entry + 28, 2), extra, size, packed, offset);
    if (flags & 1) fail(ErrorCode::unsupported, "{}: encrypted", what);
    need(offset, 30);
    if (number(offset, 4) != kLocalHeader) damaged("a member is not where the directory says");
    const uint64_t data = offset + 30 + number(offset + 26, 2) + number(offset + 28, 2);
    need(data, packed);
    const auto content = bytes_.subspan(data, packed);
    if (method == 0) {
      check_crc(content, crc);
      return parse_npy(content, what);
    }
    if (method != 8)
      fail(ErrorCode::unsupported, "{}: compression method {}: save it with numpy.savez", what, method);
    if (size > kMaxMember || size / kMaxExpansion > packed) damaged("a member claims an impossible size");
    const std::vector<std::byte> plain = inflate_all(content, size);
    check_crc(plain, crc);
    return parse_npy(plain, what);
  }

  void check_crc(std::span<const std::byte> content, uint64_t crc) const {
    if (crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()) != crc)
      damaged("a checksum does not match");
  }

  std::vector<std::byte> inflate_all(std::span<const std::byte> packed, uint64_t size) const {
    std::vector<std::byte> plain(size);
    z_stream stream{};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) fail(ErrorCode::internal, "zlib cannot start");
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
    stream.next_out = reinterpret_cast<Bytef*>(plain.data());
    // avail_* count 32 bits; both sides are below 4 GiB + 1, so feed what fits.
    stream.avail_in = static_cast<uInt>(std::min<uint64_t>(packed.size(), 0xffffffff));
    stream.avail_out = static_cast<uInt>(std::min<uint64_t>(size, 0xffffffff));
    const int status = inflate(&stream, Z_FINISH);
    const bool complete = status == Z_STREAM_END && stream.total_out == size;
    inflateEnd(&stream);
    if (!complete) damaged("a member cannot be inflated");
    return plain;
  }

  std::span<const std::byte> bytes_;
  std::string name_;
};

}  // namespace

std::map<std::string, Tensor> read_npz(const std::filesystem::path& file) {
  const auto mapped = MappedFile::open(file);
  return Zip(mapped->bytes(), file.string()).read();
}

}  // namespace tenfold::measure
