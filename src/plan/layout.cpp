// Layout assignment: spatial operators run channels last (NHWC), everything that follows them elementwise
// too.
//
// The graph is rebuilt node by node.  Every value may exist in two forms, plain (as the model says, channels
// on axis 1) and last (channels on the last axis); a form that is missing is made from the other by one
// Transpose, which is a free Reshape where it only moves extents of 1.  A model's own Transpose between the
// two forms disappears.
#include <algorithm>
#include <numeric>

#include "ops/op.hpp"
#include "plan/lowering.hpp"

namespace tenfold::plan {
namespace {

using ir::kNone;
using ir::ValueId;
using Permutation = std::vector<int64_t>;

Permutation to_last(int rank) {  // N C H W -> N H W C
  Permutation p{0};
  for (int i = 2; i < rank; i++) p.push_back(i);
  p.push_back(1);
  return p;
}
Permutation to_plain(int rank) {  // N H W C -> N C H W
  Permutation p{0, rank - 1};
  for (int i = 1; i < rank - 1; i++) p.push_back(i);
  return p;
}

/// Where axis `axis` of the plain form lies in the last form.
int64_t axis_in_last(int64_t axis, int rank) {
  if (axis < 0) axis += rank;
  return axis == 0 ? 0 : axis == 1 ? rank - 1 : axis - 1;
}

Shape permuted(const Shape& s, const Permutation& p) {
  Shape out;
  for (int64_t i : p) out.push_back(s[static_cast<int>(i)]);
  return out;
}

bool moves_only_ones(const Shape& s, const Permutation& p) {
  int64_t previous = -1;
  for (int64_t i : p) {
    if (s[static_cast<int>(i)] == 1) continue;
    if (i < previous) return false;
    previous = i;
  }
  return true;
}

class Rebuilder {
 public:
  explicit Rebuilder(const ir::Graph& from) : from_(from), forms_(from.value_count()) {}

  ir::Graph run() {
    to_.name = from_.name;
    to_.metadata = from_.metadata;
    for (ValueId id : from_.inputs) {
      const ir::Value& v = from_.value(id);
      form(id).plain = to_.add_input(v.name, v.dtype, *v.shape);
    }
    for (ir::NodeId id : from_.topological_order()) rebuild(from_.node(id));
    for (ValueId id : from_.outputs) to_.outputs.push_back(plain(id));
    name_outputs();
    return std::move(to_);
  }

 private:
  struct Forms {
    ValueId plain = kNone, last = kNone;
  };

  Forms& form(ValueId id) { return forms_[static_cast<size_t>(id)]; }
  const Shape& shape(ValueId id) const { return *from_.value(id).shape; }
  int rank(ValueId id) const { return from_.value(id).shape ? shape(id).rank() : 0; }
  /// The form in which a value was computed is channels last.
  bool is_last(ValueId id) { return id != kNone && form(id).last != kNone && form(id).plain == kNone; }

  ValueId add(std::string op, std::vector<ValueId> ins, ir::Attributes attrs, const std::string& name) {
    const ir::NodeId n = to_.add_node(std::move(op), std::move(ins), std::move(attrs), 1, name);
    ops::infer(to_, n);
    return to_.node(n).output();
  }

  ValueId transposed(ValueId value, const Permutation& p) {
    const Shape s = *to_.value(value).shape;
    const std::string name = to_.value(value).name;
    if (const Tensor* data = to_.constant(value))
      return to_.add_constant(to_.unique_name(name), transpose_constant(*data, p));
    if (!moves_only_ones(s, p)) return add("Transpose", {value}, {{"perm", p}}, name + ".layout");
    const Shape target = permuted(s, p);
    const ValueId extents = to_.add_constant(to_.unique_name(name + ".shape"),
                                             Tensor::from<int64_t>({target.rank()}, target.dims()));
    return add("Reshape", {value, extents}, {{"allowzero", int64_t{1}}}, name + ".layout");
  }

  static Tensor transpose_constant(const Tensor& data, const Permutation& p) {
    ir::Graph g;
    const ValueId x = g.add_input("x", data.dtype(), data.shape());
    const ir::NodeId n = g.add_node("Transpose", {x}, {{"perm", p}});
    ops::infer(g, n);
    return ops::evaluate(g, n, std::span(&data, 1))[0];
  }

  ValueId plain(ValueId id) {
    if (id == kNone) return kNone;
    Forms& f = form(id);
    if (f.plain != kNone) return f.plain;
    if (from_.value(id).is_constant())
      return f.plain = to_.add_constant(to_.unique_name(from_.value(id).name), from_.value(id).constant);
    ensure(f.last != kNone, "'{}' is used before it is computed", from_.value(id).name);
    return f.plain = transposed(f.last, to_plain(rank(id)));
  }

