#include "core/ranks/roll_call.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <thread>
#include <vector>

#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr int kNever = 99;  // the code of a rank that nobody has told of anything

/// A group of processes that talk by pipes: rank 0 to all others and back, which is what a
/// roll call needs.
class PipeGroup : public ProcessGroup {
 public:
  PipeGroup(int rank, const std::vector<std::vector<int>>& from,
            const std::vector<std::vector<int>>& to)
      : rank_(rank), from_(from), to_(to) {}
  int rank() const override { return rank_; }
  int size() const override { return static_cast<int>(from_.size()); }

 private:
  void transfer(std::span<const Outgoing> sent, std::span<const Incoming> received) override {
    for (const Outgoing& message : sent) {
      const int pipe = to_[static_cast<std::size_t>(rank_)][static_cast<std::size_t>(message.to)];
      ASSERT_EQ(::write(pipe, message.bytes.data(), message.bytes.size()),
                static_cast<ssize_t>(message.bytes.size()));
    }
    for (const Incoming& message : received) {
      const int pipe =
          from_[static_cast<std::size_t>(message.from)][static_cast<std::size_t>(rank_)];
      for (std::size_t got = 0; got < message.bytes.size();) {
        const ssize_t more = ::read(pipe, message.bytes.data() + got, message.bytes.size() - got);
        ASSERT_GT(more, 0);
        got += static_cast<std::size_t>(more);
      }
    }
  }

  int rank_;
  const std::vector<std::vector<int>>& from_;
  const std::vector<std::vector<int>>& to_;
};

/// What became of three ranks of which each did `work`: exit codes, 128 + N for signal N. `after`
/// is asked for the code of a rank that has left.
std::vector<int> codes_of(
    const std::function<void(RollCall&, int rank)>& work,
    const std::function<int(int rank)>& after = [](int) { return 0; }) {
  constexpr int kRanks = 3;
  std::vector from(kRanks, std::vector(kRanks, -1));
  std::vector to = from;
  for (std::size_t i = 0; i < kRanks; ++i) {
    for (std::size_t j = 0; j < kRanks; ++j) {
      int ends[2];
      EXPECT_EQ(::pipe(ends), 0);
      from[i][j] = ends[0];
      to[i][j] = ends[1];
    }
  }
  std::vector<pid_t> children;
  for (int rank = 0; rank < kRanks; ++rank) {
    children.push_back(::fork());
    if (children.back() != 0) continue;
    try {
      PipeGroup group(rank, from, to);
      RollCall roll(group, "host" + std::to_string(rank));
      work(roll, rank);
    } catch (const Error& error) {
      ::_exit(error.exit_code());
    }
    ::_exit(after(rank));
  }
  std::vector<int> codes;
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    codes.push_back(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
  }
  for (const auto* pipes : {&from, &to}) {
    for (const auto& row : *pipes) {
      for (const int pipe : row) ::close(pipe);
    }
  }
  return codes;
}

/// Longer than any verdict takes.
void wait_to_be_ended() {
  std::this_thread::sleep_for(std::chrono::seconds(40));
  ::_exit(kNever);
}

TEST(RollCall, EndsInOrder) {
  EXPECT_EQ(codes_of([](RollCall&, int) {}), (std::vector{0, 0, 0}));
}

// A connection that is closed while a note of rank 0's is under way is reset, which takes back the
// goodbye: rank 0 would take a rank that has left for one that is gone.
TEST(RollCall, LeavesTogetherHoweverLongRankZeroTakes) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  const auto work = [](RollCall&, int rank) {
    if (rank == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  };
  const auto after = [&](int rank) {
    const bool waited = Clock::now() - begin >= std::chrono::milliseconds(1500);
    return waited ? 0 : 10 + rank;
  };
  EXPECT_EQ(codes_of(work, after), (std::vector{0, 0, 0}));
}

TEST(RollCall, AllEndWithTheCodeOfTheOneThatFails) {
  for (const int failing : {0, 2}) {
    const auto work = [&](RollCall& roll, int rank) {
      if (rank != failing) wait_to_be_ended();
      roll.end_by(Error(ErrorKind::data, "bad data"));
      ::_exit(static_cast<int>(ErrorKind::data));
    };
    EXPECT_EQ(codes_of(work), (std::vector{65, 65, 65})) << "rank " << failing;
  }
}

TEST(RollCall, AllEndWhereOneIsKilled) {
  const auto kill = [](int killed) {
    return [killed](RollCall&, int rank) {
      if (rank == killed) std::raise(SIGKILL);
      wait_to_be_ended();
    };
  };
  EXPECT_EQ(codes_of(kill(1)), (std::vector{71, 128 + SIGKILL, 71}));
  EXPECT_EQ(codes_of(kill(0)), (std::vector{128 + SIGKILL, 71, 71}));
}

TEST(RollCall, ThoseThatDivergeWaitForRankZero) {
  const auto work = [](RollCall& roll, int rank) {
    if (rank == 0) std::this_thread::sleep_for(std::chrono::seconds(2));  // keeps what is finite
    roll.end_by(Error(ErrorKind::diverged, "training diverged"));
    ::_exit(rank == 0 ? 69 : kNever);
  };
  EXPECT_EQ(codes_of(work), (std::vector{69, 69, 69}));
}

}  // namespace
}  // namespace kindred
