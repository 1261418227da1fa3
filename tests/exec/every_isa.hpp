// A graph on every ISA of this machine and on one and several threads, beside node by node evaluation.
#pragma once

#include <gtest/gtest.h>

#include "cpu/features.hpp"
#include "exec/session.hpp"
#include "support/graph_builder.hpp"

namespace tenfold::test {

/// Calls check(actual element, expected element, where) for every element of every output.
template <class Check>
void on_every_isa(const Builder& b, const std::vector<Tensor>& inputs, const std::string& what,
                  const Check& check) {
  const auto expected = evaluate_graph(b.graph, inputs);
  for (cpu::Isa isa : cpu::kAllIsas) {
    if (!cpu::available(isa)) continue;
    for (int threads : {1, 3}) {
      const std::string name(cpu::to_string(isa));
      exec::Session session(b.graph, {.threads = threads, .isa = name});
      const auto actual = session.run(inputs);
      ASSERT_EQ(actual.size(), expected.size());
      for (size_t o = 0; o < expected.size(); o++) {
        SCOPED_TRACE(what + ", " + name + ", " + std::to_string(threads) + " threads, output " +
                     std::to_string(o));
        ASSERT_EQ(actual[o].elements(), expected[o].elements());
        for (int64_t i = 0; i < expected[o].elements(); i++) {
          check(actual[o], expected[o], i);
          if (::testing::Test::HasFatalFailure()) return;
        }
      }
    }
  }
}

}  // namespace tenfold::test
