#include "onnx/importer.hpp"

#include "onnx/elem_type.hpp"
#include "onnx/engine_only.hpp"
#include "onnx/rules.hpp"
#include "ops/op.hpp"

namespace tenfold::onnx {

using ir::kNone;
using ir::ValueId;

namespace {

/// Functions that call functions multiply; a few kilobytes may not ask for billions of nodes.  What leaves no
/// node behind, such as calls and constants, counts as well: it takes time and memory all the same.
constexpr int kMaxDepth = 32;
constexpr size_t kMaxInlined = 1'000'000;

}  // namespace

std::optional<ValueId> Scope::find(std::string_view name) const {
  for (const Scope* s = this; s; s = s->outer)
    if (const auto it = s->names.find(name); it != s->names.end()) return it->second;
  return std::nullopt;
}

Importer::Importer(const proto::Model& model, TensorReader& tensors) : model_(model), tensors_(tensors) {
  for (const proto::Function& f : model.functions)
    functions_.emplace(FunctionKey{f.domain, f.name, f.overload}, &f);
}

ir::Graph Importer::run() {
  if (model_.ir_version < 3)
    fail(ErrorCode::unsupported, "IR version {}: versions 3 and newer are read (re-export the model)",
         model_.ir_version);
  const proto::Graph& source = *model_.graph;
  graph_.name = source.name;
  for (const auto& [key, value] : model_.metadata) graph_.metadata[std::string(key)] = value;

  // A node has an output or two, and rules add a constant to some.
  graph_.reserve(source.initializers.size() + source.inputs.size() + 2 * source.nodes.size(),
                 source.nodes.size());
  Scope top;
  import_opsets(top, model_.opsets, "the model");
  import_initializers(source, top);
  import_inputs(source, top);
  declare_outputs(source.nodes, top);
  import_nodes(source.nodes, top);
  report_unsupported();
  import_outputs(source, top);
  drop_identities();
  graph_.remove_dead();
  return std::move(graph_).compact();
}

void Importer::import_opsets(Scope& scope, const std::vector<proto::OpsetId>& opsets,
                             std::string_view where) {
  for (const proto::OpsetId& id : opsets) scope.opsets[id.domain] = id.version;
  const auto standard = scope.opsets.find("");
  if (standard == scope.opsets.end()) return;  // a model of other domains only; each node is checked
  if (standard->second < kOldestOpset || standard->second > kNewestOpset)
    fail(ErrorCode::unsupported,
         "{} uses operator set {}; {} to {} are known (convert with onnx.version_converter, or export again)",
         where, standard->second, kOldestOpset, kNewestOpset);
}

std::optional<Shape> Importer::import_shape(const proto::ValueInfo& info) {
  if (!info.has_shape) return std::nullopt;
  Shape shape;
  for (const proto::Dimension& d : info.dims) {
    const bool named = !d.param.empty() && d.param != "?" &&
                       d.param != "*";  // some exporters write these for unknown, or -1
    if (named)
      shape.push_back(graph_.symbol(d.param));
    else if (d.value >= 0 && d.param.empty())
      shape.push_back(d.value);
    else if (d.value < -1)
      fail(ErrorCode::invalid_model,
           "'{}': dimension {} is {}; expected 0 or more, or -1 where it is unknown", info.name, shape.rank(),
           d.value);
    else
      shape.push_back(graph_.symbol(fmt::format("{}.{}", info.name, shape.rank())));
  }
  return shape;
}

void Importer::import_initializers(const proto::Graph& source, Scope& scope) {
  const auto add = [&](std::string_view name, Tensor data) {
    if (name.empty()) fail(ErrorCode::invalid_model, "an initializer has no name");
    std::string unique =
        scope.prefix.empty() ? std::string(name) : graph_.unique_name(scope.prefix + std::string(name));
    if (!scope.names.emplace(name, graph_.add_constant(std::move(unique), std::move(data))).second)
      fail(ErrorCode::invalid_model, "two initializers are named '{}'", name);
  };
  const auto read = [&](std::string_view name, const auto& make) {
    try {
      return make();
    } catch (const std::bad_alloc&) {
      fail(ErrorCode::unsupported, "initializer '{}': there is not enough memory for it", name);
    }
  };
  for (const proto::Tensor& t : source.initializers) {
    add(t.name, read(t.name, [&] { return tensors_.read(t); }));
    if (t.data_type == kInt4 || t.data_type == kUint4) nibbles_.insert(scope.names.at(t.name));
  }
  for (const proto::SparseTensor& t : source.sparse_initializers)
    add(t.values.name, read(t.values.name, [&] { return tensors_.read_dense(t); }));
}

void Importer::import_inputs(const proto::Graph& source, Scope& scope) {
  for (const proto::ValueInfo& info : source.inputs) {
    // Before IR version 4 initializers are listed as inputs too; with a default they are constants to us.
    if (scope.names.contains(info.name)) continue;
    if (info.kind != proto::TypeKind::tensor)
      fail(ErrorCode::unsupported,
           "input '{}' is no dense tensor (sequences, maps and optionals are not supported)", info.name);
    const auto dtype = ir_dtype(info.elem_type);
    if (!dtype)
      fail(ErrorCode::unsupported, "input '{}' has elements of type {}", info.name,
           elem_type_name(info.elem_type));
    std::optional<Shape> shape = import_shape(info);
    const ValueId id = graph_.add_value(std::string(info.name), *dtype, std::move(shape));
    graph_.inputs.push_back(id);
    scope.names.emplace(info.name, id);
  }
}

void Importer::declare_outputs(const std::vector<proto::Node>& nodes, Scope& scope) {
  for (const proto::Node& node : nodes) {
    count(scope, 1 + node.outputs.size());
    for (const std::string_view name : node.outputs) {
      if (name.empty()) continue;
      std::string unique =
          scope.prefix.empty() ? std::string(name) : graph_.unique_name(scope.prefix + std::string(name));
      if (scope.names.contains(name)) fail(ErrorCode::invalid_model, "value '{}' is produced twice", name);
      scope.names.emplace(name, graph_.add_value(std::move(unique), DType::f32));
    }
  }
}

void Importer::import_nodes(const std::vector<proto::Node>& nodes, Scope& scope) {
  Scope* const outer = std::exchange(scope_, &scope);
  for (const proto::Node& node : nodes) try {
      import_node(node, scope);
    } catch (const std::bad_alloc&) {
      fail(ErrorCode::unsupported, "{} '{}': there is not enough memory for it", node.op_type, node.name);
    }
  scope_ = outer;
}

const proto::Function* Importer::find_function(const proto::Node& node) const {
  const auto it = functions_.find({node.domain, node.op_type, node.overload});
  return it == functions_.end() ? nullptr : it->second;
}

void Importer::import_node(const proto::Node& source, Scope& scope) {
  const proto::Function* function = find_function(source);
  const auto version = scope.opsets.find(source.domain);
  if (version == scope.opsets.end() && source.domain.empty() && !function)
    fail(ErrorCode::invalid_model,
         "the model does not say which version of the standard operator set it uses");
  NodeImport node(*this, source, version == scope.opsets.end() ? 1 : version->second);
  node.name = source.name.empty() && !source.outputs.empty() ? source.outputs[0] : source.name;
  for (const std::string_view name : source.inputs) {
    const auto id = name.empty() ? kNone : scope.find(name);
    if (!id) node.fail("input '{}' is no input, initializer or output of an earlier node", name);
    node.inputs.push_back(*id);  // kNone also for what the call of a function omits
  }
  while (!node.inputs.empty() && node.inputs.back() == kNone) node.inputs.pop_back();
  for (const std::string_view name : source.outputs)
    node.outputs.push_back(name.empty() ? kNone : scope.names.at(name));
  node.attrs = import_attributes(source, scope);

  if (function) return import_function(*function, node, scope);
  if (const Rule* rule = find_rule(source.domain, source.op_type, node.opset)) return rule->rewrite(node);
  // The graph's own operators are no part of ONNX: nothing has checked such a node.
  if (!source.domain.empty() || is_engine_operator(source.op_type) || source.op_type == "SiLU")
    return node.unsupported("");
  if (node.inputs.size() > max_file_inputs(source.op_type))
    node.fail("{} inputs, at most {} exist", node.inputs.size(), max_file_inputs(source.op_type));
  node.keep();
}

void Importer::import_outputs(const proto::Graph& source, Scope& scope) {
  for (const proto::ValueInfo& info : source.outputs) {
    const ValueId id = scope.find(info.name).value_or(kNone);
    if (id == kNone) fail(ErrorCode::invalid_model, "output '{}' is produced by no node", info.name);
    graph_.outputs.push_back(id);
    ir::Value& value = graph_.value(id);
    if (!value.shape && info.kind == proto::TypeKind::tensor) value.shape = import_shape(info);
  }
  if (graph_.outputs.empty()) fail(ErrorCode::invalid_model, "the graph has no outputs");
}

void Importer::import_function(const proto::Function& function, NodeImport& call, Scope& scope) {
  if (scope.depth >= kMaxDepth) call.fail("functions call each other more than {} deep", kMaxDepth);
  Scope body;
  body.depth = scope.depth + 1;
  body.prefix = call.name + "/";
  body.opsets = scope.opsets;
  import_opsets(body, function.opsets, "a function");
  ir::Attributes values = call.attrs;
  for (const proto::Attribute& a : function.attribute_defaults)
    if (!values.has(a.name) && a.type != proto::AttributeType::graph) values.set(a.name, import_attribute(a));
  body.call = &values;
  for (size_t i = 0; i < function.inputs.size(); i++) body.names[function.inputs[i]] = call.input(i);
  declare_outputs(function.nodes, body);
  import_nodes(function.nodes, body);
  for (size_t i = 0; i < call.outputs.size(); i++) {
    if (call.outputs[i] == kNone) continue;
    const ValueId id = i < function.outputs.size() ? body.find(function.outputs[i]).value_or(kNone) : kNone;
    if (id == kNone) call.fail("the function does not produce output {}", i);
    call.alias(i, id);
  }
}

void Importer::import_branch(const proto::Graph& source, NodeImport& node) {
  if (scope_->depth >= kMaxDepth) node.fail("branches are nested more than {} deep", kMaxDepth);
  Scope body;
  body.outer = scope_;
  body.depth = scope_->depth + 1;
  body.prefix = node.name + "/";
  body.opsets = scope_->opsets;
  body.call = scope_->call;
  import_initializers(source, body);
  declare_outputs(source.nodes, body);
  import_nodes(source.nodes, body);
  for (size_t i = 0; i < node.outputs.size(); i++) {
    if (node.outputs[i] == kNone) continue;
    const ValueId id = i < source.outputs.size() ? body.find(source.outputs[i].name).value_or(kNone) : kNone;
    if (id == kNone) node.fail("the branch does not produce output {}", i);
    node.alias(i, id);
  }
}

void Importer::count(const Scope& scope, size_t nodes_and_values) {
  if (scope.depth == 0) return;  // the file holds each of these
  inlined_ += nodes_and_values;
  if (inlined_ > kMaxInlined)
    fail(ErrorCode::unsupported, "functions and branches give more than {} nodes and values", kMaxInlined);
}

void Importer::added(ir::NodeId id, const NodeImport& origin) {
  count(*scope_, 1);
  const ir::Node& node = graph_.node(id);
  if (!ops::find(node.op))
    return note_unsupported(origin, node.op == origin.source.op_type ? "" : "becomes " + node.op);
  for (const auto& [name, value] : node.attrs)
    if (is_engine_attribute(name)) origin.fail("attribute '{}' is none of the operator's", name);
  // What follows an unknown operator is unknown too; the error that counts is the list of them.
  if (unsupported_.empty()) ops::infer(graph_, id);
}

void Importer::note_unsupported(const NodeImport& node, std::string_view why) {
  std::string op(node.source.op_type);
  if (!node.source.domain.empty()) op = fmt::format("{}.{}", node.source.domain, op);
  Unsupported& entry = unsupported_[std::move(op)];
  if (entry.count++ > 0) return;
  entry.node = node.name;
  entry.why = why;
}

void Importer::drop_identities() {
  for (ir::NodeId id = 0; id < static_cast<ir::NodeId>(graph_.node_count()); id++) {
    const ir::Node& node = graph_.node(id);
    if (!node.alive || node.op != "Identity") continue;
    const ValueId from = node.input(0), to = node.output();
    // An input or constant that is returned as it is, or one value under two output names, needs the node.
    if (graph_.is_output(to) &&
        (graph_.is_input(from) || graph_.is_output(from) || graph_.value(from).is_constant()))
      continue;
    if (!graph_.value(from).shape)
      graph_.value(from).shape = graph_.value(to).shape;  // declared of an output
    graph_.replace_uses(to, from);
    graph_.remove_node(id);
  }
}

void Importer::report_unsupported() const {
  if (unsupported_.empty()) return;
  std::string list;
  for (const auto& [op, what] : unsupported_) {
    list += fmt::format("{}{} ({}x, first in node '{}'", list.empty() ? "" : "; ", op, what.count, what.node);
    list += what.why.empty() ? ")" : fmt::format(": {})", what.why);
  }
  fail(ErrorCode::unsupported, "{} unsupported operator{}: {}", unsupported_.size(),
       unsupported_.size() == 1 ? "" : "s", list);
}

}  // namespace tenfold::onnx
