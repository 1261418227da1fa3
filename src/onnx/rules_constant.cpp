// Constants, casts, control flow that a file decides.
#include <array>

#include "onnx/elem_type.hpp"
#include "onnx/rules.hpp"

namespace tenfold::onnx {
namespace {

void constant_node(NodeImport& n) {
  const auto scalar_or_list = [&](const ir::Attribute& a) -> Tensor {
    if (const auto* f = std::get_if<float>(&a)) return Tensor::scalar(*f);
    if (const auto* i = std::get_if<int64_t>(&a)) return Tensor::scalar(*i);
    if (const auto* s = std::get_if<std::string>(&a)) return Tensor::strings(Shape{}, {*s});
    const auto list = [](const auto& v) { return Shape{static_cast<int64_t>(v.size())}; };
    if (const auto* v = std::get_if<std::vector<float>>(&a)) return Tensor::from<float>(list(*v), *v);
    if (const auto* v = std::get_if<std::vector<int64_t>>(&a)) return Tensor::from<int64_t>(list(*v), *v);
    if (const auto* v = std::get_if<std::vector<std::string>>(&a)) return Tensor::strings(list(*v), *v);
    return std::get<Tensor>(a);
  };
  for (const char* name : {"value", "sparse_value", "value_float", "value_floats", "value_int", "value_ints",
                           "value_string", "value_strings"})
    if (const ir::Attribute* a = n.attrs.find(name)) {
      n.become_constant(scalar_or_list(*a));
      const proto::Attribute* source = n.source.find(name);
      if (source && source->t && (source->t->data_type == kInt4 || source->t->data_type == kUint4))
        n.mark_nibbles(n.outputs[0]);
      return;
    }
  n.fail("a constant without a value");
}

void identity(NodeImport& n) { n.alias(0, n.need(0)); }

/// Attribute `name` holds an element type: half precision is computed in f32, what the graph lacks is
/// refused.
bool normalise_type(NodeImport& n, const char* name) {
  if (!n.attrs.has(name)) return true;
  const int64_t code = n.attrs.get_int(name, 0);
  const auto dtype = ir_dtype(code);
  if (!dtype) {
    n.unsupported("elements of type " + elem_type_name(code));
    return false;
  }
  n.attrs.set(name, elem_type_of(*dtype));
  return true;
}

void cast_to(NodeImport& n, DType to) {
  if (n.dtype_of(n.need(0)) == to)
    n.alias(0, n.inputs[0]);
  else
    n.finish("Cast", {n.inputs[0]}, {{"to", elem_type_of(to)}});
}

void cast(NodeImport& n) {
  if (!n.attrs.has("to")) n.fail("attribute 'to' is missing");
  if (normalise_type(n, "to")) cast_to(n, *ir_dtype(n.attrs.get_int("to", 0)));
}

void cast_like(NodeImport& n) {
  if (const auto dtype = n.dtype_of(n.need(1)))
    cast_to(n, *dtype);
  else
    n.unsupported("the type to cast to is not known before running");
}

/// An exponent of another type than a real base is computed with in the base's type, which kernels need.
void pow(NodeImport& n) {
  const auto base = n.dtype_of(n.need(0)), exponent = n.dtype_of(n.need(1));
  if (base && exponent && is_float(*base) && base != exponent)
    n.inputs[1] = n.emit("Cast", {n.inputs[1]}, {{"to", elem_type_of(*base)}});
  n.keep();
}

void typed_by_attribute(NodeImport& n) {
  if (normalise_type(n, "dtype")) n.keep();
}

/// A branch is taken where the condition is known from the file alone; otherwise both would have to be kept.
void if_node(NodeImport& n) {
  const auto condition = n.integers_of(n.need(0));
  if (!condition || condition->size() != 1) return n.unsupported("the condition is not known before running");
  const proto::Attribute* branch = n.source.find((*condition)[0] ? "then_branch" : "else_branch");
  if (!branch || !branch->g) n.fail("a branch is missing");
  n.inline_branch(*branch->g);
}

void needs_runtime_control_flow(NodeImport& n) { n.unsupported("loops and sequences are not supported"); }

constexpr std::array kRules{
    Rule{"Constant", kAnyOpset, constant_node},
    Rule{"Identity", kAnyOpset, identity},
    Rule{"Cast", kAnyOpset, cast},
    Rule{"CastLike", kAnyOpset, cast_like},
    Rule{"Pow", kAnyOpset, pow},
    Rule{"EyeLike", kAnyOpset, typed_by_attribute},
    Rule{"RandomNormal", kAnyOpset, typed_by_attribute},
    Rule{"RandomNormalLike", kAnyOpset, typed_by_attribute},
    Rule{"RandomUniform", kAnyOpset, typed_by_attribute},
    Rule{"RandomUniformLike", kAnyOpset, typed_by_attribute},
    Rule{"Bernoulli", kAnyOpset, typed_by_attribute},
    Rule{"Multinomial", kAnyOpset, typed_by_attribute},
    Rule{"If", kAnyOpset, if_node},
    Rule{"Loop", kAnyOpset, needs_runtime_control_flow},
    Rule{"Scan", kAnyOpset, needs_runtime_control_flow},
};

}  // namespace

std::span<const Rule> constant_rules() { return kRules; }

}  // namespace tenfold::onnx
