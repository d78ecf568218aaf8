#include "kindred/core/parallel.h"

#include <gtest/gtest.h>
#include <immintrin.h>

#include <atomic>
#include <limits>
#include <stdexcept>
#include <thread>
#include <vector>

extern "C" int omp_get_max_threads();  // clang has no omp.h for GCC's runtime

namespace kindred {
namespace {

constexpr unsigned int kFlush = 0x8040;  // MXCSR: flush to zero, denormals are zero

class WorkersOfAnyNumber : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(Threads, WorkersOfAnyNumber, testing::Values(1, 2, 3, 8));

TEST_P(WorkersOfAnyNumber, RunsEachTaskOnce) {
  const Workers workers(GetParam());
  EXPECT_EQ(workers.threads(), GetParam());
  for (const Index count : {Index{0}, Index{1}, Index{2}, Index{7}, Index{1000}}) {
    std::vector<int> runs(static_cast<std::size_t>(count));  // each written by its task alone
    workers.for_each(count, [&](Index i, int) { ++runs[static_cast<std::size_t>(i)]; });
    EXPECT_EQ(runs, std::vector<int>(static_cast<std::size_t>(count), 1));
  }
}

struct Heard final : WorkListener {
  void on_tasks(Index done, Index total) override {
    EXPECT_FALSE(busy.exchange(true));  // by one thread at a time
    told.emplace_back(done, total);
    busy = false;
  }
  std::vector<std::pair<Index, Index>> told;
  std::atomic<bool> busy{false};
};

TEST_P(WorkersOfAnyNumber, TellsHowFarTheOutermostWorkHasCome) {
  Workers workers(GetParam());
  Heard heard;
  workers.tell(&heard);
  const auto inner = [&](Index, int) { workers.for_each(5, [](Index, int) {}); };
  for (const Idle idle : {Idle::waits, Idle::helps}) {
    for (const Index count : {Index{1}, Index{2}, Index{200}}) {
      heard.told.clear();
      workers.for_each(count, inner, idle);
      ASSERT_FALSE(heard.told.empty());
      EXPECT_EQ(heard.told.back(), std::pair(count, count));
      for (std::size_t i = 0; i < heard.told.size(); ++i) {
        EXPECT_EQ(heard.told[i].second, count);  // not the 5 inside
        if (i > 0) {
          EXPECT_GT(heard.told[i].first, heard.told[i - 1].first);
        }
      }
    }
  }
  workers.tell(nullptr);
  heard.told.clear();
  workers.for_each(3, inner);
  EXPECT_TRUE(heard.told.empty());
}

TEST_P(WorkersOfAnyNumber, CutsRangesIntoBlocksThatDoNotDependOnTheThreads) {
  const Workers workers(GetParam());
  std::vector<int> runs(103);
  std::vector<Index> ends(11);
  workers.for_blocks(103, 10, [&](Index begin, Index end, int) {
    EXPECT_EQ(begin % 10, 0);
    ends[static_cast<std::size_t>(begin / 10)] = end;
    for (Index i = begin; i < end; ++i) ++runs[static_cast<std::size_t>(i)];
  });
  EXPECT_EQ(runs, std::vector<int>(103, 1));
  EXPECT_EQ(ends, (std::vector<Index>{10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 103}));
}

TEST_P(WorkersOfAnyNumber, GivesTasksThatRunAtOnceDifferentWorkers) {
  const Workers workers(GetParam());
  std::vector<std::atomic<int>> busy(static_cast<std::size_t>(GetParam()));
  std::atomic<int> clashes{0};
  workers.for_each(500, [&](Index, int worker) {
    ASSERT_GE(worker, 0);
    ASSERT_LT(worker, GetParam());
    auto& mine = busy[static_cast<std::size_t>(worker)];
    if (mine.fetch_add(1) != 0) ++clashes;
    std::this_thread::yield();
    mine.fetch_sub(1);
  });
  EXPECT_EQ(clashes, 0);
}

TEST_P(WorkersOfAnyNumber, RunsInnerTasksInTheCallerWithItsNumber) {
  const Workers workers(GetParam());
  std::vector<std::vector<int>> runs(20, std::vector<int>(30));
  workers.for_each(20, [&](Index i, int outer) {
    const std::thread::id thread = std::this_thread::get_id();
    Index expected = 0;
    workers.for_each(30, [&](Index j, int inner) {
      EXPECT_EQ(inner, outer);
      EXPECT_EQ(std::this_thread::get_id(), thread);
      EXPECT_EQ(j, expected++);
      ++runs[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)];
    });
    EXPECT_EQ(expected, 30);
  });
  EXPECT_EQ(runs, std::vector<std::vector<int>>(20, std::vector<int>(30, 1)));
}

TEST_P(WorkersOfAnyNumber, RethrowsATasksExceptionAndGoesOnWorking) {
  const Workers workers(GetParam());
  const auto fails = [](Index i, int) {
    if (i == 17) throw std::runtime_error("task 17");
  };
  try {
    workers.for_each(100, fails);
    FAIL() << "the exception was lost";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "task 17");
  }
  EXPECT_EQ(_mm_getcsr() & kFlush, 0u);
  // From an inner loop, too; and the caller is no worker afterwards.
  EXPECT_THROW(workers.for_each(3, [&](Index, int) { workers.for_each(100, fails); }),
               std::runtime_error);
  std::atomic<int> runs{0};
  workers.for_each(100, [&](Index, int) { ++runs; });
  EXPECT_EQ(runs, 100);
}

