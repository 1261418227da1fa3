// Where Attention finds its rows, for evaluation and kernels alike.
#pragma once

#include "ir/graph.hpp"

namespace tenfold::ops {

/// Row i of head h of batch b of one operand begins at element start + b * batch + h * head + i * row.
struct HeadRows {
  int64_t start = 0, batch = 0, head = 0, row = 0;
  int64_t at(int64_t b, int64_t h, int64_t i = 0) const { return start + b * batch + h * head + i * row; }
};

/// Sizes and strides of an Attention node in either of its two forms.
struct AttentionLayout {
  int64_t batch = 0, heads = 0, key_heads = 0, queries = 0, keys = 0, head = 0, value_head = 0;
  HeadRows q, k, v, out;
  /// The head of k and v that serves head `h` of q.
  int64_t key_head(int64_t h) const { return h / (heads / key_heads); }
};

/// For shapes that inference accepted.
AttentionLayout attention_layout(const ir::Node& node, const Shape& q, const Shape& k, const Shape& v);

}  // namespace tenfold::ops
