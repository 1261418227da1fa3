#include "ops/helpers.hpp"

namespace tenfold::ops {

void check_type(const InferContext& c, size_t i, TypeSet types) {
  if (c.dtype(i) == DType::string && !types.has(DType::string))
    fail(ErrorCode::unsupported, "no arithmetic on tensors of strings");
  if (!types.has(c.dtype(i)))
    c.error("input {} has type {}, which the operator does not take", i, to_string(c.dtype(i)));
}

void check_same_types(const InferContext& c, size_t first, size_t last) {
  for (size_t i = first + 1; i < last; i++)
    if (c.has_input(i) && c.dtype(i) != c.dtype(first))
      c.error("inputs {} and {} have different types {} and {}", first, i, to_string(c.dtype(first)),
              to_string(c.dtype(i)));
}

DType dtype_of_onnx(int64_t number) {
  switch (number) {
    case 1:
      return DType::f32;
    case 2:
      return DType::u8;
    case 3:
      return DType::s8;
    case 4:
      return DType::u16;
    case 5:
      return DType::s16;
    case 6:
      return DType::i32;
    case 7:
      return DType::i64;
    case 8:
      return DType::string;
    case 9:
      return DType::boolean;
    case 10:
      return DType::f16;
    case 11:
      return DType::f64;
    case 12:
      return DType::u32;
    case 13:
      return DType::u64;
    case 16:
      return DType::bf16;
    default:
      fail(ErrorCode::unsupported, "element type {} of ONNX is not supported", number);
  }
}

std::span<const int64_t> int_list(const ir::Attributes& attrs, std::string_view name) {
  const ir::Attribute* a = attrs.find(name);
  if (!a) return {};
  if (const auto* v = std::get_if<std::vector<int64_t>>(a)) return *v;
  fail(ErrorCode::invalid_model, "attribute '{}' has the wrong type", name);
}

std::string_view text_attr(const ir::Attributes& attrs, std::string_view name, std::string_view fallback) {
  const ir::Attribute* a = attrs.find(name);
  if (!a) return fallback;
  if (const auto* v = std::get_if<std::string>(a)) return *v;
  fail(ErrorCode::invalid_model, "attribute '{}' has the wrong type", name);
}

Extents Extents::strides() const {
  Extents s;
  s.rank = rank;
  int64_t step = 1;
  for (int i = rank - 1; i >= 0; i--) {
    s[i] = step;
    step *= (*this)[i];
  }
  return s;
}

Extents broadcast_strides(const Shape& shape, const Shape& out) {
  const Extents dense = Extents(shape).strides();
  Extents s;
  s.rank = out.rank();
  for (int i = 0; i < out.rank(); i++) {
    const int k = i - (out.rank() - shape.rank());
    s[i] = k < 0 || shape[k] == 1 ? 0 : dense[k];
  }
  return s;
}

double scalar_at(const TensorView& t, int64_t i) {
  return dispatch(t.dtype, [&](auto tag) { return static_cast<double>(t.as<decltype(tag)>()[i]); });
}

void copy_strided(const Walk<2>& walk, const TensorView& out, int64_t out_start, const TensorView& in,
                  int64_t in_start) {
  dispatch_size(out.dtype, [&](auto tag) {
    using T = decltype(tag);
    T* to = out.as<T>() + out_start;
    const T* from = in.as<T>() + in_start;
    walk.rows([&](const auto& at, const auto& step, int64_t count) {
      if (step[0] == 1 && step[1] == 1) {
        std::memcpy(to + at[0], from + at[1], static_cast<size_t>(count) * sizeof(T));
        return;
      }
      for (int64_t i = 0; i < count; i++) to[at[0] + i * step[0]] = from[at[1] + i * step[1]];
    });
  });
}

void copy_through(const EvalContext& e) {
  dispatch_size(e.in(0).dtype, [&](auto tag) {
    const auto n = static_cast<size_t>(e.in(0).elements());
    if (n > 0) std::memcpy(e.out().data, e.in(0).data, n * sizeof(tag));
  });
}

void infer_like_input(InferContext& c) {
  const Shape* s = c.shape(0);
  c.set(0, c.dtype(0), s ? std::optional<Shape>(*s) : std::nullopt);
}

std::optional<std::vector<int64_t>> positions(const InferContext& c, size_t i) {
  const Tensor* t = c.constant(i);
  if (!t) return c.content(i);
  if (!kIndices.has(t->dtype()) || t->shape().rank() > 1) return std::nullopt;
  std::vector<int64_t> values(static_cast<size_t>(t->elements()));
  for (size_t k = 0; k < values.size(); k++)
    values[k] = std::clamp(t->at_int(static_cast<int64_t>(k)), kSymbolBase + 1, -kSymbolBase - 1);
  return values;
}

void pass_content(InferContext& c) {
  if (auto values = c.content(0)) c.set_content(0, std::move(*values));
}

std::optional<std::vector<std::vector<int64_t>>> all_contents(const InferContext& c) {
  std::vector<std::vector<int64_t>> all;
  for (size_t i = 0; i < c.inputs(); i++) {
    auto values = c.content(i);
    if (!values) return std::nullopt;
    all.push_back(std::move(*values));
  }
  return all;
}

}  // namespace tenfold::ops
