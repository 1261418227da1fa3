#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  infer_like_input(c);
  pass_content(c);
}

}  // namespace

extern const OpDef op_identity = {"Identity", OpKind::unary, 1, 1, 1, infer, copy_through};

}  // namespace tenfold::ops
