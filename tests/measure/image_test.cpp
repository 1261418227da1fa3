#include "measure/image.hpp"

#include <gtest/gtest.h>
#include <cstdio>

#include <jpeglib.h>
#include <png.h>

#include "support/temporary_folder.hpp"

namespace tenfold::measure {
namespace {

Image gradient(int64_t height, int64_t width) {
  Image image{height, width, {}};
  for (int64_t y = 0; y < height; y++)
    for (int64_t x = 0; x < width; x++)
      for (int64_t c : {x * 4, y * 4, int64_t{128}}) image.pixels.push_back(static_cast<uint8_t>(c));
  return image;
}

std::string encode_png(const Image& image) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(image.width);
  png.height = static_cast<png_uint_32>(image.height);
  png.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = 0;
  png_image_write_to_memory(&png, nullptr, &size, 0, image.pixels.data(), 0, nullptr);
  std::string bytes(size, '\0');
  png_image_write_to_memory(&png, bytes.data(), &size, 0, image.pixels.data(), 0, nullptr);
  bytes.resize(size);
  return bytes;
}

std::string encode_jpeg(const Image& image) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = static_cast<JDIMENSION>(image.width);
  info.image_height = static_cast<JDIMENSION>(image.height);
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 100, TRUE);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<uint8_t*>(image.pixels.data()) + info.next_scanline * image.width * 3;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string result(reinterpret_cast<char*>(bytes), size);
  std::free(bytes);
  return result;
}

ErrorCode code_of(const std::filesystem::path& file) {
  try {
    read_image(file, ColorOrder::rgb);
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find(file.filename().string()), std::string::npos) << e.what();
    return e.code();
  }
  ADD_FAILURE() << file << " was read";
  return ErrorCode::internal;
}

TEST(Image, PngIsExactInBothOrders) {
  const test::TemporaryFolder folder;
  const Image image = gradient(5, 7);
  const auto file = folder.write("a.png", encode_png(image));
  const Image rgb = read_image(file, ColorOrder::rgb), bgr = read_image(file, ColorOrder::bgr);
  EXPECT_EQ(rgb.pixels, image.pixels);
  EXPECT_EQ(bgr.height, 5);
  EXPECT_EQ(bgr.width, 7);
  EXPECT_EQ(bgr.pixels[0], image.pixels[2]);
  EXPECT_EQ(bgr.pixels[2], image.pixels[0]);
}

TEST(Image, JpegIsClose) {
  const test::TemporaryFolder folder;
  const Image image = gradient(16, 24);
  const Image read = read_image(folder.write("a.jpg", encode_jpeg(image)), ColorOrder::rgb);
  ASSERT_EQ(read.pixels.size(), image.pixels.size());
  for (size_t i = 0; i < read.pixels.size(); i++) EXPECT_NEAR(read.pixels[i], image.pixels[i], 8);
}

TEST(Image, DamagedFilesAreNamed) {
  const test::TemporaryFolder folder;
  const std::string png = encode_png(gradient(40, 40)), jpeg = encode_jpeg(gradient(40, 40));
  EXPECT_EQ(code_of(folder.path() / "absent.png"), ErrorCode::not_found);
  EXPECT_EQ(code_of(folder.write("empty.png", "")), ErrorCode::data);
  EXPECT_EQ(code_of(folder.write("text.png", "hello, world")), ErrorCode::data);
  for (size_t keep : {4ul, 20ul, 60ul, png.size() / 2})
    EXPECT_EQ(code_of(folder.write("cut.png", png.substr(0, keep))), ErrorCode::data) << keep;
  for (size_t keep : {2ul, 20ul, 200ul, jpeg.size() / 2, jpeg.size() - 2})
    EXPECT_EQ(code_of(folder.write("cut.jpg", jpeg.substr(0, keep))), ErrorCode::data) << keep;
}

TEST(Image, HugeSizesAreRefusedBeforeAllocation) {
  const test::TemporaryFolder folder;
  std::string jpeg = encode_jpeg(gradient(16, 16));
  const size_t frame = jpeg.find("\xff\xc0");
  ASSERT_NE(frame, std::string::npos);
  for (size_t i = 5; i < 9; i++) jpeg[frame + i] = '\xfd';
  EXPECT_EQ(code_of(folder.write("huge.jpg", jpeg)), ErrorCode::data);
}

