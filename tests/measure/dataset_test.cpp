#include "measure/dataset.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include "measure/npy.hpp"
#include "support/temporary_folder.hpp"

namespace tenfold::measure {
namespace {

/// The bytes numpy.save writes.
std::string npy(const std::string& descr, const std::string& shape, std::string_view data,
                const char* order = "False") {
  std::string header = "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }";
  while ((header.size() + 11) % 64 != 0) header += ' ';
  header += '\n';
  std::string bytes = std::string("\x93NUMPY\x01", 7) + '\0';
  bytes += static_cast<char>(header.size() & 255);
  bytes += static_cast<char>(header.size() >> 8);
  return bytes + header + std::string(data);
}
template <class T>
std::string raw(std::initializer_list<T> values) {
  return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T)};
}
std::string little(uint64_t v, int n) {
  std::string s;
  for (int i = 0; i < n; i++) s += static_cast<char>(v >> (8 * i) & 255);
  return s;
}

std::string deflated(const std::string& plain) {
  std::string out(plain.size() + 100, '\0');
  z_stream s{};
  deflateInit2(&s, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  s.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  s.avail_in = static_cast<uInt>(plain.size());
  s.next_out = reinterpret_cast<Bytef*>(out.data());
  s.avail_out = static_cast<uInt>(out.size());
  deflate(&s, Z_FINISH);
  out.resize(s.total_out);
  deflateEnd(&s);
  return out;
}

/// A zip as numpy.savez (zip64 local headers) or savez_compressed writes it.
std::string npz(std::initializer_list<std::pair<std::string, std::string>> members, bool compress) {
  std::string bytes, directory;
  for (const auto& [name, plain] : members) {
    const std::string packed = compress ? deflated(plain) : plain, file = name + ".npy";
    const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(plain.data()), plain.size());
    const std::string common = little(0, 2) + little(compress ? 8 : 0, 2) + little(0, 4) + little(crc, 4);
    const std::string zip64 =
        little(1, 2) + little(16, 2) + little(plain.size(), 8) + little(packed.size(), 8);
    directory += little(0x02014b50, 4) + little(45, 2) + little(45, 2) + common + little(packed.size(), 4) +
                 little(plain.size(), 4) + little(file.size(), 2) + little(0, 2) + little(0, 2) +
                 little(0, 8) + little(bytes.size(), 4) + file;
    bytes += little(0x04034b50, 4) + little(45, 2) + common + little(0xffffffff, 4) + little(0xffffffff, 4) +
             little(file.size(), 2) + little(zip64.size(), 2) + file + zip64 + packed;
  }
  return bytes + directory + little(0x06054b50, 4) + little(0, 4) + little(members.size(), 2) +
         little(members.size(), 2) + little(directory.size(), 4) + little(bytes.size(), 4) + little(0, 2);
}

