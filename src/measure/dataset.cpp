#include "measure/dataset.hpp"

#include <simdjson.h>

#include <algorithm>
#include <fstream>

#include "measure/image.hpp"
#include "measure/npy.hpp"
#include "tensor/shape_fit.hpp"

namespace tenfold::measure {

namespace {

namespace fs = std::filesystem;

struct Row {
  fs::path file;
  std::string name, label;
};

/// dataset.json, with messages that name the file and the field.
class Manifest {
 public:
  explicit Manifest(const fs::path& folder) : file_((folder / "dataset.json").string()) {
    std::error_code error;
    if (!fs::exists(file_, error))
      fail(ErrorCode::not_found, "{}: no such file; a data set is a folder with dataset.json and its samples",
           file_);
    auto text = simdjson::padded_string::load(file_);
    if (text.error()) fail(ErrorCode::io, "{}: {}", file_, simdjson::error_message(text.error()));
    // Documents reference the parser, the parser copies the text.
    auto document = parser_.parse(text.value());
    if (document.error()) fail(ErrorCode::data, "{}: {}", file_, simdjson::error_message(document.error()));
    auto object = document.get_object();
    if (object.error()) bad("the document", "an object");
    root_ = object.value();
  }

  simdjson::dom::object root() const { return root_; }
  const std::string& file() const { return file_; }
  [[noreturn]] void bad(std::string_view field, std::string_view expected) const {
    fail(ErrorCode::data, "{}: {} must be {}", file_, field, expected);
  }

  /// A misspelt key must not leave its default in place: the accuracy of a wrongly prepared model proves
  /// nothing.
  void only(simdjson::dom::object from, std::string_view prefix,
            std::initializer_list<std::string_view> keys) const {
    for (const auto field : from) {
      if (std::find(keys.begin(), keys.end(), field.key) != keys.end()) continue;
      fail(ErrorCode::data, "{}: unknown field '{}{}'; known are {}", file_, prefix, field.key,
           fmt::join(keys, ", "));
    }
  }
  std::string text(simdjson::dom::object from, std::string_view key, std::string_view fallback) const {
    const auto value = from[key];
    if (value.error() == simdjson::NO_SUCH_FIELD) return std::string(fallback);
    std::string_view s;
    if (value.get(s)) bad(key, "a string");
    return std::string(s);
  }
  double number(simdjson::dom::object from, std::string_view key, double fallback) const {
    const auto value = from[key];
    if (value.error() == simdjson::NO_SUCH_FIELD) return fallback;
    double v = 0;
    if (value.get(v)) bad(key, "a number");
    return v;
  }
  int64_t extent(simdjson::dom::object from, std::string_view key) const {
    int64_t v = 0;
    if (from[key].get(v) || v < 1 || v > 65536) bad(key, "a number of pixels");
    return v;
  }
  /// Three numbers, or one for all channels.
  std::array<float, 3> channels(simdjson::dom::object from, std::string_view key, float fallback) const {
    const auto value = from[key];
    if (value.error() == simdjson::NO_SUCH_FIELD) return {fallback, fallback, fallback};
    double one = 0;
    if (!value.get(one)) return {static_cast<float>(one), static_cast<float>(one), static_cast<float>(one)};
    std::array<float, 3> result{};
    simdjson::dom::array list;
    if (value.get(list) || list.size() != 3) bad(key, "a number or a list of three");
    for (size_t i = 0; i < 3; i++) {
      if (list.at(i).get(one)) bad(key, "a number or a list of three");
      result[i] = static_cast<float>(one);
    }
    return result;
  }

