// What `kindred import` leaves behind when the disk is full, files cannot be read, or it is
// stopped.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <thread>

#include "tools/program.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::kindred;
using test::Outcome;
using test::TempFolder;

/// Class folders "a" to "f" of grey pictures.
class ImportFailure : public testing::Test {
 protected:
  void write_pictures(int each, int side) {
    const std::string header = "P5 " + std::to_string(side) + " " + std::to_string(side) + " 255 ";
    for (const char name : std::string("abcdef")) {
      const std::string of_class = folder_ / ("in/" + std::string(1, name));
      fs::create_directories(of_class);
      for (int i = 0; i < each; ++i) {
        std::ofstream(of_class + "/" + std::to_string(10000 + i) + ".pgm")
            << header << std::string(static_cast<std::size_t>(side * side), static_cast<char>(i));
      }
    }
    fs::create_directory(folder_ / "target");
  }
  std::string import(const std::string& more = "") const {
    return "import " + (folder_ / "in") + " " + out() + " " + more;
  }
  std::string out() const { return folder_ / "target/out.h5"; }
  bool nothing_left() const { return fs::is_empty(folder_ / "target"); }
  TempFolder folder_;
};

// HDF5 crashed at the end of the program once a write had failed.
TEST_F(ImportFailure, AFileThatMayNotGrowLeavesNothing) {
  write_pictures(100, 96);                                              // 5.5 MB
  const Outcome full = kindred(import("--gzip 0"), "ulimit -f 5000;");  // 2.5 or 5 MB
  EXPECT_EQ(full.code, 74) << full.err;
  EXPECT_TRUE(contains(full.err, "out.h5: /images: writing failed: File too large; ")) << full.err;
  EXPECT_TRUE(nothing_left());
}

TEST_F(ImportFailure, AFullDiskLeavesNothing) {
  write_pictures(20, 96);  // 1.1 MB
  const std::string mount = "mount -t tmpfs -o size=1m none " + (folder_ / "target") + " 2>&1";
  if (std::system(("unshare -m sh -c '" + mount + "' >/dev/null 2>&1").c_str()) != 0) {
    GTEST_SKIP() << "no small file system can be mounted here (that takes root)";
  }
  // In a namespace of its own, so that the mount ends with it.
  for (const char* size : {"4k", "40k", "300k", "1000k"}) {
    const Outcome full = kindred(
        import("--gzip 0") + " ; code=$?; ls -A " + (folder_ / "target") + " >&2; exit $code'",
        "unshare -m sh -c 'mount -t tmpfs -o size=" + std::string(size) + " none " +
            (folder_ / "target") + " && ");
    EXPECT_EQ(full.code, 74) << size << ": " << full.err;
    EXPECT_TRUE(contains(full.err, "No space left on device; free some space and run again\n"))
        << size << ": " << full.err;
    EXPECT_FALSE(contains(full.err, "\nout.h5")) << size << ": " << full.err;
  }
}

TEST_F(ImportFailure, WhatMayNotBeReadIsListed) {
  write_pictures(3, 8);
  fs::permissions(folder_ / "in/c/10001.pgm", fs::perms::none);
  fs::permissions(folder_ / "in/e", fs::perms::none);
  fs::permissions(folder_.path(), fs::perms::all);
  fs::permissions(folder_ / "target", fs::perms::all);
  std::string as_nobody;
  if (::geteuid() == 0) {  // whom nothing is denied
    as_nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups sh -c 'exec \"$0\" \"$@\"'";
    if (kindred("--version", as_nobody).code != 0) {
      fs::permissions(folder_ / "in/e", fs::perms::owner_all);
      GTEST_SKIP() << "the program cannot be run as a user that may not read everything";
    }
  }
  const Outcome some = kindred(import(), as_nobody);
  EXPECT_EQ(some.code, 0) << some.err;
  EXPECT_TRUE(contains(some.out, "14 samples of 5 classes")) << some.out;
  EXPECT_TRUE(contains(some.out, "  1 files left out, 1 images unreadable, ")) << some.out;
  EXPECT_TRUE(contains(some.out, "left out: " + (folder_ / "in/e") +
                                     ": is a folder that may not "
                                     "be entered"))
      << some.out;
  EXPECT_TRUE(contains(
      some.out, "unreadable: " + (folder_ / "in/c/10001.pgm") + ": cannot open: Permission denied"))
      << some.out;
  fs::permissions(folder_ / "in/e", fs::perms::owner_all);
}

/// The import in a process group of its own, stopped (SIGSTOP) on its way.
class Stopped {
 public:
  Stopped(const std::string& command, const std::string& err, const std::string& target) {
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setpgid(0, 0);
      ::execl("/bin/sh", "sh", "-c",
              ("exec " + std::string(KINDRED_PROGRAM) + " " + command + " 2>" + err).c_str(),
              nullptr);
      ::_exit(127);
    }
    // The file beside is there once the first images are decoded; most are still to come.
    while (fs::is_empty(target)) {
      if (::waitpid(pid_, &status_, WNOHANG) != 0) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ::kill(pid_, SIGSTOP);
    ::waitpid(pid_, &status_, WUNTRACED);
  }
  bool is_stopped() const { return WIFSTOPPED(status_); }
  void signal(int number, bool whole_group) const {
    ::kill(whole_group ? -pid_ : pid_, number);
    ::kill(pid_, SIGCONT);
  }
  /// Its exit code, once it has ended.
  int code() {
    if (is_stopped()) ::waitpid(pid_, &status_, 0);
    return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
  }
  /// Whether any process that it started is still there; they may need a moment to end.
  bool has_left_processes() const {
    for (int i = 0; i < 1000 && ::kill(-pid_, 0) == 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return ::kill(-pid_, 0) == 0;
  }

 private:
  pid_t pid_ = -1;
  int status_ = 0;
};

TEST_F(ImportFailure, AnInterruptLeavesNothing) {
  write_pictures(2000, 8);
  // A terminal interrupts the whole group, decoders included; `kill` the program alone.
  for (const int number : {SIGINT, SIGTERM}) {
    for (const bool whole_group : {false, true}) {
      bool interrupted = false;
      for (int attempt = 0; attempt < 200 && !interrupted; ++attempt) {
        Stopped program(import("--threads 2"), folder_ / "err", folder_ / "target");
        if (program.is_stopped()) program.signal(number, whole_group);
        const int code = program.code();
        EXPECT_FALSE(program.has_left_processes());
        if (code == 0) {  // this test had to wait for a processor, and the import was through
          EXPECT_TRUE(fs::remove(out()));
          EXPECT_TRUE(nothing_left());
          continue;
        }
        interrupted = true;
        EXPECT_EQ(code, 128 + number) << whole_group;
        EXPECT_TRUE(
            contains(test::text_of(folder_ / "err"), "stopped; " + out() + " was not written\n"))
            << test::text_of(folder_ / "err");
        EXPECT_TRUE(nothing_left());
      }
      EXPECT_TRUE(interrupted) << "signal " << number << ": every import was through before it";
    }
  }
}

}  // namespace
}  // namespace kindred
