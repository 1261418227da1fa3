#include "exec/native_compile.hpp"

#include "exec/session.hpp"

namespace tenfold::exec {

quant::Compile native_compile(int threads) {
  return [threads](const ir::Graph& graph) -> quant::Runner {
    auto session = std::make_shared<Session>(graph, SessionOptions{.threads = threads});
    return [session](std::span<const Tensor> feeds) { return session->run(feeds); };
  };
}

}  // namespace tenfold::exec
