// The messages of a model that hold no graph: what a tensor contains, and what a value is declared to be.
#pragma once

#include "onnx/proto.hpp"
#include "onnx/wire.hpp"

namespace tenfold::onnx::proto {

/// A StringStringEntryProto, as metadata and external data use it.
std::pair<std::string_view, std::string_view> parse_entry(std::string_view bytes, const Place& place);
Tensor parse_tensor(std::string_view bytes, Place place);
SparseTensor parse_sparse(std::string_view bytes, const Place& place);
ValueInfo parse_value_info(std::string_view bytes, Place place);

}  // namespace tenfold::onnx::proto
