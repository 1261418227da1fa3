// tenfold: the command line tool.
#include <cstdio>

#include "command.hpp"

namespace tenfold {
namespace {

int run(int argc, char** argv) {
  CLI::App app{"tenfold makes trained neural networks fast on the machine at hand and proves it."};
  app.require_subcommand(1);
  app.fallthrough();
  app.set_version_flag("--version", "tenfold 0.1.0");
  cli::Globals globals;
  app.add_flag("--json", globals.json, "Print one JSON document instead of text");
  app.add_flag("--quiet", globals.quiet, "Print nothing but results and errors");
  int exit_code = cli::kMet;
  for (const auto add : {cli::add_optimize, cli::add_quantize, cli::add_bench, cli::add_eval,
                         cli::add_compare, cli::add_run, cli::add_inspect, cli::add_check, cli::add_doctor})
    add(app, globals, exit_code);
  cli::install_interrupt_handler();
  const auto is_first = [&](const CLI::App* command) { return command->get_name() == argv[1]; };
  if (argc > 1 && argv[1][0] != '-' && app.get_subcommands(is_first).empty()) {
    fmt::print(stderr, "tenfold: no command '{}'; tenfold --help lists them\n", argv[1]);
    return cli::kUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? cli::kMet : cli::kUsage;
  } catch (const Error& e) {
    fmt::print(stderr, "tenfold: {}: {}\n", to_string(e.code()), e.what());
    return e.code() == ErrorCode::invalid_argument ? cli::kUsage : cli::kError;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "tenfold: out of memory\n");
    return cli::kError;
  } catch (const std::exception& e) {
    fmt::print(stderr, "tenfold: {}\n", e.what());
    return cli::kError;
  }
  // A full disk or a closed pipe shows only here.
  if (std::fflush(stdout) != 0 || std::ferror(stdout)) {
    fmt::print(stderr, "tenfold: standard output could not be written\n");
    return cli::kError;
  }
  return exit_code;
}

}  // namespace
}  // namespace tenfold

int main(int argc, char** argv) {
  try {
    return tenfold::run(argc, argv);
  } catch (...) {  // what even the messages of run() could not be printed for
    return tenfold::cli::kError;
  }
}
