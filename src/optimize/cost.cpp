#include "optimize/cost.hpp"

#include "cpu/features.hpp"
#include "ops/op.hpp"
#include "plan/plan.hpp"

namespace tenfold::optimize {
namespace {

/// What kernels of one core reach in whole networks, in multiply-accumulates a microsecond.
struct Rates {
  double fp32, int8, fp32_depthwise, int8_depthwise;
};
/// Without VNNI from the steps of PP-OCRv4 rec on a Zen 3 core (INT8 52e3, depthwise 7.4e3); with it three
/// quarters of the peaks of a 2.9 GHz Xeon (92e3 FP32, 371e3 INT8), depthwise kernels being bound by loads.
constexpr Rates kWithoutVnni{40e3, 52e3, 7e3, 7.4e3}, kWithVnni{69e3, 278e3, 14e3, 28e3};
constexpr double kBytesPerMicrosecond = 25e3, kMicrosecondsPerStep = 1;

double microseconds(const ir::Graph& g, ir::NodeId id, const Rates& rates) {
  const ir::Node& n = g.node(id);
  const ops::Cost cost = ops::cost(g, id);
  const bool int8 = n.op.starts_with("Q"), depthwise = n.attrs.get_int("group", 1) > 1;
  const double rate =
      depthwise ? (int8 ? rates.int8_depthwise : rates.fp32_depthwise) : (int8 ? rates.int8 : rates.fp32);
  return cost.macs / rate + cost.bytes / kBytesPerMicrosecond + kMicrosecondsPerStep;
}

bool has_vnni() {
  const cpu::Isa isa = cpu::selected();
  return isa != cpu::Isa::ref && isa != cpu::Isa::avx2;
}

}  // namespace

double estimate_microseconds(const ir::Graph& model, std::span<const Shape> input_shapes) {
  const ir::Graph lowered = plan::lower(model, input_shapes, {});
  const Rates& rates = has_vnni() ? kWithVnni : kWithoutVnni;
  double total = 0;
  for (ir::NodeId id : lowered.topological_order()) total += microseconds(lowered, id, rates);
  return total;
}

}  // namespace tenfold::optimize
