#include "command.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>
#include <csignal>
#include <random>

namespace tenfold::cli {
namespace {

std::atomic<bool> g_interrupted{false}, g_polled{false};

extern "C" void on_interrupt(int) {
  if (g_polled && !g_interrupted.exchange(true)) return;
  constexpr std::string_view kMessage = "tenfold: cancelled\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kMessage.data(), kMessage.size());
  _exit(kError);
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

bool interrupted() {
  g_polled = true;
  return g_interrupted;
}

void install_interrupt_handler() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

ProgressLine::ProgressLine(bool quiet) : enabled_(!quiet && isatty(STDERR_FILENO)), start_(seconds_now()) {}
ProgressLine::~ProgressLine() {
  if (enabled_) fmt::print(stderr, "\r\033[K");
}

void ProgressLine::update(const std::string& stage, double fraction) {
  if (!enabled_) return;
  const double elapsed = seconds_now() - start_;
  const std::string left =
      fraction > 0.01 ? fmt::format("about {:.0f} s left", elapsed * (1 - fraction) / fraction) : "";
  fmt::print(stderr, "\r\033[K{:3.0f} %  {}  {:.0f} s  {}", 100 * fraction, stage, elapsed, left);
  std::fflush(stderr);
}

double parse_fraction(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const std::string unit(end);
  if (end == text.c_str() || (unit != "%" && !unit.empty()) || (unit.empty() && value >= 1))
    fail(ErrorCode::invalid_argument, "'{}' is no fraction: write 1% or 0.01", text);
  const double fraction = unit == "%" ? value / 100 : value;
  if (!(fraction >= 0 && fraction <= 1))
    fail(ErrorCode::invalid_argument, "'{}' is not between 0% and 100%", text);
  return fraction;
}

std::pair<double, double> parse_latency(const std::string& text) {
  double quantile = 0.5;
  std::string rest = text;
  if (const size_t colon = text.find(':'); colon != std::string::npos) {
    char* end = nullptr;
    const double p = text[0] == 'p' ? std::strtod(text.c_str() + 1, &end) : 0;
    if (text[0] != 'p' || end != text.c_str() + colon || !(p > 0 && p < 100))
      fail(ErrorCode::invalid_argument, "'{}' is no latency target: write p50:50ms", text);
    quantile = p / 100;
    rest = text.substr(colon + 1);
  }
  char* end = nullptr;
  const double ms = std::strtod(rest.c_str(), &end);
  const std::string unit(end);
  if (end == rest.c_str() || !(ms > 0 && std::isfinite(ms)) || (unit != "ms" && !unit.empty()))
    fail(ErrorCode::invalid_argument, "'{}' is no latency target: write p50:50ms", text);
  return {quantile, ms};
}

CLI::Validator at_least(uint64_t least) {
  const auto check = [least](const std::string& text) {
    uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc() && rest == end && value >= least) return std::string();
    return fmt::format("'{}' is not a whole number of {} or more", text, least);
  };
  return CLI::Validator(check, "");
}

void add_extents(CLI::App& command, std::vector<std::string>& extents) {
  command.add_option("--extent", extents, "Value of a symbolic extent, name=value (repeatable)")
      ->allow_extra_args(false);
}

Extents parse_extents(const std::vector<std::string>& extents) {
  Extents given;
  for (const std::string& e : extents) {
    const size_t equals = std::min(e.find('='), e.size());
    const char* const end = e.data() + e.size();
    int32_t value = 0;  // no axis is longer than these hold
    const auto [rest, error] = std::from_chars(std::min(e.data() + equals + 1, end), end, value);
    if (error != std::errc() || rest != end || value < 1)
      fail(ErrorCode::invalid_argument, "--extent '{}': write name=value, with a whole number of 1 or more",
           e);
    const std::string name = e.substr(0, equals);
    if (!given.emplace(name, value).second)
      fail(ErrorCode::invalid_argument, "--extent {}: '{}' is given twice", e, name);
  }
  return given;
}

std::set<std::string> symbols_of(const ir::Graph& graph) {
  std::set<std::string> symbols;
  for (ir::ValueId id : graph.inputs)
    if (const auto& shape = graph.value(id).shape)
      for (int64_t d : *shape)
        if (is_symbol(d)) symbols.insert(graph.symbol_name(d));
  return symbols;
}

void require_known(const Extents& extents, const std::set<std::string>& symbols) {
  for (const auto& [name, value] : extents)
    if (!symbols.contains(name))
      fail(ErrorCode::invalid_argument,
           "--extent {}={}: no input has an extent of that name (tenfold inspect lists them)", name, value);
}

Extents extents_of(const ir::Graph& graph, const std::vector<std::string>& extents) {
  Extents given = parse_extents(extents);
  require_known(given, symbols_of(graph));
  return given;
}

namespace {

/// A tensor of an input; its shape may come from --extent and ask for too much.
Tensor tensor_for(const ir::Value& input, const Shape& shape) {
  try {
    return Tensor(input.dtype, shape);
  } catch (const std::exception&) {
    fail(ErrorCode::unsupported,
         "input '{}' {}{}: there is not enough memory for it; --extent sets its symbolic extents", input.name,
         to_string(input.dtype), to_string(shape));
  }
}

}  // namespace

std::vector<Shape> input_shapes(const ir::Graph& graph, const Extents& extents) {
  std::vector<Shape> shapes;
  for (ir::ValueId id : graph.inputs) {
    const ir::Value& v = graph.value(id);
    if (!v.shape) fail(ErrorCode::unsupported, "the rank of input '{}' is unknown", v.name);
    Shape& shape = shapes.emplace_back();
    for (int64_t d : *v.shape) {
      const auto it = is_symbol(d) ? extents.find(graph.symbol_name(d)) : extents.end();
      shape.push_back(!is_symbol(d) ? d : it == extents.end() ? 1 : it->second);
    }
  }
  return shapes;
}

std::vector<Tensor> random_feeds(const ir::Graph& graph, const Extents& extents) {
  const std::vector<Shape> shapes = input_shapes(graph, extents);
  std::mt19937 rng(0);
  std::normal_distribution<float> normal;
  std::vector<Tensor> feeds;
  for (size_t i = 0; i < shapes.size(); i++) {
    const ir::Value& v = graph.value(graph.inputs[i]);
    Tensor t = tensor_for(v, shapes[i]);
    if (v.dtype == DType::f32)
      for (int64_t j = 0; j < t.elements(); j++) t.mutable_data<float>()[j] = normal(rng);
    else
      dispatch(v.dtype, [&](auto tag) {
        std::fill_n(t.mutable_data<decltype(tag)>(), t.elements(), static_cast<decltype(tag)>(1));
      });
    feeds.push_back(std::move(t));
  }
  return feeds;
}

const measure::MetricInfo& choose_metric(const std::string& name, const measure::Dataset& data) {
  const std::string chosen = name.empty() ? data.task() : name;
  if (chosen.empty())
    fail(ErrorCode::invalid_argument, "the data set names no task: say what to measure with --metric");
  return measure::find_metric(chosen);
}

const measure::MetricInfo& choose_score(const std::string& name, const measure::Dataset& data,
                                        const std::string& folder) {
  const measure::MetricInfo& info = choose_metric(name, data);
  if (info.needs_labels && !data.has_labels())
    fail(ErrorCode::data, "metric '{}' needs labels, which '{}' does not have", info.name, folder);
  return info;
}

void print_json(const nlohmann::json& document) {
  fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

nlohmann::json latency_json(const measure::LatencySummary& s) {
  return {{"runs", s.runs},  {"min_ms", s.min}, {"median_ms", s.median},     {"mean_ms", s.mean},
          {"p90_ms", s.p90}, {"p99_ms", s.p99}, {"per_second", s.throughput}};
}

}  // namespace tenfold::cli