  ValueId last(ValueId id) {
    Forms& f = form(id);
    if (f.last != kNone) return f.last;
    const ValueId p = plain(id);
    return form(id).last = transposed(p, to_last(rank(id)));
  }

  /// An operand that broadcasts against a channels-last tensor of the given rank.
  ValueId last_broadcast(ValueId id, int target_rank) {
    const Shape& s = shape(id);
    if (s.rank() == target_rank) return last(id);
    if (s.elements() == 1) return plain(id);
    std::vector<int64_t> dims(static_cast<size_t>(target_rank - s.rank()), 1);
    dims.insert(dims.end(), s.begin(), s.end());
    const ValueId p = plain(id);
    if (const Tensor* data = to_.constant(p))
      return transposed(to_.add_constant(to_.unique_name(to_.value(p).name), data->reshaped(Shape(dims))),
                        to_last(target_rank));
    const ValueId extents =
        to_.add_constant(to_.unique_name("extents"), Tensor::from<int64_t>({target_rank}, dims));
    return transposed(add("Reshape", {p, extents}, {}, to_.value(p).name + ".unsqueezed"),
                      to_last(target_rank));
  }

  void finish(const ir::Node& n, std::vector<ValueId> ins, ir::Attributes attrs, bool channels_last) {
    std::vector<ValueId> outs;
    for (ValueId out : n.outputs)
      outs.push_back(out == kNone
                         ? kNone
                         : to_.add_value(to_.unique_name(from_.value(out).name), from_.value(out).dtype));
    const ir::NodeId id = to_.add_node_onto(n.op, std::move(ins), outs, std::move(attrs), n.name);
    ops::infer(to_, id);
    for (size_t i = 0; i < outs.size(); i++)
      if (outs[i] != kNone) (channels_last ? form(n.outputs[i]).last : form(n.outputs[i]).plain) = outs[i];
  }

  void rebuild(const ir::Node& n) {
    const ops::OpDef* op = ops::find(n.op);
    if (n.op == "Transpose" && absorb_transpose(n)) return;
    if (op->kind == ops::OpKind::spatial && rank(n.input(0)) >= 3 && rank(n.output()) == rank(n.input(0)))
      return spatial(n);
    if (is_elementwise(*op) && follows_last(n)) return elementwise(n);
    if (n.op == "Concat" && follows_last(n)) return with_axis(n, n.inputs);
    if ((n.op == "Split" || n.op == "Softmax" || n.op == "LogSoftmax") && is_last(n.input(0)))
      return with_axis(n, {n.input(0)});
    if (n.op == "DynamicQuantizeLinear" && is_last(n.input(0))) return dynamic_quantize(n);
    if (n.op == "Slice" && is_last(n.input(0)) && from_.constant(n.input(3))) return slice(n);
    if (n.op == "DepthToSpace" && is_last(n.input(0))) return depth_to_space(n);
    if (n.op == "SpaceToDepth" && is_last(n.input(0))) return space_to_depth(n);
    if (n.op.starts_with("Arg") && is_last(n.input(0))) return position(n);
    if ((n.op == "Resize" || n.op == "QResize") && is_last(n.input(0)) && resizes_by_constants(n))
      return resize(n);
    if (n.op == "Pad" && is_last(n.input(0)) && from_.constant(n.input(1)) && n.input(3) == kNone)
      return pad(n);
    if (n.op.starts_with("Reduce") && is_last(n.input(0)) && from_.constant(n.input(1))) return reduce(n);
    std::vector<ValueId> ins;
    for (ValueId v : n.inputs) ins.push_back(plain(v));
    finish(n, std::move(ins), n.attrs, false);
  }

  static bool is_elementwise(const ops::OpDef& op) {
    return op.kind == ops::OpKind::unary || op.kind == ops::OpKind::binary;
  }

  /// Some operand of full rank was computed channels last.  Others that only exist plain are transposed.
  bool follows_last(const ir::Node& n) {
    const int r = rank(n.output());
    if (n.attrs.get_int("block_size", 0) > 0) return false;  // its scales have the tensor's rank
    return r >= 3 && std::ranges::any_of(n.inputs, [&](ValueId v) { return is_last(v) && rank(v) == r; });
  }

