#include "plan/strips.hpp"

#include <array>
#include <cstring>

#include "base/math.hpp"
#include "ops/convolve.hpp"
#include "plan/choose.hpp"
#include "plan/row_step.hpp"
#include "plan/steps/indirect.hpp"

namespace tenfold::plan {
namespace {

bool is_convolution(const ir::Node& n) { return n.op == "Conv" || n.op == "QConv"; }

ops::Convolution convolution(const ir::Graph& g, const ir::Node& n) {
  return ops::resolve_convolution(n, *g.value(n.input(0)).shape, *g.value(n.input(1)).shape);
}

/// How the rows of a convolution's output depend on those of its image.
struct Rows {
  int64_t images, in, out;  ///< in and out: rows of one image
  int64_t kernel, stride, dilation, pad;
  int64_t width;  ///< positions in an output row
  size_t bytes;   ///< of an output row

  Rows(const ir::Graph& g, const ir::Node& n) {
    const ops::Convolution c = convolution(g, n);
    const ops::Window& w = c.window;
    const ir::Value& y = g.value(n.output());
    images = c.batch;
    width = (*y.shape)[y.shape->rank() - 2];
    // A pointwise convolution counts as one long row; its rows are those of the shape.
    const bool folded = is_pointwise(w);
    out = folded ? w.out[2] / width : w.out[1];
    in = folded ? out : w.in[1];
    kernel = w.kernel[1], stride = w.stride[1], dilation = w.dilation[1], pad = w.pad_begin[1];
    bytes = static_cast<size_t>(width * c.filters) * size_of(y.dtype);
  }

  /// The input rows that output rows `rows`, not none and of one image, read; both count from that image's
  /// first.  Where these read nothing but padding, the first of the result is still a row of the image, as
  /// kernels may load (not use) it.
  Range reads(Range rows) const {
    const int64_t first = rows.begin * stride - pad,
                  last = (rows.end - 1) * stride - pad + (kernel - 1) * dilation + 1;
    const int64_t begin = std::clamp<int64_t>(first, 0, in - 1);
    return {begin, std::clamp<int64_t>(last, begin, in)};
  }
  /// At most so many input rows for `rows` output rows.
  int64_t reads(int64_t rows) const {
    return std::min(in, (rows - 1) * stride + (kernel - 1) * dilation + 1);
  }
};

/// One layer of a chain and what is kept of its output.
struct Link {
  std::unique_ptr<RowStep> step;
  Rows rows;
  ir::ValueId output;
  size_t offset = 0;  ///< of the kept rows in a thread's scratch; the last link keeps none
};

class StripsStep final : public Step {
 public:
  StripsStep(const BuildContext& b, std::vector<Link> links, int64_t rows)
      : links_(std::move(links)), rows_(rows), values_(b.graph.value_count()) {
    size_t bytes = aligned(values_ * sizeof(void*));
    int64_t most = rows_;
    for (size_t i = links_.size() - 1; i > 0; i--) {
      most = links_[i].rows.reads(most);
      links_[i - 1].offset = bytes;
      bytes += aligned(static_cast<size_t>(most) * links_[i - 1].rows.bytes + kTensorSlack);
    }
    own_scratch_ = bytes;
    for (const Link& l : links_) bytes = std::max(bytes, own_scratch_ + aligned(l.step->scratch_bytes()));
    part_bytes_ = bytes;
    const Rows& last = links_.back().rows;
    parts_ = static_cast<int>(std::min<int64_t>(b.threads, last.images * last.out));
    for (size_t i = 1; i < links_.size(); i++) links_[i - 1].step->fetch_ahead(links_[i].step->weights());
  }

  size_t scratch_bytes() const override { return static_cast<size_t>(parts_) * part_bytes_; }

  std::span<const std::byte> weights() const override { return links_.front().step->weights(); }
  void fetch_ahead(std::span<const std::byte> weights) override { links_.back().step->fetch_ahead(weights); }

