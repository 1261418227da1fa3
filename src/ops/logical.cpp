// And, Or, Xor, Not on bool.
#include "ops/elementwise.hpp"

namespace tenfold::ops {
namespace {

int64_t both(InferContext&, int64_t a, int64_t b) { return a != 0 && b != 0; }
int64_t either(InferContext&, int64_t a, int64_t b) { return a != 0 || b != 0; }
int64_t one_of(InferContext&, int64_t a, int64_t b) { return (a != 0) != (b != 0); }

template <DimFunction f>
void infer(InferContext& c) {
  check_type(c, 0, kBool);
  check_type(c, 1, kBool);
  set_broadcast(c, DType::boolean);
  propagate_binary(c, f);
}

struct And {
  bool operator()(bool a, bool b) const { return a && b; }
};
struct Or {
  bool operator()(bool a, bool b) const { return a || b; }
};
struct Xor {
  bool operator()(bool a, bool b) const { return a != b; }
};

template <class F>
void eval(const EvalContext& e) {
  zip<bool, bool, bool>(e.in(0), e.in(1), e.out(), F{});
}

void infer_not(InferContext& c) {
  check_type(c, 0, kBool);
  infer_like_input(c);
  auto values = c.content(0);
  if (!values) return;
  for (int64_t& v : *values) v = v == 0;
  c.set_content(0, std::move(*values));
}

void eval_not(const EvalContext& e) {
  const int64_t n = e.in(0).elements();
  for (int64_t i = 0; i < n; i++) e.out().as<bool>()[i] = !e.in(0).as<bool>()[i];
}

}  // namespace

extern const OpDef op_and = {"And", OpKind::binary, 2, 2, 1, infer<both>, eval<And>};
extern const OpDef op_not = {"Not", OpKind::unary, 1, 1, 1, infer_not, eval_not};
extern const OpDef op_or = {"Or", OpKind::binary, 2, 2, 1, infer<either>, eval<Or>};
extern const OpDef op_xor = {"Xor", OpKind::binary, 2, 2, 1, infer<one_of>, eval<Xor>};

}  // namespace tenfold::ops
