// tenfold._core: the C++ library as Python sees it.  Shapes and checks live in C++; python/tenfold adds the
// ONNX Runtime shaped surface.
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
#include "arrays.hpp"

namespace nb = nanobind;
using namespace tenfold;  // NOLINT: this file is nothing but glue

namespace {

using python::Array;
using python::borrow;
using python::lend;

struct IoInfo {
  std::string name, type;
  std::vector<std::variant<int64_t, std::string>> shape;
};

IoInfo describe(const ir::Graph& g, ir::ValueId id) {
  const ir::Value& v = g.value(id);
  IoInfo info{v.name, std::string(to_string(v.dtype)), {}};
  if (v.shape)
    for (int64_t d : *v.shape) {
      if (is_symbol(d))
        info.shape.emplace_back(g.symbol_name(d));
      else
        info.shape.emplace_back(d);
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

std::unique_ptr<exec::Session> make_session(ir::Graph graph, int threads, const std::string& isa,
                                            exec::Tuning tuning) {
  return std::make_unique<exec::Session>(
      std::move(graph),
      exec::SessionOptions{
          .threads = threads, .isa = isa, .tuning = tuning, .cancelled = python::deliver_signals});
}

/// Errors of the library become tenfold.TenfoldError with the code as a string.
void translate_errors(nb::module_& m) {
  static nb::object error_type =
      nb::steal(PyErr_NewException("tenfold.TenfoldError", PyExc_RuntimeError, nullptr));
  m.attr("TenfoldError") = error_type;
  nb::register_exception_translator([](const std::exception_ptr& p, void*) {
    const auto raise = [](ErrorCode code, const char* message) {
      // A message may quote a name from the model, which need not be UTF-8.
      const auto size = static_cast<Py_ssize_t>(std::strlen(message));
      nb::object instance = error_type(nb::steal(PyUnicode_DecodeUTF8(message, size, "replace")));
      instance.attr("code") = std::string(to_string(code));
      PyErr_SetObject(error_type.ptr(), instance.ptr());
    };
    try {
      std::rethrow_exception(p);
    } catch (const Error& e) {
      raise(e.code(), e.what());
    } catch (const std::bad_alloc&) {  // outside of any node: those are named where they fail
      raise(ErrorCode::unsupported, "there is not enough memory for the model and its arrays");
    }
  });
}

void bind_session(nb::module_& m) {
  nb::class_<IoInfo>(m, "IoInfo")
      .def_ro("name", &IoInfo::name)
      .def_ro("type", &IoInfo::type)
      .def_ro("shape", &IoInfo::shape);

  nb::enum_<exec::Tuning>(m, "Tuning")
      .value("off", exec::Tuning::off)
      .value("cached", exec::Tuning::cached)
      .value("measure", exec::Tuning::measure);
  nb::class_<exec::Session>(m, "Session")
      .def_static(
          "from_file",
          [](const std::string& path, int threads, const std::string& isa, exec::Tuning tuning) {
            const nb::gil_scoped_release release;
            return make_session(api::load_model(std::filesystem::path(path)), threads, isa, tuning);
          },
          nb::arg("path"), nb::arg("threads") = 0, nb::arg("isa") = "",
          nb::arg("tuning") = exec::Tuning::cached)
      .def_static(
          "from_bytes",
          [](const nb::bytes& data, int threads, const std::string& isa, exec::Tuning tuning) {
            const std::span bytes(static_cast<const std::byte*>(data.data()), data.size());
            const nb::gil_scoped_release release;
            return make_session(api::load_model(bytes), threads, isa, tuning);
          },
          nb::arg("data"), nb::arg("threads") = 0, nb::arg("isa") = "",
          nb::arg("tuning") = exec::Tuning::cached)
      .def("run", &run, nb::arg("feeds"))
      .def("inputs", [](const exec::Session& s) { return describe_all(s.model(), s.model().inputs); })
      .def("outputs", [](const exec::Session& s) { return describe_all(s.model(), s.model().outputs); })
      .def("metadata",
           [](const exec::Session& s) {
             nb::dict d;
             for (const auto& [key, value] : s.model().metadata) d[key.c_str()] = value;
             return d;
           })
      .def_prop_ro("threads", &exec::Session::threads)
      .def_prop_ro("isa", [](const exec::Session& s) { return std::string(s.isa_name()); });
}

}  // namespace

NB_MODULE(_core, m) {
  translate_errors(m);
  bind_session(m);
  python::bind_optimize(m);
}
