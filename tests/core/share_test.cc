#include <gtest/gtest.h>
#include <immintrin.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "kindred/core/parallel.h"

namespace kindred {
namespace {

using Counts = std::vector<std::vector<int>>;

Counts zeros(std::size_t tasks, std::size_t parts) { return {tasks, std::vector<int>(parts)}; }
Counts ones(std::size_t tasks, std::size_t parts) { return {tasks, std::vector<int>(parts, 1)}; }

class ShareOfAnyNumber : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(Threads, ShareOfAnyNumber, testing::Values(1, 2, 3, 8));

TEST_P(ShareOfAnyNumber, RunsEachPartOnce) {
  const Workers workers(GetParam());
  for (const std::size_t tasks : {1UL, 2UL, 5UL, 40UL}) {
    for (const std::size_t parts : {0UL, 1UL, 2UL, 17UL}) {
      Counts runs = zeros(tasks, parts);  // plain memory: ThreadSanitizer judges
      const auto task = [&](Index i, int) {
        std::vector<int>& mine = runs[static_cast<std::size_t>(i)];
        for (int loop = 0; loop < 3; ++loop) {
          Workers::share(static_cast<Index>(parts),
                         [&](Index part, int) { ++mine[static_cast<std::size_t>(part)]; });
          for (int& count : mine) count -= loop == 2 ? 0 : 1;  // what helpers wrote is seen
        }
      };
      workers.for_each(static_cast<Index>(tasks), task, Idle::helps);
      EXPECT_EQ(runs, ones(tasks, parts));
    }
  }
}

TEST_P(ShareOfAnyNumber, GivesPartsThatRunAtOnceDifferentWorkers) {
  const Workers workers(GetParam());
  std::vector<std::atomic<int>> busy(static_cast<std::size_t>(GetParam()));
  std::atomic<int> clashes{0};
  std::atomic<int> outside{0};
  const auto part = [&](Index, int worker) {
    if (worker < 0 || worker >= GetParam()) {
      ++outside;
      return;
    }
    auto& mine = busy[static_cast<std::size_t>(worker)];
    if (mine.fetch_add(1) != 0) ++clashes;
    std::this_thread::yield();
    mine.fetch_sub(1);
  };
  workers.for_each(
      10, [&](Index, int) { Workers::share(50, part); }, Idle::helps);
  EXPECT_EQ(clashes, 0);
  EXPECT_EQ(outside, 0);
}

TEST_P(ShareOfAnyNumber, RethrowsAPartsException) {
  const Workers workers(GetParam());
  const auto fails = [](Index part, int) {
    if (part == 7) throw std::runtime_error("part 7");
  };
  for (int round = 0; round < 20; ++round) {
    try {
      workers.for_each(
          3, [&](Index, int) { Workers::share(30, fails); }, Idle::helps);
      FAIL() << "the exception was lost";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "part 7");
    }
  }
  // A task may catch it and go on.
  std::atomic<int> runs{0};
  const auto task = [&](Index, int) {
    EXPECT_THROW(Workers::share(30, fails), std::runtime_error);
    Workers::share(10, [&](Index, int) { ++runs; });
  };
  workers.for_each(4, task, Idle::helps);
  EXPECT_EQ(runs, 40);
}

TEST_P(ShareOfAnyNumber, RunsWhatAPartSharesInThatPart) {
  const Workers workers(GetParam());
  std::atomic<int> strangers{0};
  std::atomic<int> runs{0};
  const auto part = [&](Index, int outer) {
    const std::thread::id thread = std::this_thread::get_id();
    Index expected = 0;
    Workers::share(5, [&](Index i, int inner) {
      if (std::this_thread::get_id() != thread || inner != outer || i != expected++) ++strangers;
      ++runs;
    });
    workers.for_each(5, [&](Index, int inner) {
      if (std::this_thread::get_id() != thread || inner != outer) ++strangers;
      ++runs;
    });
  };
  workers.for_each(
      6, [&](Index, int) { Workers::share(8, part); }, Idle::helps);
  EXPECT_EQ(strangers, 0);
  EXPECT_EQ(runs, 6 * 8 * 10);
}

TEST(Share, IdleWorkersTakePart) {
  // Each part waits for all: fewer than four workers never finish this. So it is for one task, of
  // which the others never had any, and for tasks that some workers have finished.
  const Workers workers(4);
  for (const Index tasks : {Index{1}, Index{9}}) {
    const auto task = [&](Index i, int) {
      if (i != tasks - 1) return;
      std::atomic<int> arrived{0};
      Workers::share(4, [&](Index, int) {
        ++arrived;
        while (arrived < 4) std::this_thread::yield();
      });
    };
    workers.for_each(tasks, task, Idle::helps);
  }
}

TEST(Share, HelpersComputeAsWorkersDo) {
  const Workers workers(2);
  std::atomic<int> arrived{0};
  const auto part = [&](Index, int) {
    EXPECT_EQ(_mm_getcsr() & 0x8040, 0x8040u);  // flush to zero, denormals are zero
    ++arrived;
    while (arrived < 2) std::this_thread::yield();
  };
  workers.for_each(
      1, [&](Index, int) { Workers::share(2, part); }, Idle::helps);
}

TEST(Share, WithoutHelpersTheCallerRunsAllInOrder) {
  const auto check = [](int expected_worker) {
    const std::thread::id thread = std::this_thread::get_id();
    Index expected = 0;
    Workers::share(20, [&](Index part, int worker) {
      EXPECT_EQ(part, expected++);
      EXPECT_EQ(worker, expected_worker);
      EXPECT_EQ(std::this_thread::get_id(), thread);
    });
    EXPECT_EQ(expected, 20);
  };
  check(0);  // in no task
  const Workers workers(3);
  workers.for_each(10, [&](Index, int worker) { check(worker); });  // where idle workers wait
}

TEST(Share, ServesSeveralCallersAtOnce) {
  const Workers workers(2);
  std::atomic<int> runs{0};
  const auto call = [&] {
    for (int i = 0; i < 50; ++i) {
      workers.for_each(
          5, [&](Index, int) { Workers::share(6, [&](Index, int) { ++runs; }); }, Idle::helps);
    }
  };
  std::thread other(call);
  call();
  other.join();
  EXPECT_EQ(runs, 2 * 50 * 5 * 6);
}

}  // namespace
}  // namespace kindred
