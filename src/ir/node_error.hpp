// Errors that say which node they are about.
#pragma once

#include <new>
#include <string_view>

#include "base/error.hpp"
#include "ir/graph.hpp"

namespace tenfold::ir {

/// The error being handled, with the node named.  What an operator calls an invalid argument is one of the
/// model's. Only to be called while an exception is handled.
[[noreturn]] inline void rethrow_at(const Node& node) {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::unsupported, "{} '{}': there is not enough memory for it", node.op, node.name);
  } catch (const Error& e) {
    const std::string_view message = e.what();
    if (message.find(fmt::format("'{}'", node.name)) != std::string_view::npos) throw;
    const std::string_view said =
        message.starts_with(node.op + ": ") ? message.substr(node.op.size() + 2) : message;
    const ErrorCode code = e.code() == ErrorCode::invalid_argument ? ErrorCode::invalid_model : e.code();
    fail(code, "{} '{}': {}", node.op, node.name, said);
  }
}

}  // namespace tenfold::ir
