// Bytes to proto::Model: field numbers follow onnx.proto.
#include "onnx/parse_leaves.hpp"

namespace tenfold::onnx::proto {
namespace {

/// Subgraphs nest through attributes; no real model comes near this.
constexpr int kMaxNesting = 16;
constexpr int64_t kAny = INT64_MAX;

Graph parse_graph(std::string_view bytes, Place place, int nesting);

/// Files before IR version 2 may leave the type out: the field that is present tells it.
AttributeType type_of_field(uint32_t tag) {
  switch (tag) {
    case 2:
      return AttributeType::number;
    case 3:
      return AttributeType::integer;
    case 4:
      return AttributeType::string;
    case 5:
      return AttributeType::tensor;
    case 6:
      return AttributeType::graph;
    case 7:
      return AttributeType::numbers;
    case 8:
      return AttributeType::integers;
    case 9:
      return AttributeType::strings;
    default:
      return AttributeType::undefined;
  }
}

Attribute parse_attribute(std::string_view bytes, Place place, int nesting) {
  Attribute a;
  AttributeType seen = AttributeType::undefined;
  Message m(bytes, place);
  while (m.next()) {
    if (const AttributeType type = type_of_field(m.tag()); type != AttributeType::undefined) seen = type;
    switch (m.tag()) {
      case 1:
        place.name = a.name = m.text();
        break;
      case 2:
        a.f = m.number();
        break;
      case 3:
        a.i = m.integer();
        break;
      case 4:
        a.s = m.bytes();
        break;
      case 5:
        a.t = std::make_unique<Tensor>(parse_tensor(m.bytes(), {&place, "tensor"}));
        break;
      case 6:
        a.g = std::make_unique<Graph>(parse_graph(m.bytes(), {&place, "subgraph"}, nesting + 1));
        break;
      case 7:
        m.append(a.floats);
        break;
      case 8:
        m.append(a.ints);
        break;
      case 9:
        a.strings.push_back(m.bytes());
        break;
      case 20:
        a.type = static_cast<AttributeType>(m.integer(0, static_cast<int64_t>(AttributeType::types)));
        break;
      case 21:
        a.ref_name = m.text();
        break;
      case 22:
        a.sparse = std::make_unique<SparseTensor>(parse_sparse(m.bytes(), {&place, "sparse tensor"}));
        break;
      default:
        m.skip();
    }
  }
  if (a.name.empty()) place.fail("an attribute has no name");
  if (a.type == AttributeType::undefined) a.type = seen;
  if (a.ref_name.empty() &&
      ((a.type == AttributeType::tensor && !a.t) || (a.type == AttributeType::graph && !a.g) ||
       (a.type == AttributeType::sparse_tensor && !a.sparse)))
    place.fail("the value that its type announces is missing");
  return a;
}

Node parse_node(std::string_view bytes, Place place, int nesting) {
  Node n;
  Message m(bytes, place);
  while (m.next()) switch (m.tag()) {
      case 1:
        n.inputs.push_back(m.text());
        break;
      case 2:
        n.outputs.push_back(m.text());
        break;
      case 3:
        place.name = n.name = m.text();
        break;
      case 4:
        n.op_type = m.text();
        break;
      case 5: {
        const auto index = static_cast<int64_t>(n.attributes.size());
        n.attributes.push_back(parse_attribute(m.bytes(), {&place, "attribute", index}, nesting));
        break;
      }
      case 7:
        n.domain = m.text();
        break;
      case 8:
        n.overload = m.text();
        break;
      default:
        m.skip();
    }
  if (n.op_type.empty()) place.fail("no operator type");
  if (n.domain == "ai.onnx") n.domain = "";
  return n;
}

Graph parse_graph(std::string_view bytes, Place place, int nesting) {
  if (nesting > kMaxNesting) place.fail("subgraphs are nested deeper than {}", kMaxNesting);
  Graph g;
  const auto index = [](const auto& list) { return static_cast<int64_t>(list.size()); };
  Message m(bytes, place);
  while (m.next()) switch (m.tag()) {
      case 1:
        g.nodes.push_back(parse_node(m.bytes(), {&place, "node", index(g.nodes)}, nesting));
        break;
      case 2:
        g.name = m.text();
        break;
      case 5:
        g.initializers.push_back(parse_tensor(m.bytes(), {&place, "initializer", index(g.initializers)}));
        break;
      case 11:
        g.inputs.push_back(parse_value_info(m.bytes(), {&place, "input", index(g.inputs)}));
        break;
      case 12:
        g.outputs.push_back(parse_value_info(m.bytes(), {&place, "output", index(g.outputs)}));
        break;
      case 13:
        g.value_info.push_back(parse_value_info(m.bytes(), {&place, "value_info", index(g.value_info)}));
        break;
      case 15:
        g.sparse_initializers.push_back(parse_sparse(m.bytes(), {&place, "sparse initializer"}));
        break;
      default:
        m.skip();
    }
  return g;
}

OpsetId parse_opset(std::string_view bytes, const Place& place) {
  OpsetId id;
  Message m(bytes, place);
  while (m.next()) switch (m.tag()) {
      case 1:
        id.domain = m.text();
        break;
      case 2:
        id.version = m.integer(0, kAny);
        break;
      default:
        m.skip();
    }
  if (id.domain == "ai.onnx") id.domain = "";
  return id;
}

Function parse_function(std::string_view bytes, Place place) {
  Function f;
  Message m(bytes, place);
  while (m.next()) switch (m.tag()) {
      case 1:
        place.name = f.name = m.text();
        break;
      case 4:
        f.inputs.push_back(m.text());
        break;
      case 5:
        f.outputs.push_back(m.text());
        break;
      case 7:
        f.nodes.push_back(parse_node(m.bytes(), {&place, "node", static_cast<int64_t>(f.nodes.size())}, 0));
        break;
      case 9:
        f.opsets.push_back(parse_opset(m.bytes(), place));
        break;
      case 10:
        f.domain = m.text();
        break;
      case 11:
        f.attribute_defaults.push_back(parse_attribute(m.bytes(), {&place, "attribute"}, 0));
        break;
      case 13:
        f.overload = m.text();
        break;
      default:
        m.skip();
    }
  if (f.domain == "ai.onnx") f.domain = "";
  return f;
}

}  // namespace

Model parse(std::string_view bytes) {
  Model model;
  const Place place{nullptr, "model"};
  Message m(bytes, place);
  while (m.next()) switch (m.tag()) {
      case 1:
        model.ir_version = m.integer(0, kAny);
        break;
      case 7:
        model.graph = std::make_unique<Graph>(parse_graph(m.bytes(), {nullptr, "graph"}, 0));
        break;
      case 8:
        model.opsets.push_back(parse_opset(m.bytes(), place));
        break;
      case 14:
        model.metadata.push_back(parse_entry(m.bytes(), place));
        break;
      case 25:
        model.functions.push_back(parse_function(m.bytes(), {nullptr, "function"}));
        break;
      default:
        m.skip();
    }
  if (!model.graph) place.fail("no graph: not an ONNX model, or truncated");
  return model;
}

}  // namespace tenfold::onnx::proto