  void run(const RunContext& c) const override {
    c.pool->run(parts_, [&](int part) {
      Strip strip(*this, c, c.scratch + static_cast<size_t>(part) * part_bytes_);
      const Rows& last = links_.back().rows;
      each_image(split(last.images * last.out, part, parts_), last.out, [&](int64_t image, Range y) {
        strip.start(image);
        for (int64_t at = y.begin; at < y.end; at += rows_) strip.compute({at, std::min(y.end, at + rows_)});
      });
    });
  }

 private:
  static size_t aligned(size_t bytes) { return round_up(bytes, size_t{64}); }

  /// What a thread works with.
  class Strip {
   public:
    Strip(const StripsStep& step, const RunContext& c, std::byte* scratch)
        : step_(step), scratch_(scratch), pointers_(reinterpret_cast<void**>(scratch)), context_(c) {
      std::memcpy(pointers_, c.pointers, step.values_ * sizeof(void*));
      context_.pointers = pointers_;
      context_.scratch = scratch + step.own_scratch_;
    }
    void start(int64_t image) {
      image_ = image;
      kept_.fill({0, 0});
    }
    /// Output rows of the chain, and before them what they need and nobody has computed yet.
    void compute(Range rows) {
      const std::vector<Link>& links = step_.links_;
      std::array<Range, kLongestChain> todo;
      todo[links.size() - 1] = rows;
      for (size_t i = links.size() - 1; i > 0; i--)
        todo[i - 1] = keep(i - 1, todo[i].begin < todo[i].end ? links[i].rows.reads(todo[i]) : kept_[i - 1]);
      for (size_t i = 0; i < links.size(); i++)
        if (const Rows& r = links[i].rows; todo[i].begin < todo[i].end)
          links[i].step->run_rows(context_, {(image_ * r.out + todo[i].begin) * r.width,
                                             (image_ * r.out + todo[i].end) * r.width});
    }

   private:
    /// Makes `rows` of a link's output those in its buffer; returns which are still to be computed.
    Range keep(size_t i, Range rows) {
      const Link& l = step_.links_[i];
      std::byte* buffer = scratch_ + l.offset;
      const Range had = kept_[i];
      kept_[i] = rows;
      const int64_t end = std::clamp(had.end, rows.begin, rows.end);
      if (had.begin < rows.begin && rows.begin < end)
        std::memmove(buffer, buffer + static_cast<size_t>(rows.begin - had.begin) * l.rows.bytes,
                     static_cast<size_t>(end - rows.begin) * l.rows.bytes);
      // Where the whole tensor would begin: steps count rows from there.
      const auto first = static_cast<uintptr_t>(image_ * l.rows.out + rows.begin);
      pointers_[l.output] =
          reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(buffer) - first * l.rows.bytes);
      return {end, rows.end};
    }

    const StripsStep& step_;
    std::byte* const scratch_;
    void** const pointers_;
    RunContext context_;
    int64_t image_ = 0;
    std::array<Range, kLongestChain> kept_{};
  };

  std::vector<Link> links_;
  const int64_t rows_;
  const size_t values_;
  size_t own_scratch_ = 0, part_bytes_ = 0;
  int parts_ = 1;
};

/// The convolution that alone reads the output of `n` as its image, or kNone.
ir::NodeId only_reader(const ir::Graph& g, const ir::Node& n) {
  const ir::ValueId v = n.output();
  if (g.is_output(v) || g.value(v).consumers.size() != 1) return ir::kNone;
  const ir::NodeId id = g.value(v).consumers.front();
  const ir::Node& reader = g.node(id);
  const bool image =
      is_convolution(reader) && reader.input(0) == v && std::ranges::count(reader.inputs, v) == 1;
  return image ? id : ir::kNone;
}

bool is_depthwise(const ir::Graph& g, const ir::Node& n) {
  if (!is_convolution(n) || !n.attrs.get_int("channels_last", 0)) return false;
  const ops::Convolution c = convolution(g, n);
  return plan::is_depthwise(c) && c.window.out[1] > 1;
}

/// Has rows: to a depthwise convolution that is pointwise all pixels are one.
bool has_rows(const ir::Graph& g, const ir::Node& n) {
  const ops::Convolution c = convolution(g, n);
  return !plan::is_depthwise(c) || !plan::is_pointwise(c.window);
}

bool is_pointwise(const ir::Graph& g, const ir::Node& n) {
  const ops::Convolution c = convolution(g, n);
  return c.group == 1 && plan::is_pointwise(c.window);
}

}  // namespace