template <class F>
ErrorCode code_of(F&& f, std::string_view part = "") {
  try {
    f();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    return e.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::internal;
}

std::span<const std::byte> bytes_of(const std::string& s) {
  return std::as_bytes(std::span(s.data(), s.size()));
}

TEST(Npy, ReadsTypesAndShapes) {
  const std::string matrix = npy("<f4", "(2, 1)", raw<float>({1.5f, -2.0f}));
  const Tensor t = parse_npy(bytes_of(matrix), "m");
  EXPECT_EQ(t.shape(), (Shape{2, 1}));
  EXPECT_EQ(t.data<float>()[1], -2.0f);
  EXPECT_EQ(parse_npy(bytes_of(npy("<i8", "()", raw<int64_t>({7}))), "s").at_int(0), 7);
  EXPECT_EQ(parse_npy(bytes_of(npy("|u1", "(3,)", "abc")), "v").shape(), (Shape{3}));
  EXPECT_EQ(parse_npy(bytes_of(npy("<f4", "(0, 4)", "")), "e").elements(), 0);
}

TEST(Npy, RefusesWhatIsDamaged) {
  const std::string good = npy("<f4", "(2,)", raw<float>({1, 2}));
  for (size_t keep = 0; keep < good.size(); keep++)
    EXPECT_EQ(code_of([&] { parse_npy(bytes_of(good.substr(0, keep)), "x"); }, "x"), ErrorCode::data) << keep;
  EXPECT_EQ(code_of([&] {
              parse_npy(bytes_of(npy("<f4", "(3,)", raw<float>({1, 2}))), "x");
            }),
            ErrorCode::data);
  EXPECT_EQ(code_of([&] { parse_npy(bytes_of(npy("<f4", "(-1,)", "")), "x"); }), ErrorCode::data);
  EXPECT_EQ(code_of([&] { parse_npy(bytes_of(npy("<f4", "(9223372036854775807, 9)", "")), "x"); }),
            ErrorCode::data);
  EXPECT_EQ(code_of([&] { parse_npy(bytes_of(npy("<U4", "(1,)", "")), "x"); }, "<U4"),
            ErrorCode::unsupported);
  EXPECT_EQ(code_of(
                [&] {
                  parse_npy(bytes_of(npy("<f4", "(1, 2)", raw<float>({1, 2}), "True")), "x");
                },
                "Fortran"),
            ErrorCode::unsupported);
}

TEST(Npz, StoredAndDeflated) {
  const test::TemporaryFolder folder;
  const std::string a = npy("<f4", "(2,)", raw<float>({1, 2})), b = npy("<i8", "(1,)", raw<int64_t>({5}));
  for (bool compress : {false, true}) {
    const auto arrays = read_npz(folder.write("s.npz", npz({{"a", a}, {"b", b}}, compress)));
    ASSERT_EQ(arrays.size(), 2u);
    EXPECT_EQ(arrays.at("a").data<float>()[1], 2);
    EXPECT_EQ(arrays.at("b").data<int64_t>()[0], 5);
  }
}

TEST(Npz, NoByteCanCrashIt) {
  const test::TemporaryFolder folder;
  const std::string good = npz({{"a", npy("<f4", "(2,)", raw<float>({1, 2}))}}, true);
  for (size_t keep = 0; keep < good.size(); keep++)
    EXPECT_THROW(read_npz(folder.write("cut.npz", good.substr(0, keep))), Error) << keep;
  int refused = 0;
  for (size_t i = 0; i < good.size(); i++) {
    std::string changed = good;
    changed[i] = static_cast<char>(~changed[i]);
    try {
      read_npz(folder.write("changed.npz", changed));
    } catch (const Error&) {
      refused++;
    }
  }
  EXPECT_GT(refused, static_cast<int>(good.size()) / 2);
}

ir::Graph model(std::initializer_list<std::pair<std::string, DType>> inputs) {
  ir::Graph g;
  for (const auto& [name, type] : inputs) g.add_input(name, type, {1, 2});
  return g;
}

TEST(Dataset, Tensors) {
  const test::TemporaryFolder folder;
  folder.write("dataset.json", R"({"kind": "tensors"})");
  folder.write("b.npy", npy("<f8", "(2,)", raw<double>({3, 4})));  // f64, no batch axis
  folder.write("a.npy", npy("<f4", "(1, 2)", raw<float>({1, 2})));
  const auto data = open_dataset(folder.path(), model({{"x", DType::f32}}));
  ASSERT_EQ(data->size(), 2u);
  EXPECT_FALSE(data->has_labels());
  EXPECT_EQ(data->get(0).name, "a.npy");
  const Sample b = data->get(1);
  EXPECT_EQ(b.feeds[0].shape(), (Shape{1, 2}));
  EXPECT_EQ(b.feeds[0].dtype(), DType::f32);
  EXPECT_EQ(b.feeds[0].data<float>()[0], 3);
  const FirstSamples first(*data, 1);
  EXPECT_EQ(FirstSamples(*data, 5).size(), 2u);
  DatasetFeeds feeds(*data), one(first);
  std::vector<Tensor> sample;
  int n = 0;
  while (feeds.next(sample)) n++;
  EXPECT_EQ(n, 2);
  EXPECT_TRUE(one.next(sample));
  EXPECT_FALSE(one.next(sample));
  EXPECT_EQ(code_of(
                [&] {
                  open_dataset(folder.path(), model({{"x", DType::f32}, {"y", DType::i64}}))->get(0);
                },
                "a.npy"),
            ErrorCode::data);
}

TEST(Dataset, SeveralInputsAndLabels) {
  const test::TemporaryFolder folder;
  folder.write("dataset.json", R"({"kind": "tensors", "labels": "l.tsv", "task": "top1"})");
  folder.write("l.tsv", "s.npz\t3\r\n\ns.npz\tlabel with\ttab\n");
  folder.write("s.npz", npz({{"x", npy("<f4", "(1, 2)", raw<float>({1, 2}))},
                             {"y", npy("<i4", "(2,)", raw<int32_t>({5, 6}))}},
                            false));
  const auto data = open_dataset(folder.path(), model({{"y", DType::i64}, {"x", DType::f32}}));
  EXPECT_EQ(data->task(), "top1");
  ASSERT_EQ(data->size(), 2u);
  EXPECT_EQ(data->get(0).label, "3");
  EXPECT_EQ(data->get(1).label, "label with\ttab");
  EXPECT_EQ(data->get(0).feeds[0].data<int64_t>()[1], 6);
  EXPECT_EQ(code_of(
                [&] {
                  open_dataset(folder.path(), model({{"z", DType::f32}}))->get(0);
                },
                "'z'"),
            ErrorCode::data);
}

TEST(Dataset, MalformedManifests) {
  const test::TemporaryFolder folder;
  const auto g = model({{"x", DType::f32}});
  const auto open = [&](const char* manifest) {
    return [&folder, &g, manifest] {
      folder.write("dataset.json", manifest);
      open_dataset(folder.path(), g);
    };
  };
  EXPECT_EQ(code_of([&] { open_dataset(folder.path() / "absent", g); }, "dataset.json"),
            ErrorCode::not_found);
  EXPECT_EQ(code_of(open("{")), ErrorCode::data);
  EXPECT_EQ(code_of(open("[1]")), ErrorCode::data);
  EXPECT_EQ(code_of(open("{}"), "kind"), ErrorCode::unsupported);
  EXPECT_EQ(code_of(open(R"({"kind": 3})"), "kind"), ErrorCode::data);
  EXPECT_EQ(code_of(open(R"({"kind": "tensors"})"), "empty"), ErrorCode::data);
  EXPECT_EQ(code_of(open(R"({"kind": "images"})"), "labels.tsv"), ErrorCode::not_found);
  EXPECT_EQ(code_of(open(R"({"kind": "tensors", "lables": "l.tsv"})"), "'lables'; known are kind, labels"),
            ErrorCode::data);
  folder.write("labels.tsv", "");
  EXPECT_EQ(code_of(open(R"({"kind": "images"})"), "empty"), ErrorCode::data);
  folder.write("labels.tsv", "x.png\t0\n");
  EXPECT_EQ(code_of(open(R"({"kind": "images"})"), "input"), ErrorCode::data);
  EXPECT_EQ(code_of(open(R"({"kind": "images", "input": {"height": 0, "width": 2}})"), "height"),
            ErrorCode::data);
  EXPECT_EQ(code_of(open(R"({"kind": "images", "input": {"height": 2, "width": 2, "std": 57}})"),
                    "'input.std'; known are height"),
            ErrorCode::data);
  EXPECT_EQ(code_of(open(R"({"kind": "images", "input": {"height": 2, "width": 2, "mode": "tile"}})"),
                    "stretch, center_crop"),
            ErrorCode::unsupported);
  EXPECT_EQ(
      code_of(open(R"({"kind": "images", "input": {"height": 2, "width": 2, "mean": [1, 2]}})"), "mean"),
      ErrorCode::data);
  EXPECT_EQ(
      code_of(open(R"({"kind": "images", "input": {"height": 2, "width": 2, "interpolation": "cubic"}})")),
      ErrorCode::unsupported);
  folder.write("dataset.json",
               R"({"kind": "images", "input": {"height": 2, "width": 2, "mean": 127, "scale": [1, 1, 1]}})");
  EXPECT_EQ(
      code_of([&] { open_dataset(folder.path(), g); }, "f32[1, 3, 2, 2], the model's input 'x' is f32[1, 2]"),
      ErrorCode::data);
  ir::Graph pictures;
  pictures.add_input("x", DType::f32, {pictures.symbol("batch"), 3, 2, 2});
  const auto data = open_dataset(folder.path(), pictures);
  EXPECT_EQ(code_of([&] { data->get(0); }, "x.png"), ErrorCode::not_found);
  EXPECT_THROW(open_dataset(folder.path(), model({{"x", DType::f32}, {"y", DType::f32}})), Error);
}

TEST(Dataset, Memory) {
  const auto data =
      memory_dataset({{{Tensor::scalar(1.0f)}, "a", "first"}, {{Tensor::scalar(2.0f)}, "", "second"}});
  EXPECT_EQ(data->size(), 2u);
  EXPECT_TRUE(data->has_labels());
  EXPECT_EQ(data->get(1).feeds[0].at_double(0), 2);
}

}  // namespace
}  // namespace tenfold::measure
