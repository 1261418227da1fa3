// Elementwise computations from one u8 tensor to u8 with constants that differ by channel (PRelu, batch
// normalization, scales and shifts) are a table of 256 entries for each channel: one QChannelLookup.
#include "passes/int8/byte_function.hpp"
#include "passes/int8/quantized.hpp"
#include "passes/match.hpp"
#include "passes/pass.hpp"

namespace tenfold::passes {
namespace {

constexpr int64_t kMostChannels = 4096;  // a megabyte of tables

/// [256, channels] to [channels, 256].
Tensor tables_of(const Tensor& values, int64_t channels) {
  Tensor tables(DType::u8, {channels, 256});
  for (int64_t i = 0; i < 256; i++)
    for (int64_t c = 0; c < channels; c++)
      tables.mutable_data<uint8_t>()[c * 256 + i] = values.data<uint8_t>()[i * channels + c];
  return tables;
}

std::optional<ir::Patch> rewrite(const ir::Graph& g, ir::NodeId id) {
  const ir::Node& n = g.node(id);
  const Shape* y = shape_of(g, n.output());
  if (!quantize_params(g, n) || !y || y->rank() < 2 || (*y)[1] < 1 || (*y)[1] > kMostChannels)
    return std::nullopt;
  ByteFunction common(g, false);
  if (common.evaluate(n.output()) || !common.met_vector()) return std::nullopt;
  const int64_t channels = (*y)[1];
  ByteFunction f(g, y->rank(), channels);
  const auto values = f.evaluate(n.output());
  if (!values || f.source() == ir::kNone || f.source() == n.output() ||
      values->elements() != 256 * channels || !(g.value(f.source()).shape == g.value(n.output()).shape))
    return std::nullopt;
  ir::Patch patch(g);
  patch.replace(n.output(), patch.add("QChannelLookup", {f.source()},
                                      {{"tables", tables_of(*values, channels)}}, n.name));
  return patch;
}

}  // namespace

extern const Pass pass_int8_channel_lookup;
const Pass pass_int8_channel_lookup{"int8-channel-lookup",
                                    "elementwise functions of one u8 tensor to a byte table for each channel",
                                    rewrite};

}  // namespace tenfold::passes
