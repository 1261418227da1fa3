#include "base/thread_pool.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <numeric>

#include "base/error.hpp"

namespace tenfold {
namespace {

TEST(ThreadPool, EveryPartRunsOnce) {
  for (int threads : {1, 2, 4}) {
    ThreadPool pool(threads);
    for (int parts : {0, 1, 2, 3, 17, 100}) {
      for (int repeat = 0; repeat < 200; repeat++) {
        std::vector<std::atomic<int>> seen(static_cast<size_t>(parts));
        pool.run(parts, [&](int i) { seen[static_cast<size_t>(i)]++; });
        for (auto& s : seen) ASSERT_EQ(s.load(), 1);
      }
    }
  }
}

TEST(ThreadPool, WakesAfterParking) {
  ThreadPool pool(3);
  for (int repeat = 0; repeat < 20; repeat++) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // longer than the spin: workers park
    std::atomic<int> sum{0};
    pool.run(3, [&](int i) { sum += i + 1; });
    ASSERT_EQ(sum.load(), 6);
  }
}

/// The child has the pool without its threads: it works alone, and the end of the pool waits for nobody.
TEST(ThreadPool, InAForkedChild) {
  auto pool = std::make_unique<ThreadPool>(3);
  pool->run(3, [](int) {});
  std::this_thread::sleep_for(std::chrono::milliseconds(5));  // workers park
  const pid_t child = fork();
  if (child == 0) {
    alarm(10);  // ends a child that hangs
    std::atomic<int> sum{0};
    pool->run(3, [&](int i) { sum += i + 1; });
    pool.reset();
    _exit(sum.load());
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 6);
}

// Plain memory on both sides of a call: ThreadSanitizer sees whether run() orders it.
TEST(ThreadPool, WhatPartsWriteIsSeenByTheCallerAndTheNextParts) {
  constexpr int kParts = 8;
  for (int round = 0; round < 20; round++) {
    ThreadPool pool(3);
    std::vector<int> values(kParts, 0), sums(kParts, 0);
    for (int repeat = 1; repeat <= 50; repeat++) {
      if (repeat % 25 == 0) std::this_thread::sleep_for(std::chrono::microseconds(90));  // about to park
      pool.run(kParts, [&](int i) { values[static_cast<size_t>(i)] = repeat; });
      pool.run(kParts, [&](int i) {
        sums[static_cast<size_t>(i)] = std::accumulate(values.begin(), values.end(), 0);
      });
      for (int sum : sums) ASSERT_EQ(sum, kParts * repeat);
    }
  }
}

// Sanitizers reserve more address space than the limit leaves.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(ThreadPool, ThreadsThatCannotStartAreATypedError) {
  const auto start_many = [] {
    rlimit limit{};
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = rlim_t{1} << 30;  // 8 MB of stack for each thread
    setrlimit(RLIMIT_AS, &limit);
    try {
      ThreadPool pool(1024);
    } catch (const Error& e) {
      std::exit(e.code() == ErrorCode::unsupported ? 0 : 1);
    }
    std::exit(2);
  };
  EXPECT_EXIT(start_many(), testing::ExitedWithCode(0), "");
}
#endif

TEST(Split, CoversEverythingOnceInGrains) {
  for (int64_t n : {0, 1, 5, 64, 1001})
    for (int parts : {1, 2, 3, 7})
      for (int64_t grain : {1, 4, 32}) {
        int64_t at = 0;
        for (int p = 0; p < parts; p++) {
          const Range r = split(n, p, parts, grain);
          ASSERT_EQ(r.begin, at);
          ASSERT_TRUE(r.end == n || r.end % grain == 0);
          at = r.end;
        }
        ASSERT_EQ(at, n);
      }
}

}  // namespace
}  // namespace tenfold
