// What operators share: type checks, fixed-size extents, strided iteration.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <string_view>
#include <type_traits>

#include "ops/op.hpp"
#include "ops/symbolic.hpp"

namespace tenfold::ops {

// ---- types
// ----------------------------------------------------------------------------------------------------------

/// A set of element types.
class TypeSet {
 public:
  constexpr TypeSet(std::initializer_list<DType> types) {
    for (DType t : types) bits_ |= bit(t);
  }
  constexpr bool has(DType t) const { return (bits_ & bit(t)) != 0; }
  constexpr TypeSet operator|(TypeSet other) const {
    TypeSet r = *this;
    r.bits_ |= other.bits_;
    return r;
  }

 private:
  static constexpr uint32_t bit(DType t) { return 1u << static_cast<unsigned>(t); }
  uint32_t bits_ = 0;
};

inline constexpr TypeSet kFloats{DType::f32, DType::f16, DType::bf16, DType::f64};
inline constexpr TypeSet kIntegers{DType::u8,  DType::s8,  DType::u16, DType::s16,
                                   DType::i32, DType::i64, DType::u32, DType::u64};
inline constexpr TypeSet kSignedIntegers{DType::s8, DType::s16, DType::i32, DType::i64};
inline constexpr TypeSet kIndices{DType::i32, DType::i64};
inline constexpr TypeSet kBool{DType::boolean};
inline constexpr TypeSet kNumbers = kFloats | kIntegers;
inline constexpr TypeSet kAllTypes = kNumbers | kBool | TypeSet{DType::string};

/// Errors unless input i (present) has one of `types`.
void check_type(const InferContext& c, size_t i, TypeSet types);
/// Errors unless inputs [first, last) that are present have the type of input `first`.
void check_same_types(const InferContext& c, size_t first, size_t last);

/// dispatch() restricted to f32 and f64: for operators whose other types inference has rejected.
template <class F>
decltype(auto) dispatch_float(DType type, F&& f) {
  if (type == DType::f32) return f(float{});
  if (type == DType::f64) return f(double{});
  fail(ErrorCode::unsupported, "no floating-point arithmetic on tensors of type {}", to_string(type));
}

/// dispatch() restricted to f32, f64 and integers.
template <class F>
decltype(auto) dispatch_number(DType type, F&& f) {
  if (type == DType::boolean) fail(ErrorCode::unsupported, "no arithmetic on tensors of type bool");
  return dispatch(type, [&](auto tag) -> decltype(f(float{})) {
    if constexpr (std::is_same_v<decltype(tag), bool>)
      return f(float{});
    else
      return f(tag);
  });
}

/// dispatch() restricted to integers.
template <class F>
decltype(auto) dispatch_integer(DType type, F&& f) {
  if (!is_integer(type)) fail(ErrorCode::unsupported, "integers expected, not {}", to_string(type));
  return dispatch(type, [&](auto tag) -> decltype(f(int32_t{})) {
    if constexpr (std::is_same_v<decltype(tag), bool> || std::is_floating_point_v<decltype(tag)>)
      return f(int32_t{});
    else
      return f(tag);
  });
}

/// dispatch() by element size only, for operators that move elements: f gets an unsigned integer of that
/// size.
template <class F>
decltype(auto) dispatch_size(DType type, F&& f) {
  switch (size_of(type)) {
    case 1:
      return f(uint8_t{});
    case 2:
      return f(uint16_t{});
    case 4:
      return f(uint32_t{});
    case 8:
      return f(uint64_t{});
    default:
      break;
  }
  fail(ErrorCode::unsupported, "tensors of type {} cannot be evaluated", to_string(type));
}

/// Integer arithmetic that wraps, as ONNX Runtime's does, without undefined behaviour; plain for floats.
template <class T>
T wrap_add(T a, T b) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  else
    return a + b;
}
template <class T>
T wrap_sub(T a, T b) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
  else
    return a - b;
}
template <class T>
T wrap_mul(T a, T b) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  else
    return a * b;
}

/// A number as type To without undefined behaviour: integers wrap, floats truncate, saturating at 64 bits;
/// NaN is 0.
template <class To, class From>
To convert(From x) {
  if constexpr (std::is_same_v<To, bool>)
    return x != From(0);
  else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    if (!(x == x)) return To(0);
    constexpr From limit = static_cast<From>(9223372036854775808.0);  // 2^63
    if constexpr (std::is_same_v<To, uint64_t>)
      if (x >= limit) return x >= 2 * limit ? std::numeric_limits<To>::max() : static_cast<To>(x);
    if (x >= limit) return static_cast<To>(std::numeric_limits<int64_t>::max());
    if (x < -limit) return static_cast<To>(std::numeric_limits<int64_t>::min());
    return static_cast<To>(static_cast<int64_t>(x));
  } else
    return static_cast<To>(x);
}

/// The element type that an ONNX TensorProto.DataType number stands for; an error for one that DType lacks.
DType dtype_of_onnx(int64_t number);

// ---- attributes without allocation
// ----------------------------------------------------------------------------------

std::span<const int64_t> int_list(const ir::Attributes& attrs, std::string_view name);
std::string_view text_attr(const ir::Attributes& attrs, std::string_view name, std::string_view fallback);

// ---- extents, axes, iteration
// ---------------------------------------------------------------------------------------

