// Errors that say which node they are about.
#pragma once

#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "ir/graph.hpp"

namespace tenfold::ir {

/// "Conv 'name'", or what a nameless node makes.
inline std::string describe(const Graph& graph, const Node& node) {
  if (!node.name.empty()) return fmt::format("{} '{}'", node.op, node.name);
  const ValueId out = node.outputs.empty() ? kNone : node.outputs[0];
  return out == kNone ? node.op : fmt::format("{} that makes '{}'", node.op, graph.value(out).name);
}

/// The error being handled, with the node named; `code` stands for what an operator calls an invalid
/// argument, which need not be one of the caller's.  Only to be called while an exception is handled.
[[noreturn]] inline void rethrow_at(const Graph& graph, const Node& node, ErrorCode code) {
  const std::string where = describe(graph, node);
  try {
    throw;
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::unsupported, "{}: there is not enough memory for it", where);
  } catch (const std::length_error&) {  // a container asked for more than can be addressed
    fail(ErrorCode::unsupported, "{}: there is not enough memory for it", where);
  } catch (const Error& e) {
    const std::string_view message = e.what();
    const ErrorCode meant = e.code() == ErrorCode::invalid_argument ? code : e.code();
    if (message.starts_with(where)) throw Error(meant, e.what());
    const std::string_view said =
        message.starts_with(node.op + ": ") ? message.substr(node.op.size() + 2) : message;
    fail(meant, "{}: {}", where, said);
  }
}

}  // namespace tenfold::ir
