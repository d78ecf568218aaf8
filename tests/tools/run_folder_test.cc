// Several processes on one run folder or one output: one has it, the others say who, nothing is
// lost.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "core/files/file_lock.h"
#include "support/data_files.h"
#include "support/small_data.h"
#include "tools/program.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::kindred;
using test::Outcome;
using test::TempFolder;

/// The program in the background.
class Process {
 public:
  Process(const std::vector<std::string>& arguments, const std::string& err) : err_(err) {
    std::vector<char*> words;
    std::string program = KINDRED_PROGRAM;
    words.push_back(program.data());
    std::vector<std::string> copies = arguments;
    for (std::string& word : copies) words.push_back(word.data());
    words.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, 2, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    EXPECT_EQ(::posix_spawn(&id_, program.c_str(), &files, nullptr, words.data(), environ), 0);
    posix_spawn_file_actions_destroy(&files);
  }
  ~Process() {
    if (id_ <= 0) return;
    ::kill(id_, SIGKILL);
    wait();
  }
  Process(Process&& other) noexcept : id_(std::exchange(other.id_, 0)), err_(other.err_) {}
  Process& operator=(Process&&) = delete;

  pid_t id() const { return id_; }
  void send(int signal) const { ::kill(id_, signal); }
  bool runs() const {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(id_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
  }
  /// Whether its first thread waits in that call of the system.
  bool is_in(long call) const {
    const std::string text = test::text_of("/proc/" + std::to_string(id_) + "/syscall");
    return text.starts_with(std::to_string(call) + " ");
  }
  /// Its code, as a shell sees it.
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(id_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  std::string err() const { return test::text_of(err_); }

 private:
  pid_t id_ = 0;
  std::string err_;
};

class RunFolders : public testing::Test {
 protected:
  RunFolders() {
    test::write_small_data(folder_ / "data.h5");
    std::ofstream(folder_ / "recipe.toml")
        << "[data]\nfile = 'data.h5'\n[sampler]\nclasses = 6\nsamples_per_class = 4\n"
           "[model]\narchitecture = 'mlp'\nhidden = [16]\nembedding = 8\nslice = 4\n"
           "[[loss]]\nname = 'softmax'\n"
           "[train]\nepochs = 1000\nplanned_steps = 2000000\ncheckpoint_every = 50\n";
  }

  Process start(const std::string& name, bool resume, const std::string& err) const {
    std::vector<std::string> words = {
        "train", folder_ / "recipe.toml", "--out", folder_ / name, "--threads", "1", "--quiet"};
    if (resume) words.push_back("--resume");
    return {words, folder_ / err};
  }
  std::uintmax_t logged(const std::string& name) const {
    std::error_code ignored;
    const auto bytes = fs::file_size(folder_ / (name + "/metrics.jsonl"), ignored);
    return ignored ? 0 : bytes;
  }
  void wait_for_steps(const Process& process, const std::string& name) const {
    const auto before = logged(name);
    while (process.runs() && logged(name) <= before) std::this_thread::yield();
  }

  /// Starts so many at once; all but one end. That one is returned.
  Process fight(const std::string& name, int count, bool resume) const {
    std::vector<Process> all;
    for (int i = 0; i < count; ++i) {
      all.push_back(start(name, resume, "err" + std::to_string(i)));
    }
    int running = count;
    while (running > 1) {
      running = 0;
      for (const Process& process : all) running += process.runs() ? 1 : 0;
      std::this_thread::yield();
    }
    std::vector<Process> winner;
    for (Process& process : all) {
      if (process.runs()) winner.push_back(std::move(process));
    }
    EXPECT_EQ(winner.size(), 1u);
    const std::string holder = "(pid " + std::to_string(winner.at(0).id()) + " on ";
    for (Process& process : all) {
      if (process.id() == 0) continue;
      EXPECT_EQ(process.wait(), 73) << process.err();
      EXPECT_TRUE(contains(process.err(), holder)) << process.err();
    }
    return std::move(winner[0]);
  }

  TempFolder folder_;
};

// Both of two used to pass: the one replaced the other's log.
TEST_F(RunFolders, OneOfSeveralStartsHasTheFolder) {
  for (const int count : {2, 3, 8}) {
    SCOPED_TRACE(count);
    const std::string name = "run" + std::to_string(count);
    {
      Process winner = fight(name, count, false);
      wait_for_steps(winner, name);
      winner.send(SIGINT);
      EXPECT_EQ(winner.wait(), 130) << winner.err();
    }
    Process resumed = fight(name, count, true);
    wait_for_steps(resumed, name);
    resumed.send(SIGTERM);
    EXPECT_EQ(resumed.wait(), 143) << resumed.err();
    EXPECT_FALSE(fs::exists(folder_ / (name + "/lock")));
    // Nothing is lost: every step stands in the log once, from the first to the last.
    std::ifstream log(folder_ / (name + "/metrics.jsonl"));
    Index steps = 0;
    for (std::string line; std::getline(log, line);) {
      if (!contains(line, "\"loss\"")) continue;
      ++steps;
      EXPECT_TRUE(line.starts_with("{\"step\":" + std::to_string(steps) + ",")) << line;
    }
    EXPECT_GE(steps, 2);
  }
}

TEST_F(RunFolders, AKilledRunLeavesNoLockBehind) {
  for (int times = 0; times < 3; ++times) {
    Process process = start("run", times > 0, "err");
    wait_for_steps(process, "run");
    process.send(SIGKILL);
    EXPECT_EQ(process.wait(), 137) << process.err();
  }
  Process last = start("run", true, "err");
  wait_for_steps(last, "run");
  last.send(SIGINT);
  EXPECT_EQ(last.wait(), 130) << last.err();
}

TEST_F(RunFolders, AClosedTerminalEndsARunAsCtrlCDoes) {
  Process process = start("run", false, "err");
  wait_for_steps(process, "run");
  process.send(SIGHUP);
  EXPECT_EQ(process.wait(), 129);
  EXPECT_TRUE(contains(process.err(), "--resume")) << process.err();
  EXPECT_EQ(
      kindred("train --out " + (folder_ / "run") + " --resume --quiet --set train.steps=1").code,
      0);
}

TEST_F(RunFolders, ARunUnderNohupOutlivesItsTerminal) {
  const Outcome outcome =
      kindred("train " + (folder_ / "recipe.toml") + " --out " + (folder_ / "run") +
                  " --quiet --threads 1 --set train.steps=300",
              "trap '' HUP; (while [ ! -s " + (folder_ / "run/metrics.jsonl") +
                  " ]; do sleep 0.02; done; kill -HUP $$) & exec");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
}

TEST_F(RunFolders, ADamagedCheckpointIsRefusedAndAnOlderOneIsSaidWithQuiet) {
  const std::string train = "train " + (folder_ / "recipe.toml") + " --out " + (folder_ / "run") +
                            " --quiet --set train.checkpoint_every=2 --set train.steps=";
  ASSERT_EQ(kindred(train + "4").code, 0);
  fs::resize_file(folder_ / "run/checkpoints/step-00000004.kindred", 100);
  const Outcome older = kindred(train + "4 --resume");
  EXPECT_EQ(older.code, 0) << older.err;
  EXPECT_TRUE(contains(older.err, "going on from the checkpoint before it")) << older.err;
  for (const auto& entry : fs::directory_iterator(folder_ / "run/checkpoints")) {
    fs::resize_file(entry.path(), 100);
  }
  const std::string log = test::text_of(folder_ / "run/metrics.jsonl");
  for (const std::string& again :
       {train + "4 --resume", "train --resume --quiet --out " + (folder_ / "run")}) {
    const Outcome refused = kindred(again);
    EXPECT_EQ(refused.code, 65) << refused.err;
    EXPECT_TRUE(contains(refused.err, "to begin anew")) << refused.err;
    EXPECT_EQ(test::text_of(folder_ / "run/metrics.jsonl"), log);
  }
}

// Where one writes the file already the other fails; otherwise both write it, whole, in turn.
TEST_F(RunFolders, TwoPacksOfOneFileDoNotMix) {
  test::write_data_file(folder_ / "large.h5",
                        {.height = 32, .width = 32, .images = test::numbered_images(20000, 1024)});
  ASSERT_EQ(kindred("pack " + (folder_ / "large.h5") + " " + (folder_ / "alone.h5")).code, 0);
  const std::string expected = test::text_of(folder_ / "alone.h5");
  const std::string out = folder_ / "packed.h5";
  for (const std::size_t count : {2u, 3u, 8u}) {
    std::vector<Process> all;
    for (std::size_t i = 0; i < count; ++i) {
      all.emplace_back(
          std::vector<std::string>{"pack", folder_ / "large.h5", out, "--threads", "1"},
          folder_ / ("err" + std::to_string(i)));
    }
    std::size_t done = 0;
    for (Process& process : all) {
      const int code = process.wait();
      EXPECT_TRUE(code == 0 || code == 73) << code << process.err();
      done += code == 0 ? 1 : 0;
      if (code == 73) {
        EXPECT_TRUE(contains(process.err(), "another process (pid ")) << process.err();
      }
    }
    EXPECT_GE(done, 1u);
    EXPECT_EQ(test::text_of(out), expected);
    fs::remove(out);
    EXPECT_FALSE(fs::exists(out + ".lock"));
    EXPECT_FALSE(fs::exists(out + ".partial"));
  }
}

// It ended as if the disk were broken.
TEST_F(RunFolders, AProcessThatWaitsForAPipesReaderEndsByItsSignal) {
  const std::string pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  if (::access("/proc/self/syscall", R_OK) != 0) GTEST_SKIP() << "the kernel does not tell";
  const std::string out = folder_ / "packed.h5";
  for (const auto& [signal, code] : {std::pair(SIGTERM, 143), std::pair(SIGINT, 130)}) {
    Process process({"pack", folder_ / "data.h5", out, "--json", pipe}, folder_ / "err");
    while (process.runs() && !process.is_in(SYS_openat)) std::this_thread::yield();
    process.send(signal);
    EXPECT_EQ(process.wait(), code) << process.err();
    EXPECT_TRUE(fs::exists(out));  // was whole before
    fs::remove(out);
  }
}

// Before its first checkpoint the advice was to start over, in the folder of a run that is alive.
TEST(HeldRunFolder, IsSaidWhereNoCheckpointIsThereYet) {
  const TempFolder folder;
  fs::create_directory(folder / "run");
  const FileLock lock(folder / "run/lock", folder / "run");
  const Outcome resumed = kindred("train --resume --out " + (folder / "run"));
  EXPECT_EQ(resumed.code, 73) << resumed.err;
  EXPECT_TRUE(contains(resumed.err, "another process")) << resumed.err;
}

TEST(PackCommand, WritesNothingElseIntoStandardOutput) {
  const TempFolder folder;
  const std::string from = KINDRED_DATASETS "/linear_regression.h5";
  ASSERT_EQ(kindred("pack " + from + " " + (folder / "file.h5")).code, 0);
  const Outcome piped = kindred("pack " + from + " /dev/stdout");
  EXPECT_EQ(piped.code, 0) << piped.err;
  EXPECT_TRUE(piped.out == test::text_of(folder / "file.h5")) << piped.out.size() << " bytes";
}

TEST(TrainCommand, RefusesAnEmptyNameOfData) {
  const TempFolder folder;
  const Outcome outcome =
      kindred("train omniglot --set data.file=\"''\" --out " + (folder / "run"));
  EXPECT_EQ(outcome.code, 78) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "data.file is empty")) << outcome.err;
}

}  // namespace
}  // namespace kindred
