// Pictures: decoding and the preprocessing that classification and text models share.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "tensor/tensor.hpp"

namespace tenfold::measure {

/// No picture has more, neither in its file nor resized.
inline constexpr int64_t kMaxPixels = int64_t{64} << 20;

enum class ColorOrder : uint8_t { rgb, bgr };

/// 8-bit pixels, [height][width][3].
struct Image {
  int64_t height = 0, width = 0;
  std::vector<uint8_t> pixels;
};

/// How a picture becomes an input tensor.
struct ImageInput {
  enum class Mode : uint8_t {
    stretch,         ///< resized to height x width
    center_crop,     ///< shorter side resized to `resize` (where given), then the middle is cut out
    keep_ratio_pad,  ///< resized to the full height, at most the full width; the rest on the right is
                     ///< pad_value
  };
  int64_t height = 0, width = 0;
  Mode mode = Mode::stretch;
  std::optional<int64_t> resize;
  ColorOrder color = ColorOrder::rgb;
  std::array<float, 3> mean{0, 0, 0}, scale{1, 1, 1};  ///< value = (pixel - mean) * scale, in channel order
  bool channels_last = false;
  float pad_value = 0;  ///< a pixel value, before mean and scale
};

/// Decodes a JPEG or PNG file.  Alpha is blended onto white.  Errors: not_found, io; data where the bytes are
/// neither, are damaged, or are larger than 64 megapixels, naming the file.
Image read_image(const std::filesystem::path& file, ColorOrder order);
/// Bilinear with half-pixel centres and no antialiasing, rounded to 8 bits: what OpenCV's resize does by
/// default.
Image resize_bilinear(const Image& image, int64_t height, int64_t width);
/// A tensor [1, 3, height, width] or [1, height, width, 3].  Throws Error(data), naming `file`, where the
/// picture has to be resized to more than kMaxPixels.
Tensor to_tensor(const Image& image, const ImageInput& input, const std::filesystem::path& file = {});

}  // namespace tenfold::measure
