#include "onnx/tensor_data.hpp"

#include <bit>

#include "base/math.hpp"
#include "onnx/elem_type.hpp"

namespace tenfold::onnx {
namespace {

static_assert(std::endian::native == std::endian::little,
              "raw tensor data is little endian and used in place");

/// No operator takes more dimensions; a bound keeps shape arithmetic cheap on hostile files.
constexpr size_t kMaxRank = 64;

float f16_to_f32(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000) << 16, exponent = (h >> 10) & 31,
                 mantissa = h & 0x3ff;
  if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | sign);
  }
  const uint32_t widened = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | widened << 23 | mantissa << 13);
}

float bf16_to_f32(uint16_t h) { return std::bit_cast<float>(static_cast<uint32_t>(h) << 16); }

bool is_half(int64_t code) { return code == kFloat16 || code == kBfloat16; }
bool is_nibble(int64_t code) { return code == kUint4 || code == kInt4; }

/// Bytes that `elements` values of type `code` take in raw data.
size_t raw_size(int64_t code, int64_t elements) {
  if (is_nibble(code)) return static_cast<size_t>(ceil_div(elements, 2));
  const size_t width = is_half(code) ? 2 : size_of(*ir_dtype(code));
  return static_cast<size_t>(checked_mul(elements, static_cast<int64_t>(width)));
}

Tensor widen_half(int64_t code, const Shape& shape, const char* data) {
  Tensor t(DType::f32, shape);
  const size_t n = static_cast<size_t>(t.elements());
  float* out = t.mutable_data<float>();
  for (size_t i = 0; i < n; i++) {
    uint16_t h;
    std::memcpy(&h, data + 2 * i, 2);
    out[i] = code == kFloat16 ? f16_to_f32(h) : bf16_to_f32(h);
  }
  return t;
}

/// Two values a byte, the first in the low half.
Tensor widen_nibbles(int64_t code, const Shape& shape, const char* data) {
  Tensor t(code == kInt4 ? DType::s8 : DType::u8, shape);
  const size_t n = static_cast<size_t>(t.elements());
  uint8_t* out = t.mutable_data<uint8_t>();
  for (size_t i = 0; i < n; i++) {
    const int nibble = (static_cast<uint8_t>(data[i / 2]) >> (i % 2 * 4)) & 15;
    out[i] = static_cast<uint8_t>(code == kInt4 && nibble > 7 ? nibble - 16 : nibble);
  }
  return t;
}

template <class From>
void check_count(const proto::Tensor& source, const std::vector<From>& values, int64_t elements) {
  if (static_cast<int64_t>(values.size()) != elements)
    fail(ErrorCode::invalid_model, "tensor '{}': {} values for {} elements", source.name, values.size(),
         elements);
}

/// The typed repeated fields of a TensorProto, as raw bytes of the element type.  Counted before anything is
/// allocated: the shape may be any.
std::string typed_bytes(const proto::Tensor& source, int64_t elements) {
  const int64_t code = source.data_type;
  const size_t size = raw_size(code, elements);
  const auto same_bytes = [&](const auto& values) {
    check_count(source, values, elements);
    return std::string(reinterpret_cast<const char*>(values.data()), size);
  };
  if (code == kFloat) return same_bytes(source.floats);
  if (ir_dtype(code) == DType::f64) return same_bytes(source.doubles);
  // Little endian: the low bytes of each integer are its narrow form.  Of two nibbles that is one byte.
  const int64_t count = is_nibble(code) ? ceil_div(elements, 2) : elements;
  check_count(source, source.integers, count);
  std::string raw(size, '\0');
  const size_t width = count ? size / static_cast<size_t>(count) : 0;
  for (size_t i = 0; i < source.integers.size(); i++)
    std::memcpy(raw.data() + i * width, &source.integers[i], width);
  return raw;
}

Shape checked_shape(const proto::Tensor& source) {
  if (source.dims.size() > kMaxRank)
    fail(ErrorCode::invalid_model, "tensor '{}' has {} dimensions", source.name, source.dims.size());
  for (const int64_t d : source.dims)
    if (d < 0) fail(ErrorCode::invalid_model, "tensor '{}' has the extent {}", source.name, d);
  return Shape(std::vector<int64_t>(source.dims));
}

Tensor read_strings(const proto::Tensor& source, Shape shape) {
  check_count(source, source.strings, shape.elements());
  return Tensor::strings(std::move(shape), {source.strings.begin(), source.strings.end()});
}

}  // namespace

