// ReverseSequence(x, lengths) {batch_axis, time_axis}: reverses the first lengths[b] steps of every sequence.
#include "ops/helpers.hpp"

namespace tenfold::ops {
namespace {

void infer(InferContext& c) {
  check_type(c, 1, {DType::i64});
  const int64_t batch = c.attrs().get_int("batch_axis", 1), time = c.attrs().get_int("time_axis", 0);
  if (batch == time || batch < 0 || batch > 1 || time < 0 || time > 1)
    c.error("batch_axis {} and time_axis {} must be 0 and 1", batch, time);
  const Shape *in = c.shape(0), *lengths = c.shape(1);
  if (in && in->rank() < 2) c.error("rank {} (at least 2 expected)", in->rank());
  if (lengths && lengths->rank() != 1) c.error("sequence lengths of rank {}", lengths->rank());
  if (in && lengths)
    dim_same(c, (*in)[static_cast<int>(batch)], (*lengths)[0], "batch axis and sequence lengths");
  infer_like_input(c);
}

void eval(const EvalContext& e) {
  const Extents in(*e.in(0).shape);
  const int batch = static_cast<int>(e.attrs().get_int("batch_axis", 1)), time = 1 - batch;
  const int64_t run = in.product(2, in.rank);
  const Extents stride = in.strides();
  dispatch_size(e.in(0).dtype, [&](auto tag) {
    using T = decltype(tag);
    for (int64_t b = 0; b < in[batch]; b++) {
      const int64_t length = e.in(1).as<int64_t>()[b];
      if (length < 0 || length > in[time])
        fail(ErrorCode::invalid_argument, "ReverseSequence: length {} of sequence {} is out of [0, {}]",
             length, b, in[time]);
      for (int64_t t = 0; t < in[time]; t++) {
        const int64_t from = t < length ? length - 1 - t : t;
        std::memcpy(e.out().as<T>() + b * stride[batch] + t * stride[time],
                    e.in(0).as<T>() + b * stride[batch] + from * stride[time],
                    static_cast<size_t>(run) * sizeof(T));
      }
    }
  });
}

}  // namespace

extern const OpDef op_reverse_sequence = {"ReverseSequence", OpKind::movement, 2, 2, 1, infer, eval};

}  // namespace tenfold::ops
