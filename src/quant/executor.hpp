// What the quantizer needs from the layers above it: something that runs graphs, and a source of inputs.
#pragma once

#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "ir/graph.hpp"
#include "tensor/tensor.hpp"

namespace tenfold::quant {

/// A compiled graph: feeds in graph-input order, results in graph-output order.
using Runner = std::function<std::vector<Tensor>(std::span<const Tensor> feeds)>;
/// Makes a graph runnable.  The engine supplies the fast one; tests use the operators' reference evaluation.
using Compile = std::function<Runner(const ir::Graph&)>;

/// A restartable sequence of feeds, one sample at a time, so that no data set has to fit in memory.
class FeedStream {
 public:
  virtual ~FeedStream() = default;
  /// The next sample in graph-input order, or false at the end.
  virtual bool next(std::vector<Tensor>& feeds) = 0;
  /// Starts again at the first sample.
  virtual void reset() = 0;
};

/// Feeds that already lie in memory.
class VectorFeeds final : public FeedStream {
 public:
  explicit VectorFeeds(std::vector<std::vector<Tensor>> samples) : samples_(std::move(samples)) {}
  bool next(std::vector<Tensor>& feeds) override {
    if (position_ == samples_.size()) return false;
    feeds = samples_[position_++];
    return true;
  }
  void reset() override { position_ = 0; }

 private:
  std::vector<std::vector<Tensor>> samples_;
  size_t position_ = 0;
};

/// The first `limit` samples of another stream.
class LimitedFeeds final : public FeedStream {
 public:
  LimitedFeeds(FeedStream& source, size_t limit) : source_(source), limit_(limit) { source_.reset(); }
  bool next(std::vector<Tensor>& feeds) override {
    return taken_ < limit_ && source_.next(feeds) && ++taken_;
  }
  void reset() override {
    source_.reset();
    taken_ = 0;
  }

 private:
  FeedStream& source_;
  size_t limit_, taken_ = 0;
};

}  // namespace tenfold::quant
