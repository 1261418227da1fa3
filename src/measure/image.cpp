#include "measure/image.hpp"

#include <algorithm>
#include <cmath>

namespace tenfold::measure {

namespace {

/// Where one output coordinate reads: two neighbours and the weight of the second.
struct Tap {
  int64_t first, second;
  float weight;
};

std::vector<Tap> taps(int64_t in, int64_t out) {
  std::vector<Tap> result(static_cast<size_t>(out));
  const double step = static_cast<double>(in) / static_cast<double>(out);
  for (int64_t i = 0; i < out; i++) {
    const double at = (static_cast<double>(i) + 0.5) * step - 0.5;
    const double floor = std::floor(at);
    const auto first = static_cast<int64_t>(floor);
    result[static_cast<size_t>(i)] = {std::clamp<int64_t>(first, 0, in - 1),
                                      std::clamp<int64_t>(first + 1, 0, in - 1),
                                      static_cast<float>(at - floor)};
  }
  return result;
}

/// The part of the target that the picture covers, from pixel (y, x) of `image` on.
struct Placed {
  Image image;
  int64_t y = 0, x = 0;
};

/// A long thin picture whose shorter side is enlarged may need any amount of memory.
Image resized(const Image& image, int64_t height, int64_t width, const std::filesystem::path& file) {
  if (height > kMaxPixels / width)
    fail(ErrorCode::data,
         "{}: a picture of {} x {} pixels would be resized to {} x {}, which is too large (at most 64 "
         "megapixels)",
         file.string(), image.width, image.height, width, height);
  return resize_bilinear(image, height, width);
}

Placed place_image(const Image& image, const ImageInput& in, const std::filesystem::path& file) {
  switch (in.mode) {
    case ImageInput::Mode::stretch:
      return {resize_bilinear(image, in.height, in.width)};
    case ImageInput::Mode::keep_ratio_pad: {
      const double ratio = static_cast<double>(image.width) / static_cast<double>(image.height);
      const auto width = static_cast<int64_t>(std::ceil(static_cast<double>(in.height) * ratio));
      return {resize_bilinear(image, in.height, std::clamp<int64_t>(width, 1, in.width))};
    }
    case ImageInput::Mode::center_crop:
      break;
  }
  Placed placed{image};
  if (in.resize) {
    // The longer side is rounded down, as torchvision does.
    const int64_t shorter = std::min(image.height, image.width);
    const auto scaled = [&](int64_t side) {
      return side == shorter ? *in.resize : *in.resize * side / shorter;
    };
    placed.image = resized(image, scaled(image.height), scaled(image.width), file);
  }
  // A picture smaller than the cut is enlarged to it rather than padded.
  if (placed.image.height < in.height || placed.image.width < in.width) {
    const double grow = std::max(static_cast<double>(in.height) / static_cast<double>(placed.image.height),
                                 static_cast<double>(in.width) / static_cast<double>(placed.image.width));
    const auto grown = [&](int64_t side, int64_t least) {
      return std::max(least, static_cast<int64_t>(std::lround(static_cast<double>(side) * grow)));
    };
    placed.image = resized(placed.image, grown(placed.image.height, in.height),
                           grown(placed.image.width, in.width), file);
  }
  placed.y = (placed.image.height - in.height) / 2;
  placed.x = (placed.image.width - in.width) / 2;
  return placed;
}

}  // namespace

Image resize_bilinear(const Image& image, int64_t height, int64_t width) {
  if (image.height == height && image.width == width) return image;
  Image out{height, width, std::vector<uint8_t>(static_cast<size_t>(height * width * 3))};
  const auto ys = taps(image.height, height), xs = taps(image.width, width);
  for (int64_t y = 0; y < height; y++) {
    const Tap ty = ys[static_cast<size_t>(y)];
    const uint8_t* top = image.pixels.data() + ty.first * image.width * 3;
    const uint8_t* bottom = image.pixels.data() + ty.second * image.width * 3;
    uint8_t* row = out.pixels.data() + y * width * 3;
    for (int64_t x = 0; x < width; x++) {
      const Tap tx = xs[static_cast<size_t>(x)];
      for (int64_t c = 0; c < 3; c++) {
        const float a = top[tx.first * 3 + c], b = top[tx.second * 3 + c];
        const float d = bottom[tx.first * 3 + c], e = bottom[tx.second * 3 + c];
        const float upper = a + (b - a) * tx.weight, lower = d + (e - d) * tx.weight;
        row[x * 3 + c] = static_cast<uint8_t>(std::lrint(upper + (lower - upper) * ty.weight));
      }
    }
  }
  return out;
}

Tensor to_tensor(const Image& image, const ImageInput& in, const std::filesystem::path& file) {
  const Placed placed = place_image(image, in, file);
  const int64_t rows = std::min(in.height, placed.image.height),
                columns = std::min(in.width, placed.image.width);
  Tensor t(DType::f32,
           in.channels_last ? Shape{1, in.height, in.width, 3} : Shape{1, 3, in.height, in.width});
  float* out = t.mutable_data<float>();
  const int64_t pixel = in.channels_last ? 3 : 1, plane = in.channels_last ? 1 : in.height * in.width;
  for (int64_t i = 0; i < in.height * in.width; i++)
    for (size_t c = 0; c < 3; c++)
      out[i * pixel + static_cast<int64_t>(c) * plane] = (in.pad_value - in.mean[c]) * in.scale[c];
  for (int64_t y = 0; y < rows; y++) {
    const uint8_t* row = placed.image.pixels.data() + ((placed.y + y) * placed.image.width + placed.x) * 3;
    for (int64_t x = 0; x < columns; x++)
      for (int64_t c = 0; c < 3; c++) {
        const auto channel = static_cast<size_t>(c);
        out[(y * in.width + x) * pixel + c * plane] = (row[x * 3 + c] - in.mean[channel]) * in.scale[channel];
      }
  }
  return t;
}

}  // namespace tenfold::measure
