// Arithmetic on extents that may be symbols.
//
// A derived extent is a symbol whose name is the text of its expression in normal form: "2*height+1",
// "floor((width-1)/2)", "max(0,seq-512)".  Equal expressions have equal texts, hence equal symbols, so that
// inference can tell that two derived extents agree, and cancels what cancels: (batch*seq*768)/(batch*seq) is
// 768.
#pragma once

#include <cstdint>
#include <span>

#include "ops/op.hpp"

namespace tenfold::ops {

using DimFunction = int64_t (*)(InferContext&, int64_t, int64_t);

/// Results on two known numbers are numbers; an overflow (or a division by zero) is an invalid_model error.
int64_t dim_add(InferContext& c, int64_t a, int64_t b);
int64_t dim_sub(InferContext& c, int64_t a, int64_t b);
int64_t dim_mul(InferContext& c, int64_t a, int64_t b);
/// floor(a / b) for symbols, C++ division (towards zero) for numbers.
int64_t dim_div(InferContext& c, int64_t a, int64_t b);
int64_t dim_min(InferContext& c, int64_t a, int64_t b);
int64_t dim_max(InferContext& c, int64_t a, int64_t b);
/// Whether an extent (or content) is known to be at least 0; single symbols are extents, so they are, but
/// for quotients.
bool dim_is_never_negative(InferContext& c, int64_t a);
int64_t dim_product(InferContext& c, std::span<const int64_t> dims);

/// The extent that a and b broadcast to; an error that names the node where they cannot.
int64_t dim_broadcast(InferContext& c, int64_t a, int64_t b);
Shape broadcast_shapes(InferContext& c, const Shape& a, const Shape& b);

/// The common extent of tensors that must agree: the known one of the two.
int64_t dim_same(InferContext& c, int64_t a, int64_t b, std::string_view what);

}  // namespace tenfold::ops
