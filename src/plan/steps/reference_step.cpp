// Any operator by its reference evaluation: correct for everything, fast for nothing.
#include "ops/op.hpp"
#include "plan/steps/steps.hpp"

namespace tenfold::plan {
namespace {

class ReferenceStep final : public Step {
 public:
  ReferenceStep(const BuildContext& context, ir::NodeId id, const ops::OpDef& op)
      : graph_(context.graph), node_(context.graph.node(id)), eval_(op.eval) {}

  size_t state_bytes() const override {
    return (node_.inputs.size() + node_.outputs.size()) * sizeof(TensorView);
  }

  void run(const RunContext& c) const override {
    auto* views = reinterpret_cast<TensorView*>(c.state);
    size_t n = 0;
    const auto view = [&](ir::ValueId v) {
      views[n++] = v == ir::kNone ? TensorView{}
                                  : TensorView{c.pointers[v], graph_.value(v).dtype, &*graph_.value(v).shape};
    };
    for (ir::ValueId v : node_.inputs) view(v);
    for (ir::ValueId v : node_.outputs) view(v);
    const std::span<const TensorView> all(views, n);
    eval_({node_, all.first(node_.inputs.size()), all.subspan(node_.inputs.size())});
  }

 private:
  const ir::Graph& graph_;
  const ir::Node& node_;
  void (*eval_)(const ops::EvalContext&);
};

}  // namespace

std::unique_ptr<Step> make_reference_step(const BuildContext& context, ir::NodeId id) {
  const ops::OpDef* op = ops::find(context.graph.node(id).op);
  return op && op->eval ? std::make_unique<ReferenceStep>(context, id, *op) : nullptr;
}

}  // namespace tenfold::plan