  void spatial(const ir::Node& n) {
    std::vector<ValueId> ins{last(n.input(0))};
    for (size_t i = 1; i < n.inputs.size(); i++) {
      const ValueId v = n.inputs[i];
      // A residual comes behind the weights, which may happen to have the output's shape.
      const bool residual = i >= 3 && v != kNone && rank(v) == rank(n.output());
      ins.push_back(residual ? last(v) : plain(v));
    }
    ir::Attributes attrs = n.attrs;
    attrs.set("channels_last", int64_t{1});
    finish(n, std::move(ins), std::move(attrs), true);
  }

  void elementwise(const ir::Node& n) {
    const int r = rank(n.output());
    // Quantization along channels names its axis; its parameters are vectors, not broadcast operands.
    const bool quantization = n.op == "QuantizeLinear" || n.op == "DequantizeLinear";
    ir::Attributes attrs = n.attrs;
    if (quantization) attrs.set("axis", axis_in_last(attrs.get_int("axis", 1), r));
    std::vector<ValueId> ins;
    for (size_t i = 0; i < n.inputs.size(); i++) {
      const ValueId v = n.inputs[i];
      if (v == kNone)
        ins.push_back(kNone);
      else if (i > 0 && quantization)
        ins.push_back(plain(v));
      else
        ins.push_back(last_broadcast(v, r));
    }
    finish(n, std::move(ins), std::move(attrs), true);
  }

  /// The scale and the zero point are scalars in either form.
  void dynamic_quantize(const ir::Node& n) {
    finish(n, {last(n.input(0))}, n.attrs, true);
    for (size_t i = 1; i < n.outputs.size(); i++)
      if (n.outputs[i] != kNone) form(n.outputs[i]) = {.plain = form(n.outputs[i]).last};
  }

  void with_axis(const ir::Node& n, const std::vector<ValueId>& tensors) {
    const int r = rank(n.input(0));
    ir::Attributes attrs = n.attrs;
    attrs.set("axis", axis_in_last(n.attrs.get_int("axis", n.op == "Split" ? 0 : -1), r));
    std::vector<ValueId> ins;
    for (size_t i = 0; i < n.inputs.size(); i++)
      ins.push_back(i < tensors.size() ? last(n.inputs[i]) : plain(n.inputs[i]));
    finish(n, std::move(ins), std::move(attrs), true);
  }

  ValueId remapped_axes(ValueId axes, int r) {
    std::vector<int64_t> mapped;
    const Tensor& data = *from_.constant(axes);
    for (int64_t i = 0; i < data.elements(); i++) mapped.push_back(axis_in_last(data.at_int(i), r));
    return to_.add_constant(to_.unique_name("axes"), Tensor::from<int64_t>(Shape{data.elements()}, mapped));
  }

  void slice(const ir::Node& n) {
    finish(n,
           {last(n.input(0)), plain(n.input(1)), plain(n.input(2)),
            remapped_axes(n.input(3), rank(n.input(0))), plain(n.input(4))},
           n.attrs, true);
  }

  /// Without the reduced axes the others keep their order only where these are the channels.
  void reduce(const ir::Node& n) {
    const int r = rank(n.input(0));
    const Tensor& axes = *from_.constant(n.input(1));
    const bool channels = axes.elements() == 1 && axis_in_last(axes.at_int(0), r) == r - 1;
    const bool keep = n.attrs.get_int("keepdims", 1) != 0;
    if (!keep && !channels) return finish(n, {plain(n.input(0)), plain(n.input(1))}, n.attrs, false);
    finish(n, {last(n.input(0)), remapped_axes(n.input(1), r)}, n.attrs, keep);
  }

  /// ArgMax, ArgMin.
  void position(const ir::Node& n) {
    const int r = rank(n.input(0));
    const int64_t axis = axis_in_last(n.attrs.get_int("axis", 0), r);
    const bool keep = n.attrs.get_int("keepdims", 1) != 0;
    if (!keep && axis != r - 1) return finish(n, {plain(n.input(0))}, n.attrs, false);
    ir::Attributes attrs = n.attrs;
    attrs.set("axis", axis);
    finish(n, {last(n.input(0))}, std::move(attrs), keep);
  }

  ValueId reshaped(const ir::Node& n, ValueId v, const std::vector<int64_t>& dims) {
    const auto extents = Tensor::from<int64_t>({std::ssize(dims)}, dims);
    return add("Reshape", {v, to_.add_constant(to_.unique_name(n.name + ".shape"), extents)},
               {{"allowzero", int64_t{1}}}, n.name + ".blocks");
  }

