#include "data/isolation/isolated.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <thread>
#include <vector>

#include "support/little_memory.h"
#include "support/temp_folder.h"
#include "support/tiers.h"

namespace kindred {
namespace {

using test::expect_error;
using test::kSanitizer;
using test::TempFolder;

struct Point {
  std::string name;
  std::vector<double> place;
  auto fields() { return std::tie(name, place); }
};

std::vector<Point> points(const std::string& name, int count,
                          const std::vector<std::string>& more) {
  std::vector<Point> result;
  for (int i = 0; i < count; ++i) result.push_back({name, std::vector<double>(3, i)});
  for (const std::string& text : more) result.push_back({text, {}});
  return result;
}

TEST(Isolated, GivesWhatAFunctionReturns) {
  IsolatedProcess child("points");
  const std::vector<Point> result =
      child.call(points, "p", 2, std::vector<std::string>{"", "last"});
  ASSERT_EQ(result.size(), 4U);
  EXPECT_EQ(result[1].name, "p");
  EXPECT_EQ(result[1].place, (std::vector<double>{1, 1, 1}));
  EXPECT_EQ(result[2].name, "");
  EXPECT_EQ(result[3].name, "last");
}

void count_up(std::span<std::byte> out, int from) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<std::byte>(static_cast<std::size_t>(from) + i);
  }
}

TEST(Isolated, FillsArraysOfAnySize) {
  IsolatedProcess child("bytes");
  for (const std::size_t size : {0, 1, 5'000'000, 3}) {
    std::vector<std::byte> bytes(size);
    child.fill(bytes, count_up, 7);
    for (std::size_t i = 0; i < size; ++i) {
      ASSERT_EQ(bytes[i], static_cast<std::byte>(7 + i)) << i << " of " << size;
    }
  }
}

int counter = 0;
int count() { return ++counter; }

TEST(Isolated, KeepsItsStateAndLeavesOurs) {
  counter = 5;
  IsolatedProcess child("counter");
  EXPECT_EQ(child.call(count), 6);
  EXPECT_EQ(child.call(count), 7);
  EXPECT_EQ(counter, 5);
}

TEST(Isolated, SeesWhatIsInScope) {
  const std::vector<int> values{1, 2, 3};
  const auto doubled = run_isolated("values", {}, [&] {
    std::vector<int> result = values;
    for (int& value : result) value *= 2;
    return result;
  });
  EXPECT_EQ(doubled, (std::vector<int>{2, 4, 6}));
  run_isolated("nothing", {}, [] {});
}

void refuse() { fail(ErrorKind::no_input, "a.h5: is \x1b[31mmissing"); }

TEST(Isolated, PassesErrorsOnWithoutWhatWouldSteerATerminal) {
  IsolatedProcess child("a.h5");
  expect_error(ErrorKind::no_input, "a.h5: is \\x1B[31mmissing", [&] { child.call(refuse); });
  EXPECT_EQ(child.call(count), counter + 1);  // and goes on
}

volatile std::uintptr_t nowhere = 8;
void crash() { *reinterpret_cast<volatile int*>(nowhere) = 1; }
void leave() { ::_exit(3); }

TEST(Isolated, ACrashCostsAMessage) {
  if (!kSanitizer) {  // it makes an exit of it
    IsolatedProcess child("a.h5");
    for (int i = 0; i < 2; ++i) {
      expect_error(ErrorKind::data, "a.h5: reading it crashed (Segmentation fault); the file is",
                   [&] { child.call(crash); });
    }
    std::vector<std::byte> bytes(3);
    expect_error(ErrorKind::data, "a.h5: reading it crashed",
                 [&] { child.fill(bytes, count_up, 0); });
  }
  expect_error(ErrorKind::data, "a.h5: reading it crashed (it left)",
               [] { run_isolated("a.h5", {}, leave); });
}

volatile bool forever = true;
void compute() {
  while (forever) {
  }
}
void sleep_long() { ::sleep(1000); }

TEST(Isolated, TimeIsLimitedWhetherItComputesOrWaits) {
  for (void (*const function)() : {compute, sleep_long}) {
    expect_error(ErrorKind::data, "a.h5: reading it takes more than 0.2 s; the file is damaged",
                 [&] { run_isolated("a.h5", {.seconds = 0.2}, function); });
  }
}

void allocate() {
  std::vector<std::vector<char>> all;
  for (int i = 0; i < 1000; ++i) all.emplace_back(std::size_t{1} << 20, 'x');
}

TEST(Isolated, MemoryIsLimited) {
  if (kSanitizer) GTEST_SKIP() << "address spaces of sanitizers are not limited";
  const IsolationLimits limits{.memory = 64 << 20};
  expect_error(ErrorKind::data, "a.h5: reading it takes more than 64 MiB of memory",
               [&] { run_isolated("a.h5", limits, allocate); });
  IsolatedProcess child("a.h5", limits);
  std::vector<std::byte> bytes(100 << 20);
  expect_error(ErrorKind::data, "a.h5: reading it", [&] { child.fill(bytes, count_up, 0); });
}