Tensor TensorReader::read(const proto::Tensor& source) {
  const int64_t code = source.data_type;
  Shape shape = checked_shape(source);
  const int64_t elements = checked_product(shape.dims());
  if (!ir_dtype(code) && !is_nibble(code))
    fail(ErrorCode::unsupported, "tensor '{}' has elements of type {}", source.name, elem_type_name(code));
  if (code == kString) return read_strings(source, std::move(shape));

  const size_t size = raw_size(code, elements);
  Bytes bytes{source.raw, slack_, owner_};
  std::string typed;
  if (source.external) {
    bytes = external(source, size);
  } else if (!source.has_raw) {
    if (elements > 0 && source.floats.empty() && source.doubles.empty() && source.integers.empty())
      fail(ErrorCode::invalid_model, "tensor '{}' has no data", source.name);
    typed = typed_bytes(source, elements);
    bytes = {typed, false, nullptr};
  }
  if (bytes.data.size() != size)
    fail(ErrorCode::invalid_model, "tensor '{}' of shape {} and type {} needs {} bytes and has {}",
         source.name, to_string(shape), elem_type_name(code), size, bytes.data.size());
  if (is_half(code)) return widen_half(code, shape, bytes.data.data());
  if (is_nibble(code)) return widen_nibbles(code, shape, bytes.data.data());

  const DType dtype = *ir_dtype(code);
  const bool aligned = reinterpret_cast<uintptr_t>(bytes.data.data()) % size_of(dtype) == 0;
  const auto* end = reinterpret_cast<const std::byte*>(bytes.data.data() + bytes.data.size());
  const bool slack = bytes.slack || (bytes.owner == owner_ && bytes_.data() + bytes_.size() - end >=
                                                                  static_cast<ptrdiff_t>(kTensorSlack));
  if (bytes.owner && size > 0 && aligned && slack && dtype != DType::boolean)
    return Tensor(dtype, std::move(shape), bytes.data.data(), bytes.owner);
  Tensor copy(dtype, std::move(shape));
  if (dtype == DType::boolean) {  // any byte may stand in a file; a C++ bool is 0 or 1
    for (size_t i = 0; i < size; i++) copy.mutable_data<bool>()[i] = bytes.data[i] != 0;
  } else if (size > 0) {
    std::memcpy(copy.mutable_raw(), bytes.data.data(), size);
  }
  return copy;
}

Tensor TensorReader::read_dense(const proto::SparseTensor& source) {
  proto::Tensor whole;
  whole.name = source.values.name;
  whole.dims = source.dims;
  const Shape shape = checked_shape(whole);
  const Tensor values = read(source.values), indices = read(source.indices);
  if (indices.dtype() != DType::i64 || values.dtype() == DType::string)
    fail(ErrorCode::invalid_model, "sparse tensor '{}': indices must be int64", whole.name);
  const int64_t count = values.elements(), rank = shape.rank();
  const bool linear = indices.shape().rank() == 1;
  if (indices.elements() != (linear ? count : checked_mul(count, rank)))
    fail(ErrorCode::invalid_model, "sparse tensor '{}': {} indices for {} values", whole.name,
         indices.elements(), count);
  // Dense zeros cost memory that the file does not hold: bounded so that a few bytes cannot ask for
  // terabytes.
  constexpr int64_t kMaxDenseBytes = int64_t{1} << 30;
  const int64_t elements = checked_product(shape.dims());
  const size_t width = size_of(values.dtype());
  dense_bytes_ = checked_add(dense_bytes_, checked_mul(elements, static_cast<int64_t>(width)));
  if (dense_bytes_ > kMaxDenseBytes)
    fail(ErrorCode::unsupported, "sparse tensor '{}' of shape {}: more than {} MB with the zeros written out",
         whole.name, to_string(shape), kMaxDenseBytes >> 20);
  Tensor dense(values.dtype(), shape);
  if (dense.bytes()) std::memset(dense.mutable_raw(), 0, dense.bytes());
  const std::vector<int64_t> strides = shape.strides();
  for (int64_t i = 0; i < count; i++) {
    int64_t at = linear ? indices.at_int(i) : 0;
    for (int64_t d = 0; !linear && d < rank; d++) {
      const int64_t index = indices.at_int(i * rank + d);
      if (index < 0 || index >= shape[static_cast<int>(d)]) at = -1;
      if (at >= 0) at += index * strides[static_cast<size_t>(d)];
    }
    if (at < 0 || at >= elements)
      fail(ErrorCode::invalid_model, "sparse tensor '{}': index out of range", whole.name);
    std::memcpy(static_cast<char*>(dense.mutable_raw()) + static_cast<size_t>(at) * width,
                static_cast<const char*>(values.raw()) + static_cast<size_t>(i) * width, width);
  }
  return dense;
}

}  // namespace tenfold::onnx
