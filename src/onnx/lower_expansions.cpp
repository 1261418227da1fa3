// Operators that a version lacks, written with those it has.
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

#include "onnx/node_export.hpp"

namespace tenfold::onnx {
namespace {

void silu(NodeExport& n) { n.finish("Mul", {n.inputs[0], n.emit("Sigmoid", {n.inputs[0]})}); }

void hard_swish(NodeExport& n) {
  n.finish("Mul",
           {n.inputs[0], n.emit("HardSigmoid", {n.inputs[0]}, {{"alpha", 1.0f / 6.0f}, {"beta", 0.5f}})});
}

void mish(NodeExport& n) {
  n.finish("Mul", {n.inputs[0], n.emit("Tanh", {n.emit("Softplus", {n.inputs[0]})})});
}

/// x/2 (1 + erf(x / sqrt 2)), or x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).
void gelu(NodeExport& n) {
  const std::string& x = n.inputs[0];
  std::string inner;
  if (n.attrs.get_string("approximate", "none") == "tanh") {
    const std::string cube =
        n.emit("Mul", {n.emit("Mul", {n.emit("Mul", {x, x}), x}), n.scalar(0.044715, "cubic")});
    const double slope = std::sqrt(2.0 / std::numbers::pi);
    inner = n.emit("Tanh", {n.emit("Mul", {n.emit("Add", {x, cube}), n.scalar(slope, "slope")})});
  } else {
    inner = n.emit("Erf", {n.emit("Div", {x, n.scalar(std::numbers::sqrt2, "sqrt2")})});
  }
  const std::string gate = n.emit("Add", {inner, n.scalar(1, "one")});
  n.finish("Mul", {n.emit("Mul", {x, gate}), n.scalar(0.5, "half")});
}

/// The mean over the axes from attribute `axis` on, kept as extents of one.
std::string trailing_mean(NodeExport& n, const std::string& of) {
  std::vector<int64_t> axes;
  int64_t axis = n.attrs.get_int("axis", -1);
  const int64_t end = axis < 0 ? 0 : n.need_rank(0);
  for (; axis < end; axis++) axes.push_back(axis);
  const ir::Attributes keep{{"keepdims", int64_t{1}}};
  if (n.opset >= 18) return n.emit("ReduceMean", {of, n.ints(axes, "axes")}, keep);
  return n.emit("ReduceMean", {of}, {{"axes", axes}, {"keepdims", int64_t{1}}});
}

/// x / sqrt(mean(x^2) + epsilon).
std::string over_root_mean_square(NodeExport& n, const std::string& x) {
  const std::string epsilon = n.scalar(static_cast<double>(n.attrs.get_float("epsilon", 1e-5f)), "epsilon");
  return n.emit("Div",
                {x, n.emit("Sqrt", {n.emit("Add", {trailing_mean(n, n.emit("Mul", {x, x})), epsilon})})});
}

void layer_normalization(NodeExport& n) {
  for (size_t i = 1; i < n.outputs.size(); i++)
    if (!n.outputs[i].empty()) n.unsupported("statistics as outputs");
  const std::string unit =
      over_root_mean_square(n, n.emit("Sub", {n.inputs[0], trailing_mean(n, n.inputs[0])}));
  if (!n.has_input(2)) return n.finish("Mul", {unit, n.inputs[1]});
  n.finish("Add", {n.emit("Mul", {unit, n.inputs[1]}), n.inputs[2]});
}

void rms_normalization(NodeExport& n) {
  n.finish("Mul", {over_root_mean_square(n, n.inputs[0]), n.inputs[1]});
}

/// InstanceNormalization over the groups, then scale and bias a channel.
void group_normalization(NodeExport& n) {
  const int64_t groups = n.attrs.get_int("num_groups", 1);
  constexpr int64_t kMostGroups = 1 << 20;
  if (groups < 1 || groups > kMostGroups) n.unsupported(fmt::format("{} groups", groups));
  std::vector<int64_t> column{-1};  // scale and bias broadcast over the spatial axes
  for (int i = 2; i < n.need_rank(0); i++) column.push_back(1);
  const auto filled = [&](float value, std::string_view stem) {
    const std::vector<float> values(static_cast<size_t>(groups), value);
    return n.constant(Tensor::from<float>(Shape{groups}, values), stem);
  };
  const std::string grouped = n.emit("Reshape", {n.inputs[0], n.ints({0, groups, -1}, "groups")});
  const std::string unit = n.emit("InstanceNormalization", {grouped, filled(1, "ones"), filled(0, "zeros")},
                                  {{"epsilon", n.attrs.get_float("epsilon", 1e-5f)}});
  const std::string whole = n.emit("Reshape", {unit, n.emit("Shape", {n.inputs[0]})});
  const std::string shape = n.ints(column, "column");
  const std::string scaled = n.emit("Mul", {whole, n.emit("Reshape", {n.inputs[1], shape})});
  n.finish("Add", {scaled, n.emit("Reshape", {n.inputs[2], shape})});
}

/// Keys or values (input i) with each head repeated for the queries that share it.
std::string repeated_heads(NodeExport& n, size_t i) {
  const Shape *q = n.shape_of(0), *x = n.shape_of(i);
  if (!q || !x || q->rank() != 4 || x->rank() != 4 || (*q)[1] == (*x)[1]) return n.inputs[i];
  const int64_t heads = (*q)[1], own = (*x)[1], size = x->back();
  if (heads < 0 || own <= 0 || size < 0 || heads % own != 0)
    n.unsupported("shared heads whose number is not known");
  const std::string apart = n.emit("Unsqueeze", {n.inputs[i], n.ints({2}, "behind_heads")});
  const std::string repeated = n.emit("Expand", {apart, n.ints({1, 1, heads / own, 1, 1}, "repeat")});
  return n.emit("Reshape", {repeated, n.ints({0, heads, -1, size}, "heads")});
}

/// softmax(scale q k^T + mask) v; rows that are masked altogether give NaN, or zero where the node says so.
void attention(NodeExport& n) {
  const auto rank = static_cast<size_t>(n.need_rank(1));
  std::vector<int64_t> perm(rank);
  std::iota(perm.begin(), perm.end(), 0);
  std::swap(perm[rank - 1], perm[rank - 2]);
  double scale = static_cast<double>(n.attrs.get_float("scale", 0));
  if (!n.attrs.has("scale")) {
    const int64_t head = n.shape_of(0) ? n.shape_of(0)->back() : -1;
    if (head <= 0) n.unsupported("the scale depends on an extent that is not known");
    scale = 1 / std::sqrt(static_cast<double>(head));
  }
  const std::string product =
      n.emit("MatMul", {n.inputs[0], n.emit("Transpose", {repeated_heads(n, 1)}, {{"perm", perm}})});
  std::string scores = n.emit("Mul", {product, n.scalar(scale, "scale")});
  if (n.has_input(3)) scores = n.emit("Add", {scores, n.inputs[3]});
  std::string weights = n.emit("Softmax", {scores}, {{"axis", int64_t{-1}}});
  if (n.attrs.get_int("masked_rows_zero", 0) != 0)
    weights = n.emit("Where", {n.emit("IsNaN", {weights}), n.scalar(0, "zero"), weights});
  n.finish("MatMul", {weights, repeated_heads(n, 2)});
}

constexpr std::array kLowerings{
    Lowering{"SiLU", kAllVersions, silu},
    Lowering{"HardSwish", 14, hard_swish},
    Lowering{"Mish", 18, mish},
    Lowering{"Gelu", 20, gelu},
    Lowering{"LayerNormalization", 17, layer_normalization},
    Lowering{"RMSNormalization", kAllVersions, rms_normalization},
    Lowering{"Attention", kAllVersions, attention},
    Lowering{"GroupNormalization", 21, group_normalization},
};

}  // namespace

std::span<const Lowering> expansion_lowerings() { return kLowerings; }

}  // namespace tenfold::onnx