/// What `attempt` did in a child: 0, or its errno.
template <typename Attempt>
int errno_of(const Attempt& attempt) {
  return run_isolated("attempt", {}, [&] { return attempt() >= 0 ? 0 : errno; });
}

TEST(Isolated, ReadsButDoesNothingElse) {
  const TempFolder folder;
  const std::string file = folder / "file";
  std::ofstream(file) << "text";
  if (errno_of([&] { return ::unlink((folder / "none").c_str()); }) == ENOENT) {
    GTEST_SKIP() << "this system has no filter of system calls";
  }
  EXPECT_EQ(errno_of([&] { return ::open(file.c_str(), O_RDONLY); }), 0);
  EXPECT_EQ(errno_of([&] {
              char text[5];
              return ::read(::open(file.c_str(), O_RDONLY), text, 4) == 4 ? 0 : -1;
            }),
            0);
  const std::string other = folder / "other";
  EXPECT_EQ(errno_of([&] { return ::open(other.c_str(), O_RDONLY | O_CREAT, 0600); }), EPERM);
  EXPECT_EQ(errno_of([&] { return ::open(file.c_str(), O_RDONLY | O_TRUNC); }), EPERM);
  EXPECT_EQ(errno_of([&] { return ::open(file.c_str(), O_WRONLY); }), EPERM);
  EXPECT_EQ(errno_of([&] { return ::open(file.c_str(), O_RDWR | O_APPEND); }), EPERM);
  EXPECT_EQ(errno_of([&] { return ::creat(other.c_str(), 0600); }), EPERM);
  EXPECT_EQ(errno_of([&] { return ::unlink(file.c_str()); }), EPERM);
  EXPECT_EQ(errno_of([&] { return ::rename(file.c_str(), other.c_str()); }), EPERM);
  EXPECT_EQ(errno_of([&] { return ::link(file.c_str(), other.c_str()); }), EPERM);
  EXPECT_EQ(errno_of([&] { return ::symlink(file.c_str(), other.c_str()); }), EPERM);
  EXPECT_EQ(errno_of([&] { return ::mkdir(other.c_str(), 0700); }), EPERM);
  EXPECT_EQ(errno_of([&] { return ::chmod(file.c_str(), 0700); }), EPERM);
  EXPECT_EQ(errno_of([&] { return ::truncate(file.c_str(), 0); }), EPERM);
  EXPECT_EQ(errno_of([&] { return ::execl("/bin/true", "true", nullptr); }), EPERM);
  EXPECT_EQ(errno_of([&] { return ::socket(AF_INET, SOCK_STREAM, 0); }), EPERM);
  EXPECT_EQ(errno_of([&] { return ::kill(::getppid(), 0); }), EPERM);
  EXPECT_EQ(errno_of([&] { return ::fork(); }), EPERM);
  EXPECT_EQ(errno_of([&] {
              void* const code = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
              return code == MAP_FAILED ? -1 : 0;
            }),
            EPERM);
  std::ifstream stream(file);
  std::string text;
  stream >> text;
  EXPECT_EQ(text, "text");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(Isolated, HasNoneOfOurFilesAndChannels) {
  const int ours = ::open("/dev/null", O_RDONLY);
  EXPECT_EQ(errno_of([&] { return ::fcntl(ours, F_GETFD); }), EBADF);
  ::close(ours);
}

pid_t own_number() { return ::getpid(); }

// The message named neither the file nor what to do.
TEST(IsolatedDeathTest, LittleAddressSpaceIsAnErrorOfTheFile) {
  test::expect_refusal(
      Index{1} << 30, [] { const IsolatedProcess child("data.h5"); },
      "data.h5: reading it takes 3 GiB of address space, .*ulimit -v");
}

TEST(Isolated, NoChildRemains) {
  pid_t number = 0;
  {
    IsolatedProcess child("nothing");
    number = child.call(own_number);
    EXPECT_EQ(::kill(number, 0), 0);
  }
  EXPECT_EQ(::kill(number, 0), -1);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

// A program that is killed while its child computes without end takes it along.
TEST(Isolated, EndsWithItsParent) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t program = ::fork();
  if (program == 0) {
    IsolatedProcess child("nothing");
    const pid_t number = child.call(own_number);
    if (::write(pipe[1], &number, sizeof number) < 0) ::_exit(1);
    child.call(compute);
    ::_exit(0);
  }
  pid_t number = 0;
  ASSERT_EQ(::read(pipe[0], &number, sizeof number), static_cast<ssize_t>(sizeof number));
  ::kill(program, SIGKILL);
  ::waitpid(program, nullptr, 0);
  const auto there = [&] {  // not as a zombie that nobody has waited for yet
    std::ifstream file("/proc/" + std::to_string(number) + "/stat");
    std::string field;
    for (int i = 0; i < 3; ++i) file >> field;
    return file && field != "Z" && field != "X";
  };
  for (int i = 0; i < 1000 && there(); ++i) ::usleep(10'000);
  EXPECT_FALSE(there());
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST(Isolated, ThreadsCallOneAfterTheOther) {
  IsolatedProcess child("counter");
  const int before = counter;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) child.call(count);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(child.call(count), before + 201);
}

}  // namespace
}  // namespace kindred
