#include "base/thread_pool.hpp"

#include <unistd.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <chrono>
#include <system_error>

#include "base/error.hpp"

namespace tenfold {
namespace {

// Long enough to bridge the serial gap between two layers, short enough not to burn a core while a session is
// idle.
constexpr auto kSpin = std::chrono::microseconds(60);
constexpr int kPausesPerClockRead = 32;

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

// state: generation (24 bits, wraps), parts (20 bits), next part (20 bits)
constexpr uint64_t kField = (1u << 20) - 1, kGenerations = (1u << 24) - 1;
constexpr uint64_t generation_of(uint64_t state) { return state >> 40; }
constexpr int parts_of(uint64_t state) { return static_cast<int>(state >> 20 & kField); }
constexpr int next_of(uint64_t state) { return static_cast<int>(state & kField); }

/// Spins until done() or the time is over; returns done().
template <class F>
bool spin(const F& done) {
  const auto end = std::chrono::steady_clock::now() + kSpin;
  while (true) {
    for (int i = 0; i < kPausesPerClockRead; i++) {
      if (done()) return true;
      pause();
    }
    if (std::chrono::steady_clock::now() > end) return done();
  }
}

}  // namespace

ThreadPool::ThreadPool(int threads) : process_(getpid()) {
  workers_->threads.reserve(threads > 1 ? static_cast<size_t>(threads - 1) : 0);
  try {
    for (int i = 1; i < threads; i++) workers_->threads.emplace_back([this] { work(); });
  } catch (const std::system_error& e) {
    const size_t started = workers_->threads.size();
    stop();
    fail(ErrorCode::unsupported, "{} threads: the system lets only {} more start ({}); ask for fewer",
         threads, started, e.code().message());
  }
}

ThreadPool::~ThreadPool() { stop(); }

bool ThreadPool::in_forked_child() const { return getpid() != process_; }

void ThreadPool::stop() {
  if (in_forked_child()) {
    // Joining the threads, and destroying what they wait for, would wait for them for ever.
    static_cast<void>(workers_.release());
    return;
  }
  {
    const std::lock_guard lock(workers_->mutex);
    stop_.store(true);
  }
  workers_->wake.notify_all();
  for (std::thread& t : workers_->threads) t.join();
}

void ThreadPool::take_parts(uint64_t generation) {
  uint64_t state = state_.load(std::memory_order_acquire);
  while (generation_of(state) == generation) {
    const int part = next_of(state);
    if (part >= parts_of(state)) return;
    // On success nothing of this generation can end before pending_ drops, so job_ stays valid.
    if (!state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel)) continue;
    job_.call(job_.context, part);
    pending_.fetch_sub(1, std::memory_order_acq_rel);
    state = state_.load(std::memory_order_acquire);
  }
}

void ThreadPool::fork(Job job, int parts) {
  // All parts of the generation before are taken and done, so nobody reads job_ now.
  const uint64_t generation = (generation_of(state_.load(std::memory_order_relaxed)) + 1) & kGenerations;
  job_ = job;
  pending_.store(parts, std::memory_order_relaxed);
  state_.store(generation << 40 | static_cast<uint64_t>(parts) << 20, std::memory_order_seq_cst);
  if (parked_.load(std::memory_order_seq_cst) > 0 && !in_forked_child()) {
    const std::lock_guard lock(workers_->mutex);
    workers_->wake.notify_all();
  }
  take_parts(generation);
  while (pending_.load(std::memory_order_acquire) != 0) pause();
}

void ThreadPool::work() {
  uint64_t seen = 0;
  const auto changed = [&] {
    return generation_of(state_.load(std::memory_order_seq_cst)) != seen ||
           stop_.load(std::memory_order_relaxed);
  };
  while (true) {
    if (!spin(changed)) {
      std::unique_lock lock(workers_->mutex);
      parked_.fetch_add(1, std::memory_order_seq_cst);
      workers_->wake.wait(lock, changed);
      parked_.fetch_sub(1, std::memory_order_seq_cst);
    }
    if (stop_.load(std::memory_order_relaxed)) return;
    seen = generation_of(state_.load(std::memory_order_acquire));
    take_parts(seen);
  }
}

}  // namespace tenfold