TEST(Image, ResizeMatchesOpenCv) {
  // cv2.resize of [0, 40, 80, 120] (one row) to 8 and to 2 pixels.
  Image row{1, 4, {}};
  for (int v : {0, 40, 80, 120}) row.pixels.insert(row.pixels.end(), 3, static_cast<uint8_t>(v));
  const auto first_channel = [](const Image& i) {
    std::vector<int> v;
    for (size_t x = 0; x < i.pixels.size(); x += 3) v.push_back(i.pixels[x]);
    return v;
  };
  EXPECT_EQ(first_channel(resize_bilinear(row, 1, 8)), (std::vector<int>{0, 10, 30, 50, 70, 90, 110, 120}));
  EXPECT_EQ(first_channel(resize_bilinear(row, 1, 2)), (std::vector<int>{20, 100}));
  EXPECT_EQ(first_channel(resize_bilinear(row, 1, 4)), (std::vector<int>{0, 40, 80, 120}));
  EXPECT_EQ(first_channel(resize_bilinear(row, 1, 1)), (std::vector<int>{60}));
}

TEST(Image, ToTensorModes) {
  const Image image = gradient(8, 16);
  ImageInput in;
  in.height = 4;
  in.width = 4;
  in.mode = ImageInput::Mode::center_crop;
  in.mean = {0, 0, 128};
  in.scale = {1, 1, 0.5f};
  const Tensor crop = to_tensor(image, in);
  EXPECT_EQ(crop.shape(), (Shape{1, 3, 4, 4}));
  EXPECT_EQ(crop.data<float>()[0], 6 * 4);   // column 6
  EXPECT_EQ(crop.data<float>()[16], 2 * 4);  // row 2
  EXPECT_EQ(crop.data<float>()[32], 0);
  in.resize = 4;
  EXPECT_EQ(to_tensor(image, in).data<float>()[0], 2 * 8 + 2);  // every second column, from 2 on
  in.resize.reset();
  in.mode = ImageInput::Mode::keep_ratio_pad;
  in.height = 8;
  in.width = 20;
  in.pad_value = 4;
  in.mean = {11, 0, 128};
  in.channels_last = true;
  const Tensor padded = to_tensor(image, in);
  EXPECT_EQ(padded.shape(), (Shape{1, 8, 20, 3}));
  EXPECT_EQ(padded.data<float>()[15 * 3], 60 - 11);
  EXPECT_EQ(padded.data<float>()[16 * 3], -7);
  in.width = 10;  // a line too long is squeezed
  EXPECT_NE(to_tensor(image, in).data<float>()[9 * 3], -7);
  in.mode = ImageInput::Mode::stretch;
  EXPECT_EQ(to_tensor(image, in).shape(), (Shape{1, 8, 10, 3}));
  in.mode = ImageInput::Mode::center_crop;  // larger than the picture: enlarged
  in.height = 32;
  in.width = 32;
  EXPECT_EQ(to_tensor(image, in).shape(), (Shape{1, 32, 32, 3}));
}

TEST(Image, AThinPictureIsNotEnlargedWithoutBounds) {
  const Image thin = gradient(1, 100000);
  ImageInput in;
  in.height = in.width = 16;
  in.mode = ImageInput::Mode::center_crop;
  for (const std::optional<int64_t> resize : {std::optional<int64_t>(256), std::optional<int64_t>(65536)}) {
    in.resize = resize;
    try {
      to_tensor(thin, in, "thin.png");
      FAIL();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::data);
      EXPECT_TRUE(std::string_view(e.what()).starts_with("thin.png: a picture of 100000 x 1")) << e.what();
    }
  }
  in.resize.reset();  // 1,600,000 x 16
  EXPECT_EQ(to_tensor(thin, in).shape(), (Shape{1, 3, 16, 16}));
}

}  // namespace
}  // namespace tenfold::measure
