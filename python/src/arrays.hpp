// NumPy arrays and tensors, without copies.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "tensor/tensor.hpp"

namespace tenfold::python {

namespace nb = nanobind;
using Array = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;

/// Delivers a pending signal (Ctrl-C) as its Python exception; long work asks between its parts.
inline bool deliver_signals() {
  const nb::gil_scoped_acquire gil;
  if (PyErr_CheckSignals() != 0) throw nb::python_error();
  return false;
}

/// The array's memory as a tensor that keeps the array alive.  Needs the GIL, also where the last copy of the
/// tensor goes away.  Throws invalid_argument for element types that tenfold does not know.
Tensor borrow(const Array& array);
/// A NumPy array over the tensor's memory.
nb::object lend(Tensor tensor);
/// Registers quantize_static, quantize_dynamic and optimize.
void bind_optimize(nb::module_& m);

}  // namespace tenfold::python