  /// Channels last, blocks of channels are runs of memory (DCR) or single elements (CRD).
  void depth_to_space(const ir::Node& n) {
    const Shape &x = shape(n.input(0)), &y = shape(n.output());
    const int64_t s = n.attrs.get_int("blocksize", 1);
    const bool crd = n.attrs.get_string("mode", "DCR") == "CRD";
    const ValueId blocks = crd ? reshaped(n, last(n.input(0)), {x[0], x[2], x[3], y[1], s, s})
                               : reshaped(n, last(n.input(0)), {x[0], x[2], x[3], s, s, y[1]});
    const Permutation perm = crd ? Permutation{0, 1, 4, 2, 5, 3} : Permutation{0, 1, 3, 2, 4, 5};
    const ValueId moved = add("Transpose", {blocks}, {{"perm", perm}}, n.name);
    form(n.output()).last = reshaped(n, moved, {y[0], y[2], y[3], y[1]});
  }
  void space_to_depth(const ir::Node& n) {
    const Shape &x = shape(n.input(0)), &y = shape(n.output());
    const int64_t s = n.attrs.get_int("blocksize", 1);
    const ValueId blocks = reshaped(n, last(n.input(0)), {x[0], y[2], s, y[3], s, x[1]});
    const ValueId moved = add("Transpose", {blocks}, {{"perm", Permutation{0, 1, 3, 2, 4, 5}}}, n.name);
    form(n.output()).last = reshaped(n, moved, {y[0], y[2], y[3], y[1]});
  }

  /// Scales or sizes for every axis, no region of interest.
  bool resizes_by_constants(const ir::Node& n) {
    for (size_t i = 1; i < n.inputs.size(); i++) {
      const Tensor* t = from_.constant(n.inputs[i]);
      if (n.inputs[i] != kNone && (!t || (i == 1 && t->elements() > 0))) return false;
    }
    return n.attrs.get_ints("axes").empty();
  }
  void resize(const ir::Node& n) {
    const int r = rank(n.input(0));
    std::vector<ValueId> ins{last(n.input(0))};
    for (size_t i = 1; i < n.inputs.size(); i++) {
      const Tensor* t = from_.constant(n.inputs[i]);
      if (!t || t->elements() != r) {
        ins.push_back(plain(n.inputs[i]));
        continue;
      }
      Tensor mapped(t->dtype(), t->shape());
      dispatch(t->dtype(), [&](auto tag) {
        using T = decltype(tag);
        for (int axis = 0; axis < r; axis++)
          mapped.mutable_data<T>()[axis_in_last(axis, r)] = t->data<T>()[axis];
      });
      ins.push_back(to_.add_constant(to_.unique_name(n.name + ".resized"), std::move(mapped)));
    }
    finish(n, std::move(ins), n.attrs, true);
  }

  void pad(const ir::Node& n) {
    const int r = rank(n.input(0));
    const Tensor& pads = *from_.constant(n.input(1));
    std::vector<int64_t> mapped(static_cast<size_t>(2 * r));
    for (int i = 0; i < r; i++) {
      const auto to = static_cast<size_t>(axis_in_last(i, r));
      mapped[to] = pads.at_int(i);
      mapped[to + static_cast<size_t>(r)] = pads.at_int(i + r);
    }
    std::vector<ValueId> ins{
        last(n.input(0)), to_.add_constant(to_.unique_name("pads"), Tensor::from<int64_t>({2 * r}, mapped))};
    if (n.inputs.size() > 2) ins.push_back(plain(n.input(2)));
    finish(n, std::move(ins), n.attrs, true);
  }

  /// A Transpose whose result is a form that exists already: another name for it.
  bool absorb_transpose(const ir::Node& n) {
    const int r = rank(n.input(0));
    if (r < 3) return false;
    const Permutation perm = n.attrs.get_ints("perm");
    if (perm == to_last(r) && is_last(n.input(0))) {
      form(n.output()).plain = last(n.input(0));
      return true;
    }
    if (perm == to_plain(r) && !is_last(n.input(0))) {
      form(n.output()).last = plain(n.input(0));
      return true;
    }
    return false;
  }

  /// The model's output names belong to the values that the caller gets.
  void name_outputs() {
    for (size_t i = 0; i < from_.outputs.size(); i++) {
      const std::string& want = from_.value(from_.outputs[i]).name;
      ir::Value& v = to_.value(to_.outputs[i]);
      if (v.name == want || to_.is_input(to_.outputs[i])) continue;
      for (size_t j = 0; j < to_.value_count(); j++)
        if (to_.value(static_cast<ValueId>(j)).name == want)
          std::swap(to_.value(static_cast<ValueId>(j)).name, v.name);
    }
  }

  const ir::Graph& from_;
  ir::Graph to_;
  std::vector<Forms> forms_;
};

}  // namespace

ir::Graph assign_layout(const ir::Graph& graph) { return Rebuilder(graph).run(); }

}  // namespace tenfold::plan
