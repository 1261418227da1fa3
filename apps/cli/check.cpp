// tenfold check: whether the native engine can run a model, and agrees with the operators' reference.
#include "api/model.hpp"
#include "command.hpp"
#include "measure/metric.hpp"

namespace tenfold::cli {
namespace {

struct Arguments {
  std::string model;
  std::vector<std::string> extents;
};

Exit run(const Arguments& a, const Globals& globals) {
  const ir::Graph model = api::load_model(std::filesystem::path(a.model));
  const std::vector<Tensor> feeds = random_feeds(model, extents_of(model, a.extents));
  exec::Session fast(model, {.threads = 1}), reference(model, {.threads = 1, .isa = "ref"});
  const auto x = fast.run(feeds), y = reference.run(feeds);
  double worst = 0;
  for (size_t i = 0; i < x.size(); i++) worst = std::max(worst, measure::relative_difference(x[i], y[i]));
  constexpr double kAllowed = 1e-4;
  const bool ok = worst <= kAllowed;
  if (globals.json)
    print_json(
        nlohmann::json{{"model", a.model}, {"isa", fast.isa_name()}, {"difference", worst}, {"ok", ok}});
  else
    fmt::print("{}: {} with {}; largest difference from the reference {:.1e} of the output range\n", a.model,
               ok ? "runs" : "DIFFERS", fast.isa_name(), worst);
  return ok ? kMet : kError;
}

}  // namespace

void add_check(CLI::App& app, const Globals& globals, int& exit_code) {
  auto* c = app.add_subcommand("check", "Load a model, run it, and compare with the scalar reference");
  auto a = std::make_shared<Arguments>();
  c->add_option("model", a->model, "ONNX model")->required();
  add_extents(*c, a->extents);
  c->callback([a, &globals, &exit_code] { exit_code = run(*a, globals); });
}

}  // namespace tenfold::cli
