// Einsum(inputs...) {equation}: a loop over all labels; passes turn the common forms into MatMul.
#include "ops/einsum.hpp"

#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

constexpr int kMaxLabels = 16;
constexpr char kEllipsis = '0';  ///< labels '0' to '7' are the axes of an ellipsis, outermost first

using Term = EinsumEquation::Term;
constexpr int kMaxOperands = EinsumEquation::kMaxOperands;

bool is_label(char ch) { return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z'); }

/// "ij..." with `dots` axes for the ellipsis, aligned to the right of `all_dots`.
Term parse_term(std::string_view text, int dots, int all_dots) {
  Term t;
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] == ' ') continue;
    if (text.substr(i, 3) == "...") {
      for (int k = all_dots - dots; k < all_dots; k++) t.add(static_cast<char>(kEllipsis + k));
      i += 2;
    } else if (is_label(text[i])) {
      t.add(text[i]);
    } else {
      fail(ErrorCode::invalid_model, "Einsum: character '{}' in the equation", text[i]);
    }
  }
  return t;
}

int letters(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), is_label));
}
bool has_dots(std::string_view text) { return text.find("...") != std::string_view::npos; }

}  // namespace

EinsumEquation parse_einsum(std::string_view text, std::span<const int> ranks) {
  const int operands = static_cast<int>(ranks.size());
  const auto rank = [&](int i) { return ranks[static_cast<size_t>(i)]; };
  if (operands > kMaxOperands)
    fail(ErrorCode::unsupported, "Einsum of {} operands (at most {})", operands, kMaxOperands);
  const size_t arrow = text.find("->");
  std::string_view left = text.substr(0, arrow);
  EinsumEquation q;
  std::array<std::string_view, kMaxOperands> part;
  for (size_t at = 0; at <= left.size();) {
    const size_t comma = std::min(left.find(',', at), left.size());
    if (q.operands == operands)
      fail(ErrorCode::invalid_model, "Einsum: the equation has more terms than operands");
    part[static_cast<size_t>(q.operands++)] = left.substr(at, comma - at);
    at = comma + 1;
  }
  if (q.operands != operands)
    fail(ErrorCode::invalid_model, "Einsum: {} terms for {} operands", q.operands, operands);
  int all_dots = 0;
  for (int i = 0; i < operands; i++)
    if (has_dots(part[static_cast<size_t>(i)]))
      all_dots = std::max(all_dots, rank(i) - letters(part[static_cast<size_t>(i)]));
  if (all_dots > kMaxRank) fail(ErrorCode::unsupported, "Einsum: an ellipsis of {} axes", all_dots);
  for (int i = 0; i < operands; i++) {
    const std::string_view p = part[static_cast<size_t>(i)];
    const int dots = rank(i) - letters(p);
    if (dots < 0 || (dots > 0 && !has_dots(p)))
      fail(ErrorCode::invalid_model, "Einsum: term {} does not fit rank {}", i, rank(i));
    q.in[static_cast<size_t>(i)] = parse_term(p, dots, all_dots);
    if (q.in[static_cast<size_t>(i)].rank != rank(i))  // two ellipses
      fail(ErrorCode::invalid_model, "Einsum: term {} does not fit rank {}", i, rank(i));
  }
  if (arrow != std::string_view::npos) {
    q.out = parse_term(text.substr(arrow + 2), all_dots, all_dots);
    return q;
  }
  // Implicit output: the ellipsis, then the labels that occur once, in alphabetical order.
  for (int k = 0; k < all_dots; k++) q.out.add(static_cast<char>(kEllipsis + k));
  for (char ch = 'A'; ch <= 'z'; ch++)
    if (is_label(ch) && std::count(left.begin(), left.end(), ch) == 1) q.out.add(ch);
  return q;
}

namespace {

void infer(InferContext& c) {
  check_type(c, 0, kNumbers);
  check_same_types(c, 0, c.inputs());
  for (size_t i = 0; i < c.inputs(); i++)
    if (!c.shape(i)) return c.set(0, c.dtype(0), std::nullopt);
  std::vector<int> ranks;
  for (size_t i = 0; i < c.inputs(); i++) ranks.push_back(c.shape(i)->rank());
  const EinsumEquation q = parse_einsum(c.attrs().get_string("equation", ""), ranks);
  std::array<int64_t, 128> extent{};
  std::array<bool, 128> seen{};
  int labels = 0;
  for (int k = 0; k < q.operands; k++) {
    const Term& t = q.in[static_cast<size_t>(k)];
    for (int i = 0; i < t.rank; i++) {
      const auto ch = static_cast<size_t>(t.label[static_cast<size_t>(i)]);
      const int64_t d = (*c.shape(static_cast<size_t>(k)))[i];
      labels += !seen[ch];
      extent[ch] = seen[ch] ? dim_broadcast(c, extent[ch], d) : d;
      seen[ch] = true;
    }
  }
  if (labels > kMaxLabels) c.error("{} labels (at most {})", labels, kMaxLabels);
  Shape out;
  std::array<bool, 128> used{};
  for (int i = 0; i < q.out.rank; i++) {
    const auto ch = static_cast<size_t>(q.out.label[static_cast<size_t>(i)]);
    if (!seen[ch] || used[ch])
      c.error("output label '{}' is {}", static_cast<char>(ch), used[ch] ? "repeated" : "in no term");
    used[ch] = true;
    out.push_back(extent[ch]);
  }
  c.set(0, c.dtype(0), std::move(out));
}

/// The loops: for every label its extent and its stride in the output and each operand.
struct Loops {
  int labels = 0, kept = 0;
  std::array<char, kMaxLabels> name{};
  std::array<int64_t, kMaxLabels> extent{};
  std::array<std::array<int64_t, kMaxLabels>, kMaxOperands + 1> stride{};

