// A small fork-join pool for latency: workers spin briefly, then park; the caller works too.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace tenfold {

/// Runs the same function on every thread of the pool and waits for all.  One caller at a time; the call
/// neither allocates nor takes a lock while the workers are still spinning from the call before.  In a forked
/// child, which has no workers, the caller does everything.
class ThreadPool {
 public:
  /// `threads` counts the caller: 1 makes no worker at all.  Values below 1 count as 1.  Throws
  /// Error(unsupported) where the system does not let so many start.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return static_cast<int>(workers_->threads.size()) + 1; }

  /// Calls f(part) for part in [0, parts), each exactly once; parts beyond size() are taken as threads get
  /// free. f must not throw.
  template <class F>
  void run(int parts, const F& f) {
    if (parts <= 1 || workers_->threads.empty()) {
      for (int i = 0; i < parts; i++) f(i);
      return;
    }
    fork({[](const void* context, int part) { (*static_cast<const F*>(context))(part); }, &f}, parts);
  }

 private:
  struct Job {
    void (*call)(const void*, int);
    const void* context;
  };
  struct Workers {
    std::mutex mutex;
    std::condition_variable wake;
    std::vector<std::thread> threads;
  };
  void fork(Job job, int parts);
  void work();
  void take_parts(uint64_t generation);
  void stop();
  /// The workers stayed behind in the process that this one was forked from.
  bool in_forked_child() const;

  // `state_` packs generation, number of parts and the next part to take, so that one compare-and-swap
  // decides: a late worker of an earlier call can never take a part of the current one.
  alignas(64) std::atomic<uint64_t> state_{0};
  alignas(64) std::atomic<int> pending_{0};
  alignas(64) std::atomic<int> parked_{0};
  std::atomic<bool> stop_{false};
  Job job_{};
  const int process_;  ///< that started the workers
  std::unique_ptr<Workers> workers_ = std::make_unique<Workers>();
};

/// The part of [0, n) that falls to `part` of `parts`, in multiples of `grain`, as even as that allows.
struct Range {
  int64_t begin, end;
};
constexpr Range split(int64_t n, int part, int parts, int64_t grain = 1) {
  const int64_t units = (n + grain - 1) / grain;
  const int64_t begin = units * part / parts * grain, end = units * (part + 1) / parts * grain;
  return {begin < n ? begin : n, end < n ? end : n};
}

}  // namespace tenfold
