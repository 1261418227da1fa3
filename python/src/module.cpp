// tenfold._core: the C++ library as Python sees it.  Shapes and checks live in C++; python/tenfold adds the ONNX
// Runtime shaped surface.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include "api/model.hpp"

namespace nb = nanobind;
using namespace tenfold;  // NOLINT: this file is nothing but glue

namespace {

using Array = nb::ndarray<nb::c_contig, nb::device::cpu>;

DType dtype_from(const nb::dlpack::dtype& t) {
  using Code = nb::dlpack::dtype_code;
  const auto code = static_cast<Code>(t.code);
  if (t.lanes == 1) {
    if (code == Code::Float && t.bits == 32) return DType::f32;
    if (code == Code::Float && t.bits == 64) return DType::f64;
    if (code == Code::Bool) return DType::boolean;
    if (code == Code::Int) {
      if (t.bits == 8) return DType::s8;
      if (t.bits == 16) return DType::s16;
      if (t.bits == 32) return DType::i32;
      if (t.bits == 64) return DType::i64;
    }
    if (code == Code::UInt) {
      if (t.bits == 8) return DType::u8;
      if (t.bits == 16) return DType::u16;
      if (t.bits == 32) return DType::u32;
      if (t.bits == 64) return DType::u64;
    }
  }
  fail(ErrorCode::invalid_argument, "arrays of {} bits and DLPack code {} are not supported", t.bits, t.code);
}

nb::dlpack::dtype dtype_to(DType t) {
  using Code = nb::dlpack::dtype_code;
  const Code code = is_float(t) ? Code::Float : t == DType::boolean ? Code::Bool
                    : t == DType::u8 || t == DType::u16 || t == DType::u32 || t == DType::u64 ? Code::UInt : Code::Int;
  return {static_cast<uint8_t>(code), static_cast<uint8_t>(8 * size_of(t)), 1};
}

/// The array's memory as a tensor; `array` stays alive through the owner.
Tensor borrow(const Array& array) {
  Shape shape;
  for (size_t i = 0; i < array.ndim(); i++) shape.push_back(static_cast<int64_t>(array.shape(i)));
  const DType type = dtype_from(array.dtype());
  static const std::byte kNothing[kTensorSlack]{};
  const void* data = array.size() ? array.data() : kNothing;
  auto keep = std::make_shared<Array>(array);
  return Tensor(type, std::move(shape), data, std::shared_ptr<const void>(keep, keep.get()));
}

/// A NumPy array over the tensor's memory.
nb::object lend(Tensor tensor) {
  auto* owner = new Tensor(std::move(tensor));
  nb::capsule capsule(owner, [](void* p) noexcept { delete static_cast<Tensor*>(p); });
  std::vector<size_t> shape(owner->shape().begin(), owner->shape().end());
  nb::ndarray<nb::numpy> array(owner->mutable_raw(), shape.size(), shape.data(), capsule, nullptr, dtype_to(owner->dtype()));
  return nb::cast(array);
}

struct IoInfo {
  std::string name, type;
  std::vector<std::variant<int64_t, std::string>> shape;
};

IoInfo describe(const ir::Graph& g, ir::ValueId id) {
  const ir::Value& v = g.value(id);
  IoInfo info{v.name, std::string(to_string(v.dtype)), {}};
  if (v.shape)
    for (int64_t d : *v.shape) {
      if (is_symbol(d)) info.shape.emplace_back(g.symbol_name(d));
      else info.shape.emplace_back(d);
    }
  return info;
}

std::vector<IoInfo> describe_all(const ir::Graph& g, const std::vector<ir::ValueId>& ids) {
  std::vector<IoInfo> all;
  for (ir::ValueId id : ids) all.push_back(describe(g, id));
  return all;
}

nb::list run(exec::Session& session, const std::vector<Array>& feeds) {
  std::vector<Tensor> tensors, results;
  for (const Array& a : feeds) tensors.push_back(borrow(a));
  {
    const nb::gil_scoped_release release;
    results = session.run(tensors);
  }
  tensors.clear();
  nb::list list;
  for (Tensor& t : results) list.append(lend(std::move(t)));
  return list;
}

std::unique_ptr<exec::Session> make_session(ir::Graph graph, int threads, const std::string& isa) {
  return std::make_unique<exec::Session>(std::move(graph), exec::SessionOptions{.threads = threads, .isa = isa});
}

}  // namespace

NB_MODULE(_core, m) {
  static nb::object error_type = nb::steal(PyErr_NewException("tenfold.TenfoldError", PyExc_RuntimeError, nullptr));
  m.attr("TenfoldError") = error_type;
  nb::register_exception_translator([](const std::exception_ptr& p, void*) {
    try {
      std::rethrow_exception(p);
    } catch (const Error& e) {
      nb::object instance = error_type(e.what());
      instance.attr("code") = std::string(to_string(e.code()));
      PyErr_SetObject(error_type.ptr(), instance.ptr());
    }
  });

  nb::class_<IoInfo>(m, "IoInfo")
      .def_ro("name", &IoInfo::name)
      .def_ro("type", &IoInfo::type)
      .def_ro("shape", &IoInfo::shape);

  nb::class_<exec::Session>(m, "Session")
      .def_static("from_file", [](const std::string& path, int threads, const std::string& isa) {
        const nb::gil_scoped_release release;
        return make_session(api::load_model(std::filesystem::path(path)), threads, isa);
      }, nb::arg("path"), nb::arg("threads") = 0, nb::arg("isa") = "")
      .def_static("from_bytes", [](nb::bytes data, int threads, const std::string& isa) {
        const std::span bytes(static_cast<const std::byte*>(data.data()), data.size());
        const nb::gil_scoped_release release;
        return make_session(api::load_model(bytes), threads, isa);
      }, nb::arg("data"), nb::arg("threads") = 0, nb::arg("isa") = "")
      .def("run", &run, nb::arg("feeds"))
      .def("inputs", [](const exec::Session& s) { return describe_all(s.model(), s.model().inputs); })
      .def("outputs", [](const exec::Session& s) { return describe_all(s.model(), s.model().outputs); })
      .def("metadata", [](const exec::Session& s) {
        nb::dict d;
        for (const auto& [key, value] : s.model().metadata) d[key.c_str()] = value;
        return d;
      })
      .def_prop_ro("threads", &exec::Session::threads)
      .def_prop_ro("isa", [](const exec::Session& s) { return std::string(s.isa_name()); })
      .def("plan_text", [](exec::Session& s, const std::vector<Array>& feeds) {
        std::vector<Shape> shapes;
        for (const Array& a : feeds) shapes.push_back(borrow(a).shape());
        return ir::to_text(s.plan_for(shapes)->graph);
      })
      .def("profile", [](exec::Session& s, const std::vector<Array>& feeds) {
        std::vector<Tensor> tensors;
        for (const Array& a : feeds) tensors.push_back(borrow(a));
        std::vector<Shape> shapes;
        for (const Tensor& t : tensors) shapes.push_back(t.shape());
        const auto plan = s.plan_for(shapes);
        nb::list rows;
        for (const exec::StepTime& t : s.profile(tensors)) {
          const ir::Node& n = plan->graph.node(t.step->node);
          rows.append(nb::make_tuple(n.name.empty() ? plan->graph.value(n.output()).name : n.name, n.op, std::string(t.step->kernel), t.microseconds,
                                     to_string(*plan->graph.value(n.output()).shape)));
        }
        return rows;
      });
}
