// JPEG through libjpeg, PNG through libpng.  Files are untrusted: sizes are checked before anything is
// allocated.
#include <csetjmp>
#include <cstdio>  // jpeglib.h needs FILE

#include <jpeglib.h>
#include <png.h>

#include "base/mapped_file.hpp"
#include "measure/image.hpp"

namespace tenfold::measure {

namespace {

std::vector<uint8_t> allocate(int64_t height, int64_t width, const std::filesystem::path& file) {
  if (height <= 0 || width <= 0 || height > kMaxPixels / width)
    fail(ErrorCode::data, "{}: a picture of {} x {} pixels is too large (at most 64 megapixels)",
         file.string(), width, height);
  return std::vector<uint8_t>(static_cast<size_t>(height * width * 3));
}

/// libjpeg reports errors by calling error_exit, which must not return: it jumps back to where decoding
/// began.
struct JpegErrors {
  jpeg_error_mgr base;
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX] = "";
};

[[noreturn]] void jpeg_fatal(j_common_ptr info) {
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  info->err->format_message(info, errors->message);
  std::longjmp(errors->back, 1);
}
/// Warnings: libjpeg fills what is missing in a truncated file with grey and goes on; for us that file is
/// damaged.
void jpeg_message(j_common_ptr info, int level) {
  if (level < 0) jpeg_fatal(info);
}
void jpeg_silent(j_common_ptr) {}

/// Everything with a destructor lives in the caller, so that longjmp skips none.
struct JpegDecoder {
  jpeg_decompress_struct info{};
  JpegErrors errors{};
  JpegDecoder() {
    info.err = jpeg_std_error(&errors.base);
    errors.base.error_exit = jpeg_fatal;
    errors.base.emit_message = jpeg_message;
    errors.base.output_message = jpeg_silent;
  }
  ~JpegDecoder() { jpeg_destroy_decompress(&info); }

  bool read_header(std::span<const uint8_t> bytes, ColorOrder order) {
    if (setjmp(errors.back)) return false;
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, bytes.data(), bytes.size());
    jpeg_read_header(&info, TRUE);
    info.out_color_space = order == ColorOrder::rgb ? JCS_EXT_RGB : JCS_EXT_BGR;
    jpeg_calc_output_dimensions(&info);
    return true;
  }
  bool read_pixels(uint8_t* pixels) {
    if (setjmp(errors.back)) return false;
    jpeg_start_decompress(&info);
    const size_t row_bytes = size_t{info.output_width} * 3;
    while (info.output_scanline < info.output_height) {
      JSAMPROW row = pixels + info.output_scanline * row_bytes;
      jpeg_read_scanlines(&info, &row, 1);
    }
    jpeg_finish_decompress(&info);
    return true;
  }
};

Image read_jpeg(std::span<const uint8_t> bytes, ColorOrder order, const std::filesystem::path& file) {
  JpegDecoder decoder;
  const auto damaged = [&] {
    fail(ErrorCode::data, "{}: damaged JPEG: {}", file.string(), decoder.errors.message);
  };
  if (!decoder.read_header(bytes, order)) damaged();
  Image image{decoder.info.output_height, decoder.info.output_width, {}};
  image.pixels = allocate(image.height, image.width, file);
  if (!decoder.read_pixels(image.pixels.data())) damaged();
  return image;
}

Image read_png(std::span<const uint8_t> bytes, ColorOrder order, const std::filesystem::path& file) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  const auto damaged = [&] {
    const std::string message = png.message;
    png_image_free(&png);
    fail(ErrorCode::data, "{}: damaged PNG: {}", file.string(), message);
  };
  if (!png_image_begin_read_from_memory(&png, bytes.data(), bytes.size())) damaged();
  png.format = order == ColorOrder::rgb ? PNG_FORMAT_RGB : PNG_FORMAT_BGR;
  Image image{png.height, png.width, {}};
  try {
    image.pixels = allocate(image.height, image.width, file);
  } catch (...) {
    png_image_free(&png);
    throw;
  }
  const png_color white{255, 255, 255};
  if (!png_image_finish_read(&png, &white, image.pixels.data(), 0, nullptr)) damaged();
  if (png.warning_or_error != 0) damaged();
  return image;
}

}  // namespace

Image read_image(const std::filesystem::path& file, ColorOrder order) {
  const auto mapped = MappedFile::open(file);
  const std::span bytes(reinterpret_cast<const uint8_t*>(mapped->bytes().data()), mapped->bytes().size());
  constexpr uint8_t kJpeg[] = {0xFF, 0xD8}, kPng[] = {0x89, 'P', 'N', 'G'};
  const auto starts = [&](std::span<const uint8_t> magic) {
    return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
  };
  if (starts(kJpeg)) return read_jpeg(bytes, order, file);
  if (starts(kPng)) return read_png(bytes, order, file);
  fail(ErrorCode::data, "{}: neither a JPEG nor a PNG file", file.string());
}

}  // namespace tenfold::measure