  int find(char ch) {
    for (int i = 0; i < labels; i++)
      if (name[static_cast<size_t>(i)] == ch) return i;
    ensure(labels < kMaxLabels, "labels of Einsum");
    name[static_cast<size_t>(labels)] = ch;
    extent[static_cast<size_t>(labels)] = 1;
    return labels++;
  }
  void add(const Term& t, const Shape& shape, size_t operand) {
    const Extents strides = Extents(shape).strides();
    for (int i = 0; i < t.rank; i++) {
      const auto l = static_cast<size_t>(find(t.label[static_cast<size_t>(i)]));
      extent[l] = std::max(extent[l], shape[i]);
      if (shape[i] == 0) extent[l] = 0;
      if (shape[i] != 1) stride[operand][l] += strides[i];  // += : a repeated label walks the diagonal
    }
  }
};

template <class T>
struct Contraction {
  const Loops& loops;
  int operands;
  std::array<const T*, kMaxOperands> x;

  /// Sum over labels from `level` on of the product of the operands.
  T sum(int level, const std::array<int64_t, kMaxOperands>& at) const {
    if (level == loops.labels) {
      T p = x[0][at[0]];
      for (int k = 1; k < operands; k++)
        p = wrap_mul(p, x[static_cast<size_t>(k)][at[static_cast<size_t>(k)]]);
      return p;
    }
    T total = 0;
    auto here = at;
    for (int64_t i = 0; i < loops.extent[static_cast<size_t>(level)]; i++) {
      total = wrap_add(total, sum(level + 1, here));
      for (int k = 0; k < operands; k++)
        here[static_cast<size_t>(k)] += loops.stride[static_cast<size_t>(k)][static_cast<size_t>(level)];
    }
    return total;
  }

  void run(int level, const std::array<int64_t, kMaxOperands>& at, int64_t to, T* y) const {
    if (level == loops.kept) {
      y[to] = sum(level, at);
      return;
    }
    auto here = at;
    for (int64_t i = 0; i < loops.extent[static_cast<size_t>(level)]; i++) {
      run(level + 1, here, to, y);
      for (int k = 0; k < operands; k++)
        here[static_cast<size_t>(k)] += loops.stride[static_cast<size_t>(k)][static_cast<size_t>(level)];
      to += loops.stride[kMaxOperands][static_cast<size_t>(level)];
    }
  }
};

void eval(const EvalContext& e) {
  const int operands = static_cast<int>(e.inputs.size());
  std::array<int, kMaxOperands> ranks{};
  ensure(operands <= kMaxOperands, "Einsum of {} operands", operands);
  for (size_t i = 0; i < e.inputs.size(); i++) ranks[i] = e.in(i).shape->rank();
  const EinsumEquation q =
      parse_einsum(text_attr(e.attrs(), "equation", ""), std::span(ranks).first(e.inputs.size()));
  Loops loops;
  loops.add(q.out, *e.out().shape, kMaxOperands);
  loops.kept = loops.labels;
  for (size_t k = 0; k < static_cast<size_t>(operands); k++) loops.add(q.in[k], *e.in(k).shape, k);
  if (e.out().elements() == 0) return;
  dispatch_number(e.out().dtype, [&](auto tag) {
    using T = decltype(tag);
    Contraction<T> c{loops, operands, {}};
    for (size_t k = 0; k < static_cast<size_t>(operands); k++) c.x[k] = e.in(k).as<T>();
    c.run(0, {}, 0, e.out().as<T>());
  });
}

/// One multiply-accumulate per combination of labels and operand beyond the first.
double macs(const ir::Graph& graph, const ir::Node& node) {
  std::array<int64_t, 128> extent{};
  const auto operands = static_cast<int>(node.inputs.size());
  const auto shape = [&](int i) -> const Shape& {
    return *graph.value(node.inputs[static_cast<size_t>(i)]).shape;
  };
  std::vector<int> ranks;
  for (ir::ValueId v : node.inputs) {
    const auto& s = graph.value(v).shape;
    if (!s || !s->is_static()) return 0;
    ranks.push_back(s->rank());
  }
  const EinsumEquation q = parse_einsum(text_attr(node.attrs, "equation", ""), ranks);
  for (int k = 0; k < operands; k++)
    for (int i = 0; i < q.in[static_cast<size_t>(k)].rank; i++) {
      int64_t& d = extent[static_cast<size_t>(q.in[static_cast<size_t>(k)].label[static_cast<size_t>(i)])];
      d = std::max(d, shape(k)[i]);
    }
  double n = std::max(operands - 1, 1);
  for (int64_t d : extent)
    if (d > 0) n *= static_cast<double>(d);
  return n;
}

}  // namespace

extern const OpDef op_einsum = {"Einsum", OpKind::other, 1, -1, 1, infer, eval, macs};

}  // namespace tenfold::ops
