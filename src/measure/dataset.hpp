// Data sets on disk: a folder with dataset.json, labels.tsv and the samples.
#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "ir/graph.hpp"
#include "quant/executor.hpp"
#include "tensor/tensor.hpp"

namespace tenfold::measure {

/// One input of the model in graph-input order, with its label.
struct Sample {
  std::vector<Tensor> feeds;
  std::string label;  ///< empty where the data set has none
  std::string name;   ///< the file as labels.tsv names it
};

/// Samples by index, in the order of labels.tsv.  get() may be called from several threads.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual size_t size() const = 0;
  /// Throws Error(data) for a damaged sample, naming the file.
  virtual Sample get(size_t index) const = 0;
  virtual bool has_labels() const = 0;
  /// The metric that suits the labels ("top1", "ctc"), or "".
  virtual std::string task() const = 0;
};

/// Opens a data set for `graph`.  dataset.json is one of
///
///   {"kind": "images", "labels": "labels.tsv", "task": "ctc" | "top1",
///    "input": {"height": 48, "width": 320, "mode": "keep_ratio_pad" | "center_crop" | "stretch", "resize":
///    256,
///              "color": "BGR" | "RGB", "mean": [..], "scale": [..], "layout": "NCHW" | "NHWC", "pad_value":
///              0, "interpolation": "bilinear"}}
///   {"kind": "tensors", "labels": "labels.tsv", "task": ...}
///
/// labels.tsv has rows `file<TAB>label` (the label may be absent), files absolute or relative to the folder.
/// Pictures are JPEG or PNG and become (pixel - mean) * scale; pad_value is a pixel value.  Tensors are .npy
/// (models with one input) or .npz (one array per input, by its name); without "labels" all such files of the
/// folder are taken in the order of their names.  A leading batch axis of 1 may be missing; f64 and i32 are
/// converted to f32 and i64. Errors: not_found, io, data (an empty or malformed data set), unsupported
/// (unknown kind or option).
std::unique_ptr<Dataset> open_dataset(const std::filesystem::path& folder, const ir::Graph& graph);

/// A data set that lies in memory (Python iterables, tests).
std::unique_ptr<Dataset> memory_dataset(std::vector<Sample> samples);

/// The first samples of another data set.
class FirstSamples final : public Dataset {
 public:
  FirstSamples(const Dataset& data, size_t limit) : data_(data), size_(std::min(limit, data.size())) {}
  size_t size() const override { return size_; }
  Sample get(size_t index) const override { return data_.get(index); }
  bool has_labels() const override { return data_.has_labels(); }
  std::string task() const override { return data_.task(); }

 private:
  const Dataset& data_;
  size_t size_;
};

/// What calibration reads: the samples of a data set.
class DatasetFeeds final : public quant::FeedStream {
 public:
  explicit DatasetFeeds(const Dataset& data) : data_(data) {}
  bool next(std::vector<Tensor>& feeds) override;
  void reset() override { position_ = 0; }

 private:
  const Dataset& data_;
  size_t position_ = 0;
};

}  // namespace tenfold::measure
