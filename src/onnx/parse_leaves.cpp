#include "onnx/parse_leaves.hpp"

namespace tenfold::onnx::proto {

std::pair<std::string_view, std::string_view> parse_entry(std::string_view bytes, const Place& place) {
  std::pair<std::string_view, std::string_view> entry;
  Message m(bytes, place);
  while (m.next()) switch (m.tag()) {
      case 1:
        entry.first = m.text();
        break;
      case 2:
        entry.second = m.text();
        break;
      default:
        m.skip();
    }
  return entry;
}

Tensor parse_tensor(std::string_view bytes, Place place) {
  Tensor t;
  Message m(bytes, place);
  while (m.next()) switch (m.tag()) {
      case 1:
        m.append(t.dims);
        break;
      case 2:
        t.data_type = m.integer(0, INT32_MAX);
        break;
      case 3:
        place.fail("segmented tensors are not supported by any ONNX version in use");
      case 4:
        m.append(t.floats);
        break;
      case 5:
      case 7:
      case 11:
        m.append(t.integers);
        break;
      case 6:
        t.strings.push_back(m.bytes());
        break;
      case 8:
        place.name = t.name = m.text();
        break;
      case 9:
        t.raw = m.bytes();
        t.has_raw = true;
        break;
      case 10:
        m.append(t.doubles);
        break;
      case 13:
        t.external_data.push_back(parse_entry(m.bytes(), place));
        break;
      case 14:
        t.external = m.integer(0, 1) == 1;
        break;
      default:
        m.skip();
    }
  return t;
}

SparseTensor parse_sparse(std::string_view bytes, const Place& place) {
  SparseTensor s;
  Message m(bytes, place);
  while (m.next()) switch (m.tag()) {
      case 1:
        s.values = parse_tensor(m.bytes(), {&place, "values"});
        break;
      case 2:
        s.indices = parse_tensor(m.bytes(), {&place, "indices"});
        break;
      case 3:
        m.append(s.dims);
        break;
      default:
        m.skip();
    }
  return s;
}

namespace {

Dimension parse_dimension(std::string_view bytes, const Place& place) {
  Dimension d;
  Message m(bytes, place);
  while (m.next()) switch (m.tag()) {
      case 1:
        d.value = m.integer();
        break;
      case 2:
        d.param = m.text();
        break;
      default:
        m.skip();
    }
  return d;
}

void parse_tensor_type(std::string_view bytes, const Place& place, ValueInfo& v) {
  Message m(bytes, place);
  while (m.next()) switch (m.tag()) {
      case 1:
        v.elem_type = m.integer(0, INT32_MAX);
        break;
      case 2: {
        v.has_shape = true;
        Message shape(m.bytes(), place);
        while (shape.next()) {
          if (shape.tag() == 1)
            v.dims.push_back(parse_dimension(shape.bytes(), place));
          else
            shape.skip();
        }
        break;
      }
      default:
        m.skip();
    }
}

void parse_type(std::string_view bytes, const Place& place, ValueInfo& v) {
  Message m(bytes, place);
  while (m.next()) switch (m.tag()) {
      case 1:
        v.kind = TypeKind::tensor;
        parse_tensor_type(m.bytes(), place, v);
        break;
      case 4:
        v.kind = TypeKind::sequence;
        m.skip();
        break;
      case 5:
        v.kind = TypeKind::map;
        m.skip();
        break;
      case 8:
        v.kind = TypeKind::sparse_tensor;
        m.skip();
        break;
      case 9:
        v.kind = TypeKind::optional;
        m.skip();
        break;
      default:
        m.skip();
    }
}

}  // namespace

ValueInfo parse_value_info(std::string_view bytes, Place place) {
  ValueInfo v;
  Message m(bytes, place);
  while (m.next()) switch (m.tag()) {
      case 1:
        place.name = v.name = m.text();
        break;
      case 2:
        parse_type(m.bytes(), place, v);
        break;
      default:
        m.skip();
    }
  if (v.name.empty()) place.fail("no name");
  return v;
}

}  // namespace tenfold::onnx::proto
