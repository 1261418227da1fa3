// What an elementwise computation makes of every byte.
#pragma once

#include <map>
#include <optional>

#include "ir/graph.hpp"

namespace tenfold::passes {

/// Evaluates the elementwise graph that ends in a value for all 256 bytes of its only u8 source.
class ByteFunction {
 public:
  /// Byte tables end the descent (so that one result serves several readers) unless `through_tables`, which
  /// x * sigmoid(x) needs: both operands come from the same byte only behind the table.
  ByteFunction(const ir::Graph& graph, bool through_tables)
      : graph_(graph), through_tables_(through_tables) {}
  /// A function for each of the channels (axis 1) of tensors of `rank` axes.
  ByteFunction(const ir::Graph& graph, int rank, int64_t channels)
      : graph_(graph), rank_(rank), channels_(channels) {}

  /// The values of `v` for every byte, [256] or [256, channels] (one element or [1, channels] for constants);
  /// empty if it is no function of one byte.
  std::optional<Tensor> evaluate(ir::ValueId v);

  ir::ValueId source() const { return source_; }
  /// Whether a constant of several elements ended the descent: channels may help.
  bool met_vector() const { return met_vector_; }

 private:
  std::optional<Tensor> constant(const Tensor& c);
  std::optional<Tensor> dequantized_constant(ir::ValueId v);
  std::optional<Tensor> input(const ir::Node& n, size_t i);
  std::optional<Tensor> bytes(ir::ValueId v);
  bool is_source(ir::ValueId v) const;
  bool dequantized_chain(ir::ValueId v) const;

  const ir::Graph& graph_;
  const bool through_tables_ = false;
  const int rank_ = 0;
  const int64_t channels_ = 0;  ///< 0: one function for all
  ir::ValueId source_ = ir::kNone;
  int nodes_ = 0;
  bool met_vector_ = false;
  std::map<ir::ValueId, Tensor> known_;
};

}  // namespace tenfold::passes
