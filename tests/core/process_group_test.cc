#include "kindred/core/process_group.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/ranks/launcher.h"
#include "kindred/core/error.h"
#include "support/error_of.h"
#include "support/thread_group.h"

namespace kindred {
namespace {

using test::ThreadRanks;

TEST(ProcessGroup, PartsOfAWholeFollowEachOther) {
  for (const Index parts : {1, 2, 3, 7}) {
    EXPECT_EQ(begin_of_part(5, 0, parts), 0);
    EXPECT_EQ(begin_of_part(5, parts, parts), 5);
    for (Index part = 0; part < parts; ++part) {
      const Index size = begin_of_part(5, part + 1, parts) - begin_of_part(5, part, parts);
      EXPECT_GE(size, 5 / parts);
      EXPECT_LE(size, 5 / parts + 1);
    }
  }
}

TEST(ProcessGroup, GathersRowsOfAllAtAll) {
  for (const int ranks : {1, 2, 3, 5}) {
    ThreadRanks(ranks).run([&](ProcessGroup& group) {
      Matrix rows(8, 3);  // runs of two rows: with five ranks one has none
      const Index begin = begin_of_part(4, group.rank(), ranks) * 2;
      const Index end = begin_of_part(4, group.rank() + 1, ranks) * 2;
      for (Index i = begin; i < end; ++i) rows(i, 2) = static_cast<float>(i + 1);
      group.gather_rows(rows.view(), 2);
      for (Index i = 0; i < 8; ++i) EXPECT_EQ(rows(i, 2), static_cast<float>(i + 1));
    });
  }
}

TEST(ProcessGroup, BroadcastsWhatRankZeroHas) {
  for (const int ranks : {1, 2, 3, 8}) {
    ThreadRanks(ranks).run([](ProcessGroup& group) {
      std::vector<int> values(100, group.rank());
      values[7] = group.rank() == 0 ? 42 : -1;
      group.broadcast(std::as_writable_bytes(std::span(values)));
      EXPECT_EQ(values[7], 42);
      EXPECT_EQ(values[99], 0);
    });
  }
}

TEST(ProcessGroup, KnowsWhatOneOfThemSays) {
  ThreadRanks(3).run([](ProcessGroup& group) {
    EXPECT_FALSE(group.any(false));
    EXPECT_TRUE(group.any(group.rank() == 2));
    const std::vector<std::string> texts = group.gather_texts(std::string(group.rank() * 2, 'x'));
    EXPECT_EQ(texts, (std::vector<std::string>{"", "xx", "xxxx"}));
  });
}

TEST(ProcessGroup, RefusesAtAllWhatOneHasOtherwise) {
  std::atomic<int> refused{0};
  ThreadRanks(3).run([&](ProcessGroup& group) {
    group.expect_alike("the same", "advice");
    try {
      group.expect_alike(group.rank() == 2 ? "7 rows" : "6 rows", "give all the same");
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::data);
      EXPECT_STREQ(error.what(), "rank 2 has 7 rows, rank 0 6 rows; give all the same");
      ++refused;
    }
  });
  EXPECT_EQ(refused, 3);
}

TEST(ProcessGroup, CountsWhatItSends) {
  ThreadRanks(2).run([](ProcessGroup& group) {
    std::vector<std::byte> all(10);
    const std::vector<Index> begins = {0, 4, 10};
    group.gather(all, begins);
    EXPECT_EQ(group.traffic().messages, 1);
    EXPECT_EQ(group.traffic().bytes, group.rank() == 0 ? 4 : 6);
  });
}

/// Variables of the environment for the time of a test.
class Launched : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMI_SIZE",
                             "PMIX_RANK", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "KINDRED_MPI"}) {
      ::unsetenv(name);
    }
  }
  void TearDown() override { SetUp(); }
  static void set(const char* name, const char* value) { ::setenv(name, value, 1); }
};

TEST_F(Launched, IsFoundByTheEnvironment) {
  EXPECT_EQ(find_launch().size, 1);
  set("PMI_RANK", "1");
  EXPECT_EQ(find_launch().size, 1) << "half of it says nothing";
  set("PMI_SIZE", "3");
  EXPECT_EQ(find_launch().size, 3);
  EXPECT_EQ(find_launch().rank, 1);
  EXPECT_EQ(find_launch().library, "mpich");
  set("KINDRED_MPI", "openmpi");
  EXPECT_EQ(find_launch().library, "openmpi");
  set("KINDRED_MPI", "off");
  EXPECT_EQ(find_launch().size, 1);
  set("KINDRED_MPI", "lam");
  EXPECT_NE(test::error_of([] { find_launch(); }, ErrorKind::usage).find("'lam'"),
            std::string::npos);
}

TEST_F(Launched, OpenMpiSaysMoreThanSlurmAroundIt) {
  set("SLURM_PROCID", "0");
  set("SLURM_STEP_NUM_TASKS", "1");
  set("OMPI_COMM_WORLD_RANK", "3");
  set("OMPI_COMM_WORLD_SIZE", "4");
  EXPECT_EQ(find_launch().rank, 3);
  EXPECT_EQ(find_launch().library, "openmpi");
}

TEST_F(Launched, TasksThatDoNotKnowOfEachOtherAreRefused) {
  set("SLURM_PROCID", "1");
  set("SLURM_STEP_NUM_TASKS", "4");
  EXPECT_NE(test::error_of([] { find_launch(); }, ErrorKind::system).find("srun --mpi=pmix"),
            std::string::npos);
  set("PMIX_RANK", "1");
  EXPECT_EQ(find_launch().size, 4);
}

}  // namespace
}  // namespace kindred
