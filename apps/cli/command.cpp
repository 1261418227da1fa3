#include "command.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <random>

namespace tenfold::cli {
namespace {

std::atomic<bool> g_interrupted{false};

extern "C" void on_interrupt(int) {
  if (g_interrupted.exchange(true)) _exit(kError);
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

bool interrupted() { return g_interrupted.load(std::memory_order_relaxed); }

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
  if (end == text.c_str() || (unit != "%" && !unit.empty()))
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
    if (text[0] != 'p' || end != text.c_str() + colon || p <= 0 || p >= 100)
      fail(ErrorCode::invalid_argument, "'{}' is no latency target: write p50:50ms", text);
    quantile = p / 100;
    rest = text.substr(colon + 1);
  }
  char* end = nullptr;
  const double ms = std::strtod(rest.c_str(), &end);
  const std::string unit(end);
  if (end == rest.c_str() || !(ms > 0) || (unit != "ms" && !unit.empty()))
    fail(ErrorCode::invalid_argument, "'{}' is no latency target: write p50:50ms", text);
  return {quantile, ms};
}

std::vector<Tensor> random_feeds(const ir::Graph& graph, const std::vector<std::string>& extents) {
  std::map<std::string, int64_t> given;
  for (const std::string& e : extents) {
    const size_t equals = e.find('=');
    const int64_t value = equals == std::string::npos ? 0 : std::strtoll(e.c_str() + equals + 1, nullptr, 10);
    if (value <= 0) fail(ErrorCode::invalid_argument, "'{}' is no extent: write name=value", e);
    given[e.substr(0, equals)] = value;
  }
  for (const auto& [name, value] : given) {
    const auto has = [&](ir::ValueId id) {
      const auto& shape = graph.value(id).shape;
      return shape && std::ranges::any_of(*shape, [&, n = std::string_view(name)](int64_t d) {
               return is_symbol(d) && graph.symbol_name(d) == n;
             });
    };
    if (std::ranges::none_of(graph.inputs, has))
      fail(ErrorCode::invalid_argument,
           "--extent {}={}: no input has an extent of that name (tenfold inspect lists them)", name, value);
  }
  std::mt19937 rng(0);
  std::normal_distribution<float> normal;
  std::vector<Tensor> feeds;
  for (ir::ValueId id : graph.inputs) {
    const ir::Value& v = graph.value(id);
    if (!v.shape) fail(ErrorCode::unsupported, "the rank of input '{}' is unknown", v.name);
    Shape shape;
    for (int64_t d : *v.shape) {
      const auto it = is_symbol(d) ? given.find(graph.symbol_name(d)) : given.end();
      shape.push_back(!is_symbol(d) ? d : it == given.end() ? 1 : it->second);
    }
    Tensor t(v.dtype, shape);
    if (v.dtype == DType::f32)
      for (int64_t i = 0; i < t.elements(); i++) t.mutable_data<float>()[i] = normal(rng);
    else
      dispatch(v.dtype, [&](auto tag) {
        std::fill_n(t.mutable_data<decltype(tag)>(), t.elements(), static_cast<decltype(tag)>(1));
      });
    feeds.push_back(std::move(t));
  }
  return feeds;
}

nlohmann::json latency_json(const measure::LatencySummary& s) {
  return {{"runs", s.runs},  {"min_ms", s.min}, {"median_ms", s.median},     {"mean_ms", s.mean},
          {"p90_ms", s.p90}, {"p99_ms", s.p99}, {"per_second", s.throughput}};
}

}  // namespace tenfold::cli