/// A shape or a list of strides in fixed storage.
struct Extents {
  int rank = 0;
  std::array<int64_t, kMaxRank> d{};

  Extents() = default;
  explicit Extents(const Shape& shape) : rank(shape.rank()) {
    ensure(rank <= kMaxRank, "rank {} in evaluation", rank);
    std::copy(shape.begin(), shape.end(), d.begin());
  }
  int64_t& operator[](int i) { return d[static_cast<size_t>(i)]; }
  int64_t operator[](int i) const { return d[static_cast<size_t>(i)]; }
  void push_back(int64_t v) {
    ensure(rank < kMaxRank, "more than {} axes in evaluation", kMaxRank);
    d[static_cast<size_t>(rank++)] = v;
  }
  int64_t product(int first, int last) const {
    int64_t n = 1;
    for (int i = first; i < last; i++) n *= d[static_cast<size_t>(i)];
    return n;
  }
  int64_t product() const { return product(0, rank); }
  /// Row-major strides of a tensor with these extents.
  Extents strides() const;
};

/// Row-major strides of `shape` as seen from `out`, aligned at the last axis: 0 where it is broadcast.
Extents broadcast_strides(const Shape& shape, const Shape& out);

inline int resolve_axis(int64_t axis, int rank) {
  if (axis < -rank || axis >= rank)
    fail(ErrorCode::invalid_argument, "axis {} is out of range for rank {}", axis, rank);
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

/// Checks an index that came from data against an extent, negative ones counting from the end.
inline int64_t resolve_index(int64_t index, int64_t extent) {
  if (index < -extent || index >= extent)
    fail(ErrorCode::invalid_argument, "index {} is out of range for an axis of extent {}", index, extent);
  return index < 0 ? index + extent : index;
}

/// Element i of an i32 or i64 tensor.
inline int64_t index_at(const TensorView& t, int64_t i) {
  return t.dtype == DType::i32 ? int64_t{t.as<int32_t>()[i]} : t.as<int64_t>()[i];
}
/// Element 0 of a float or integer scalar tensor as double.
double scalar_at(const TensorView& t, int64_t i = 0);

/// A walk over N operands with common extents and own strides.
template <int N>
class Walk {
 public:
  using Offsets = std::array<int64_t, N>;

  /// Adds an inner axis; axes that continue the previous one in every operand merge with it.
  void push(int64_t extent, const Offsets& strides) {
    if (extent == 1) return;
    if (rank_ > 0 && continues(extent, strides)) {
      extent_[last()] *= extent;
      stride_[last()] = strides;
      return;
    }
    ensure(rank_ < kMaxRank, "more than {} axes in evaluation", kMaxRank);
    extent_[static_cast<size_t>(rank_)] = extent;
    stride_[static_cast<size_t>(rank_)] = strides;
    rank_++;
  }

  /// Calls f(offsets, strides, count) for every innermost row.
  template <class F>
  void rows(F&& f) const {
    for (int i = 0; i < rank_; i++)
      if (extent_[static_cast<size_t>(i)] == 0) return;
    Offsets at{};
    if (rank_ == 0) {
      f(at, Offsets{}, int64_t{1});
      return;
    }
    std::array<int64_t, kMaxRank> index{};
    while (true) {
      f(at, stride_[last()], extent_[last()]);
      int axis = rank_ - 2;
      for (; axis >= 0; axis--) {
        const auto a = static_cast<size_t>(axis);
        for (size_t n = 0; n < N; n++) at[n] += stride_[a][n];
        if (++index[a] < extent_[a]) break;
        for (size_t n = 0; n < N; n++) at[n] -= stride_[a][n] * extent_[a];
        index[a] = 0;
      }
      if (axis < 0) return;
    }
  }

  /// Calls f(offsets) for every element.
  template <class F>
  void each(F&& f) const {
    rows([&](Offsets at, const Offsets& step, int64_t count) {
      for (int64_t i = 0; i < count; i++) {
        f(at);
        for (size_t n = 0; n < N; n++) at[n] += step[n];
      }
    });
  }

 private:
  size_t last() const { return static_cast<size_t>(rank_ - 1); }
  bool continues(int64_t extent, const Offsets& strides) const {
    for (size_t n = 0; n < N; n++)
      if (stride_[last()][n] != strides[n] * extent) return false;
    return true;
  }
  int rank_ = 0;
  std::array<int64_t, kMaxRank> extent_{};
  std::array<Offsets, kMaxRank> stride_{};
};

/// Copies elements of any type along a walk whose operands are (output, input), in elements.
void copy_strided(const Walk<2>& walk, const TensorView& out, int64_t out_start, const TensorView& in,
                  int64_t in_start);

/// Output 0 is the bytes of input 0: for operators that only rename axes.
void copy_through(const EvalContext& e);

// ---- inference shared by families
// -----------------------------------------------------------------------------------

/// Output 0 has the dtype and shape of input 0.
void infer_like_input(InferContext& c);

/// Integers in input i for use as positions: the extremes that stand for "to the end" are clamped to +-2^40.
std::optional<std::vector<int64_t>> positions(const InferContext& c, size_t i);

/// Output 0 gets the content of input 0, if its rank allows.
void pass_content(InferContext& c);

/// Known content of every input, or nothing where one is unknown.
std::optional<std::vector<std::vector<int64_t>>> all_contents(const InferContext& c);

}  // namespace tenfold::ops