 private:
  std::string file_;
  simdjson::dom::parser parser_;
  simdjson::dom::object root_;
};

template <class T>
T choose(const Manifest& m, std::string_view field, std::string_view value,
         std::initializer_list<std::pair<std::string_view, T>> choices) {
  std::string known;
  for (const auto& [name, choice] : choices) {
    if (name == value) return choice;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  fail(ErrorCode::unsupported, "{}: {} '{}' is not one of {}", m.file(), field, value, known);
}

ImageInput parse_input(const Manifest& m) {
  simdjson::dom::object in;
  if (m.root()["input"].get(in)) m.bad("input", "an object");
  m.only(in, "input.",
         {"height", "width", "mode", "resize", "color", "mean", "scale", "layout", "pad_value",
          "interpolation"});
  ImageInput result;
  result.height = m.extent(in, "height");
  result.width = m.extent(in, "width");
  if (in["resize"].error() != simdjson::NO_SUCH_FIELD) result.resize = m.extent(in, "resize");
  using Mode = ImageInput::Mode;
  result.mode = choose<Mode>(m, "mode", m.text(in, "mode", "stretch"),
                             {{"stretch", Mode::stretch},
                              {"center_crop", Mode::center_crop},
                              {"keep_ratio_pad", Mode::keep_ratio_pad}});
  result.color = choose<ColorOrder>(m, "color", m.text(in, "color", "RGB"),
                                    {{"RGB", ColorOrder::rgb}, {"BGR", ColorOrder::bgr}});
  result.channels_last =
      choose<bool>(m, "layout", m.text(in, "layout", "NCHW"), {{"NCHW", false}, {"NHWC", true}});
  choose<int>(m, "interpolation", m.text(in, "interpolation", "bilinear"), {{"bilinear", 0}});
  result.mean = m.channels(in, "mean", 0);
  result.scale = m.channels(in, "scale", 1);
  result.pad_value = static_cast<float>(m.number(in, "pad_value", 0));
  return result;
}

/// The pictures that `input` makes must fit the model: found out before any is read.
void check_fit(const Manifest& m, const ImageInput& input, const ir::Graph& graph) {
  const ir::Value& v = graph.value(graph.inputs[0]);
  const int64_t h = input.height, w = input.width;
  const Shape made = input.channels_last ? Shape{1, h, w, 3} : Shape{1, 3, h, w};
  if (v.dtype != DType::f32 || (v.shape && !fits(made, *v.shape)))
    fail(ErrorCode::data, "{}: 'input' makes pictures f32{}, the model's input '{}' is {}{}", m.file(),
         to_string(made), v.name, to_string(v.dtype), v.shape ? ir::to_text(graph, *v.shape) : "");
}

std::vector<Row> read_labels(const fs::path& folder, const std::string& labels) {
  const fs::path file = folder / labels;
  std::ifstream in(file);
  if (!in) fail(ErrorCode::not_found, "{}: no such file, or not readable", file.string());
  std::vector<Row> rows;
  for (std::string line; std::getline(in, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    const size_t tab = line.find('\t');
    Row row;
    row.name = line.substr(0, tab);
    if (tab != std::string::npos) row.label = line.substr(tab + 1);
    row.file = folder / row.name;  // an absolute name replaces the folder
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<Row> list_tensors(const fs::path& folder) {
  std::vector<Row> rows;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".npy" || entry.path().extension() == ".npz")
      rows.push_back({entry.path(), entry.path().filename().string(), ""});
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.name < b.name; });
  return rows;
}

/// What the two kinds on disk share.
class FileDataset : public Dataset {
 public:
  FileDataset(std::vector<Row> rows, std::string task) : rows_(std::move(rows)), task_(std::move(task)) {}
  size_t size() const override { return rows_.size(); }
  bool has_labels() const override {
    return std::any_of(rows_.begin(), rows_.end(), [](const Row& r) { return !r.label.empty(); });
  }
  std::string task() const override { return task_; }
  Sample get(size_t index) const override {
    const Row& row = rows_.at(index);
    return {feeds(row), row.label, row.name};
  }

 protected:
  virtual std::vector<Tensor> feeds(const Row& row) const = 0;

 private:
  std::vector<Row> rows_;
  std::string task_;
};

class ImageDataset final : public FileDataset {
 public:
  ImageDataset(std::vector<Row> rows, std::string task, const ImageInput& input)
      : FileDataset(std::move(rows), std::move(task)), input_(input) {}

 protected:
  std::vector<Tensor> feeds(const Row& row) const override {
    return {to_tensor(read_image(row.file, input_.color), input_, row.file)};
  }

 private:
  ImageInput input_;
};

/// The array as the input wants it: the batch axis added, doubles and 32-bit indices converted.
Tensor fit(Tensor array, const ir::Value& input) {
  if (input.shape && array.shape().rank() + 1 == input.shape->rank()) {
    Shape batched{1};
    for (int64_t d : array.shape()) batched.push_back(d);
    array = array.reshaped(batched);
  }
  const auto convert = [&]<class From, class To>(From, To) {
    Tensor converted(dtype_of<To>, array.shape());
    for (int64_t i = 0; i < array.elements(); i++)
      converted.mutable_data<To>()[i] = static_cast<To>(array.data<From>()[i]);
    return converted;
  };
  if (array.dtype() == DType::f64 && input.dtype == DType::f32) return convert(double{}, float{});
  if (array.dtype() == DType::i32 && input.dtype == DType::i64) return convert(int32_t{}, int64_t{});
  return array;
}

class TensorDataset final : public FileDataset {
 public:
  TensorDataset(std::vector<Row> rows, std::string task, const ir::Graph& graph)
      : FileDataset(std::move(rows), std::move(task)) {
    for (ir::ValueId v : graph.inputs) {
      const ir::Value& input = graph.value(v);
      inputs_.push_back({.name = input.name, .dtype = input.dtype, .shape = input.shape});
    }
  }

 protected:
  std::vector<Tensor> feeds(const Row& row) const override {
    if (row.file.extension() != ".npz") {
      if (inputs_.size() != 1)
        fail(ErrorCode::data, "{}: the model has {} inputs: save the sample as .npz with one array per input",
             row.file.string(), inputs_.size());
      return {fit(read_npy(row.file), inputs_[0])};
    }
    auto arrays = read_npz(row.file);
    std::vector<Tensor> result;
    for (const ir::Value& input : inputs_) {
      const auto it = arrays.find(input.name);
      if (it == arrays.end())
        fail(ErrorCode::data, "{}: no array for input '{}'", row.file.string(), input.name);
      result.push_back(fit(it->second, input));
    }
    return result;
  }

 private:
  std::vector<ir::Value> inputs_;
};

class MemoryDataset final : public Dataset {
 public:
  explicit MemoryDataset(std::vector<Sample> samples) : samples_(std::move(samples)) {}
  size_t size() const override { return samples_.size(); }
  Sample get(size_t index) const override { return samples_.at(index); }
  bool has_labels() const override {
    return std::any_of(samples_.begin(), samples_.end(), [](const Sample& s) { return !s.label.empty(); });
  }
  std::string task() const override { return {}; }

 private:
  std::vector<Sample> samples_;
};

}  // namespace

std::unique_ptr<Dataset> open_dataset(const fs::path& folder, const ir::Graph& graph) {
  const Manifest m(folder);
  const std::string kind = m.text(m.root(), "kind", ""), labels = m.text(m.root(), "labels", ""),
                    task = m.text(m.root(), "task", "");
  // The last ones are for people.
  m.only(m.root(), "",
         {"kind", "labels", "task", "input", "classes", "name", "description", "source", "license"});
  const bool images = choose<bool>(m, "kind", kind, {{"images", true}, {"tensors", false}});
  std::vector<Row> rows = labels.empty() && !images
                              ? list_tensors(folder)
                              : read_labels(folder, labels.empty() ? "labels.tsv" : labels);
  if (rows.empty())
    fail(ErrorCode::data, "{}: the data set is empty: give at least one sample", folder.string());
  if (!images) return std::make_unique<TensorDataset>(std::move(rows), task, graph);
  if (graph.inputs.size() != 1)
    fail(ErrorCode::data, "{}: a data set of pictures fits models with one input, this one has {}",
         folder.string(), graph.inputs.size());
  const ImageInput input = parse_input(m);
  check_fit(m, input, graph);
  return std::make_unique<ImageDataset>(std::move(rows), task, input);
}

std::unique_ptr<Dataset> memory_dataset(std::vector<Sample> samples) {
  return std::make_unique<MemoryDataset>(std::move(samples));
}

bool DatasetFeeds::next(std::vector<Tensor>& feeds) {
  if (position_ >= data_.size()) return false;
  feeds = data_.get(position_++).feeds;
  return true;
}

}  // namespace tenfold::measure