std::vector<std::vector<ir::NodeId>> find_chains(const ir::Graph& graph, std::span<const ir::NodeId> order) {
  std::vector<std::vector<ir::NodeId>> chains;
  std::vector<bool> taken(graph.node_count(), false);
  for (ir::NodeId id : order) {
    const ir::Node& n = graph.node(id);
    if (!is_depthwise(graph, n)) continue;
    std::vector<ir::NodeId> chain{id};
    if (const ir::NodeId before = graph.value(n.input(0)).producer; before != ir::kNone)
      if (const ir::Node& b = graph.node(before); is_convolution(b) && b.attrs.get_int("channels_last", 0) &&
                                                  only_reader(graph, b) == id && has_rows(graph, b))
        chain.insert(chain.begin(), before);
    if (const ir::NodeId behind = only_reader(graph, n); behind != ir::kNone)
      if (is_pointwise(graph, graph.node(behind))) chain.push_back(behind);
    std::erase_if(chain, [&](ir::NodeId c) { return taken[static_cast<size_t>(c)]; });
    if (chain.size() < 2) continue;
    for (ir::NodeId c : chain) taken[static_cast<size_t>(c)] = true;
    chains.push_back(std::move(chain));
  }
  return chains;
}

double bytes_between(const ir::Graph& graph, std::span<const ir::NodeId> chain) {
  double bytes = 0;
  for (ir::NodeId id : chain.first(chain.size() - 1)) {
    const ir::Value& v = graph.value(graph.node(id).output());
    bytes += static_cast<double>(v.shape->elements()) * static_cast<double>(size_of(v.dtype));
  }
  return bytes;
}

int64_t strip_rows(const ir::Graph& graph, std::span<const ir::NodeId> chain, double bytes) {
  std::vector<Rows> layers;
  for (ir::NodeId id : chain) layers.emplace_back(graph, graph.node(id));
  int64_t rows = 1;
  for (; rows < layers.back().out; rows++) {
    int64_t most = rows + 1;
    double between = 0;
    for (size_t i = layers.size() - 1; i > 0; i--) {
      most = layers[i].reads(most);
      between += static_cast<double>(most) * static_cast<double>(layers[i - 1].bytes);
    }
    if (between > bytes) break;
  }
  return rows;
}

std::unique_ptr<Step> make_strips(const BuildContext& context, std::span<const ir::NodeId> chain,
                                  int64_t rows) {
  // The same steps whether strips are the default or a choice.
  const BuildContext one{context.graph, context.kernels, /*threads=*/1, context.packs};
  std::vector<Link> links;
  for (ir::NodeId id : chain) {
    const ir::Node& n = context.graph.node(id);
    std::unique_ptr<Step> step = default_step(one, id).step;
    auto* by_rows = dynamic_cast<RowStep*>(step.get());
    if (!by_rows) return nullptr;
    static_cast<void>(step.release());
    links.push_back({std::unique_ptr<RowStep>(by_rows), Rows(context.graph, n), n.output()});
  }
  const int64_t most = links.back().rows.out;  // `rows` may come from a file
  return std::make_unique<StripsStep>(context, std::move(links), std::min(rows, most));
}

}  // namespace tenfold::plan