TEST_P(WorkersOfAnyNumber, FlushDenormalsAndHoldOpenMpToOneThreadInEveryTask) {
  const Workers workers(GetParam());
  const int before = omp_get_max_threads();
  volatile float tiny = std::numeric_limits<float>::denorm_min();
  workers.for_each(200, [&](Index, int) {
    EXPECT_EQ(_mm_getcsr() & kFlush, kFlush);
    EXPECT_EQ(omp_get_max_threads(), 1);
    volatile float product = tiny * 2.0f;
    EXPECT_EQ(product, 0.0f);
  });
  EXPECT_EQ(_mm_getcsr() & kFlush, 0u);
  EXPECT_EQ(omp_get_max_threads(), before);
  volatile float product = tiny * 2.0f;
  EXPECT_GT(product, 0.0f);
}

TEST(Workers, AsManyThreadsAsAskedForRunAtOnce) {
  // Each task waits for all: fewer than eight threads never finish this. Smaller Workers that live
  // at the same time used to limit it, as TBB takes the least of several limits.
  const Workers smaller(1);
  const Workers workers(8);
  const Workers others(2);
  std::atomic<int> arrived{0};
  workers.for_each(8, [&](Index, int) {
    ++arrived;
    while (arrived < 8) std::this_thread::yield();
  });
  EXPECT_EQ(arrived, 8);
}

TEST(Workers, SeveralLiveSideBySide) {
  const Workers few(1);
  const Workers many(3);
  std::atomic<int> runs{0};
  few.for_each(10, [&](Index, int) { many.for_each(10, [&](Index, int) { ++runs; }); });
  many.for_each(10, [&](Index, int) { few.for_each(10, [&](Index, int) { ++runs; }); });
  EXPECT_EQ(runs, 200);
}

TEST(Workers, ServeSeveralCallersAtOnce) {
  const Workers workers(2);
  std::atomic<int> runs{0};
  const auto call = [&] {
    for (int i = 0; i < 50; ++i) workers.for_each(20, [&](Index, int) { ++runs; });
  };
  std::thread other(call);
  call();
  other.join();
  EXPECT_EQ(runs, 2000);
}

TEST(Workers, SeeWhatTheCallerWroteAndTheCallerWhatTheyWrote) {
  // Plain memory on both sides; ThreadSanitizer judges.
  const Workers workers(3);
  std::vector<int> values(64);
  int factor = 0;
  for (int round = 1; round <= 20; ++round) {
    factor = round;
    workers.for_each(64, [&](Index i, int) { values[static_cast<std::size_t>(i)] += factor; });
    for (const int value : values) ASSERT_EQ(value, round * (round + 1) / 2);
  }
}

TEST(Workers, DefaultToWhatTheProcessMayUse) {
  EXPECT_GE(Workers::default_threads(), 1);
  EXPECT_EQ(Workers().threads(), Workers::default_threads());
}

TEST(ComputeScope, RestoresWhatItFound) {
  const unsigned int register_before = _mm_getcsr();
  const int threads_before = omp_get_max_threads();
  {
    const ComputeScope outer;
    {
      const ComputeScope inner;
      EXPECT_EQ(_mm_getcsr() & kFlush, kFlush);
    }
    EXPECT_EQ(_mm_getcsr() & kFlush, kFlush);
    EXPECT_EQ(omp_get_max_threads(), 1);
  }
  EXPECT_EQ(_mm_getcsr(), register_before);
  EXPECT_EQ(omp_get_max_threads(), threads_before);
}

}  // namespace
}  // namespace kindred
