// Removes nodes that no output depends on.
#include "passes/pass.hpp"

namespace tenfold::passes {

extern const Pass pass_eliminate_dead_code;
const Pass pass_eliminate_dead_code{
    .name = "eliminate-dead-code",
    .description = "remove nodes that no output depends on",
    .transform = [](ir::Graph& graph) { return graph.remove_dead(); },
};

}  // namespace tenfold::passes
