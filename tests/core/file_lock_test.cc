#include "core/files/file_lock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/temp_folder.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using test::expect_error;

class FileLockTest : public testing::Test {
 protected:
  // In a process of its own; exit code 0 where nothing is thrown.
  static pid_t start(const std::function<void()>& work) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    try {
      work();
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  static int wait_for(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string lock() const { return folder_ / "lock"; }

  test::TempFolder folder_;
};

TEST_F(FileLockTest, TheSecondIsToldWhoHoldsIt) {
  const FileLock first(lock(), "the folder");
  EXPECT_EQ(first.unsupported(), "");
  expect_error(ErrorKind::cannot_create,
               "the folder: another process (pid " + std::to_string(::getpid()) + " on ",
               [&] { FileLock(lock(), "the folder"); });
  EXPECT_TRUE(fs::exists(lock()));  // it is the first one's
}

TEST_F(FileLockTest, IsFreeAndLeavesNothingOnceItsHolderEnds) {
  for (int i = 0; i < 3; ++i) FileLock(lock(), "the folder");
  EXPECT_TRUE(fs::is_empty(folder_.path()));
  {
    std::optional<FileLock> first(FileLock(lock(), "the folder"));
    const FileLock moved(std::move(*first));
    first.reset();
    EXPECT_THROW(FileLock(lock(), "the folder"), Error);
  }
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(FileLockTest, AKilledHolderKeepsNobodyAway) {
  const pid_t holder = start([&] {
    const FileLock held(lock(), "the folder");
    ::pause();
  });
  while (!fs::exists(lock()) || fs::file_size(lock()) == 0) std::this_thread::yield();
  expect_error(ErrorKind::cannot_create, "pid " + std::to_string(holder) + " on ",
               [&] { FileLock(lock(), "the folder"); });
  ::kill(holder, SIGKILL);
  wait_for(holder);
  EXPECT_TRUE(fs::exists(lock()));
  { const FileLock next(lock(), "the folder"); }
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

// Each adds to a number in a file, in two steps: what two do at once is lost.
TEST_F(FileLockTest, OneOfManyHoldsItAtATime) {
  constexpr int kProcesses = 8;
  constexpr int kTurns = 40;
  const std::string counter = folder_ / "counter";
  std::ofstream(counter) << 0;
  const auto add = [&] {
    for (int turn = 0; turn < kTurns;) {
      try {
        const FileLock held(lock(), "the counter");
        int value = 0;
        std::ifstream(counter) >> value;
        ::sched_yield();
        std::ofstream(counter) << value + 1;
        ++turn;
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::cannot_create) throw;
        ::sched_yield();
      }
    }
  };
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; ++i) children.push_back(start(add));
  for (const pid_t child : children) EXPECT_EQ(wait_for(child), 0);
  int value = 0;
  std::ifstream(counter) >> value;
  EXPECT_EQ(value, kProcesses * kTurns);
  EXPECT_FALSE(fs::exists(lock()));
}

TEST_F(FileLockTest, LeavesWhatIsNoLockAlone) {
  std::ofstream(lock()) << "somebody's notes";
  const auto refused = [&] {
    expect_error(ErrorKind::cannot_create, "the folder: cannot create " + lock() + ": ",
                 [&] { FileLock(lock(), "the folder"); });
  };
  refused();
  std::string text;
  std::getline(std::ifstream(lock()), text);
  EXPECT_EQ(text, "somebody's notes");
  fs::remove(lock());
  fs::create_symlink(folder_ / "elsewhere", lock());
  refused();
  EXPECT_FALSE(fs::exists(folder_ / "elsewhere"));
  fs::remove(lock());
  ASSERT_EQ(::mkfifo(lock().c_str(), 0600), 0);
  refused();
  fs::remove(lock());
  expect_error(ErrorKind::cannot_create, "No such file or directory",
               [&] { FileLock(folder_ / "missing/lock", "the folder"); });
}

// A loss of power may leave the file's length without what was written.
TEST_F(FileLockTest, TakesWhatALossOfPowerLeft) {
  for (const std::string left : {"", "pid", "pid 1", "pid 99999999 on nowhere\n"}) {
    std::ofstream(lock()) << left;
    if (left == "pid") std::ofstream(lock()) << std::string(24, '\0');
    { const FileLock next(lock(), "the folder"); }
    EXPECT_FALSE(fs::exists(lock())) << left;
  }
}

// What was put in the lock's place meanwhile is not the lock.
TEST_F(FileLockTest, RemovesNothingButItself) {
  {
    const FileLock held(lock(), "the folder");
    std::ofstream(folder_ / "beside") << "an output";
    fs::rename(folder_ / "beside", lock());
  }
  EXPECT_TRUE(fs::exists(lock()));
}

TEST_F(FileLockTest, AnOutputsNameMayBeAsLongAsAFileSystemTakes) {
  for (const std::size_t size : {234, 235, 236, 250, 251, 255}) {
    const std::string output = folder_ / std::string(size, 'n');
    const FileLock held = FileLock::of_output(output);
    EXPECT_THROW(FileLock::of_output(output), Error);
    EXPECT_NO_THROW(FileLock::of_output(folder_ / (std::string(size - 1, 'n') + "m")));
  }
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(FileLockTest, AnOutputHasOneLockForAllItsNames) {
  std::ofstream(folder_ / "out.h5") << "x";
  fs::create_symlink(folder_ / "out.h5", folder_ / "link.h5");
  const FileLock held = FileLock::of_output(folder_ / "out.h5");
  expect_error(ErrorKind::cannot_create, (folder_ / "link.h5") + ": another process",
               [&] { FileLock::of_output(folder_ / "link.h5"); });
  expect_error(ErrorKind::cannot_create, "another process", [&] {
    FileLock::of_output(folder_ / ("../" + folder_.path().filename().string() + "/out.h5"));
  });
  EXPECT_NO_THROW(FileLock::of_output(folder_ / "other.h5"));
}

}  // namespace
}  // namespace kindred
