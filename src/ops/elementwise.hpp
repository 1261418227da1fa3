// Templates for operators that are one expression per element.
//
// A unary operator is a functor with `static constexpr TypeSet types` and `T operator()(T)`; a binary one has
// `T operator()(T, T)`.  An operator with attributes builds its functor from them in its own eval.
#pragma once

#include "ops/helpers.hpp"

namespace tenfold::ops {

// ---- unary
// ----------------------------------------------------------------------------------------------------------

template <class F>
void infer_unary(InferContext& c) {
  check_type(c, 0, F::types);
  infer_like_input(c);
}

/// out[i] = f(in[i]) with the C++ type of the tensor.
template <class F>
void map_float(const EvalContext& e, F f) {
  dispatch_float(e.in(0).dtype, [&](auto tag) {
    using T = decltype(tag);
    const T* x = e.in(0).as<T>();
    T* y = e.out().as<T>();
    const int64_t n = e.in(0).elements();
    for (int64_t i = 0; i < n; i++) y[i] = f(x[i]);
  });
}
template <class F>
void map_number(const EvalContext& e, F f) {
  dispatch_number(e.in(0).dtype, [&](auto tag) {
    using T = decltype(tag);
    const T* x = e.in(0).as<T>();
    T* y = e.out().as<T>();
    const int64_t n = e.in(0).elements();
    for (int64_t i = 0; i < n; i++) y[i] = f(x[i]);
  });
}

template <class F>
void eval_unary_float(const EvalContext& e) {
  map_float(e, F{});
}
template <class F>
void eval_unary_number(const EvalContext& e) {
  map_number(e, F{});
}

/// The definition of a float-only unary operator without attributes.
template <class F>
constexpr OpDef unary_float(const char* name) {
  return {name, OpKind::unary, 1, 1, 1, infer_unary<F>, eval_unary_float<F>};
}
template <class F>
constexpr OpDef unary_number(const char* name) {
  return {name, OpKind::unary, 1, 1, 1, infer_unary<F>, eval_unary_number<F>};
}

// ---- binary and variadic
// --------------------------------------------------------------------------------------------

/// Broadcast shape of all inputs, or nothing while one rank is unknown.
std::optional<Shape> broadcast_inputs(InferContext& c);

/// Output `out` of type `dtype` with the broadcast shape.
inline void set_broadcast(InferContext& c, DType dtype) { c.set(0, dtype, broadcast_inputs(c)); }

/// Content of an integer binary operator by arithmetic on extents; `op` may throw, then nothing is known.
void propagate_binary(InferContext& c, DimFunction op);

/// out = f(a, b) over broadcast operands: A, B and R are the element types.
template <class A, class B, class R, class F>
void zip(const TensorView& a, const TensorView& b, const TensorView& out, F f) {
  const Extents sa = broadcast_strides(*a.shape, *out.shape), sb = broadcast_strides(*b.shape, *out.shape);
  const Extents so = Extents(*out.shape).strides();
  Walk<3> walk;
  for (int i = 0; i < out.shape->rank(); i++) walk.push((*out.shape)[i], {so[i], sa[i], sb[i]});
  const A* pa = a.as<A>();
  const B* pb = b.as<B>();
  R* po = out.as<R>();
  walk.rows([&](const auto& at, const auto& step, int64_t count) {
    R* y = po + at[0];
    const A* x = pa + at[1];
    const B* z = pb + at[2];
    if (step[1] == 1 && step[2] == 1)
      for (int64_t i = 0; i < count; i++) y[i] = f(x[i], z[i]);
    else if (step[2] == 0 && step[1] == 1)
      for (int64_t i = 0; i < count; i++) y[i] = f(x[i], z[0]);
    else
      for (int64_t i = 0; i < count; i++) y[i] = f(x[i * step[1]], z[i * step[2]]);
  });
}

template <class F>
void eval_binary_number(const EvalContext& e) {
  dispatch_number(e.in(0).dtype, [&](auto tag) {
    using T = decltype(tag);
    zip<T, T, T>(e.in(0), e.in(1), e.out(), F{});
  });
}

}  // namespace tenfold::ops
