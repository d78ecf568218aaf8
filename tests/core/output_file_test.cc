#include "kindred/core/output_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "core/files/partial_file.h"
#include "kindred/core/file.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using test::expect_error;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Where root may do what is denied to others, tests of what is denied say nothing.
bool is_root() { return ::geteuid() == 0; }

class OutputFileTest : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_ / name; }
  void write(const std::string& name, const std::string& text) const {
    OutputFile file(path(name));
    file.write(bytes_of(text));
    file.commit();
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      found.push_back(entry.path().filename().string());
    }
    std::sort(found.begin(), found.end());
    return found;
  }
  using Names = std::vector<std::string>;

  test::TempFolder folder_;
};

TEST_F(OutputFileTest, IsThereWholeOrNotAtAll) {
  write("file", "old");
  {
    OutputFile file(path("file"));
    file.write(bytes_of("half of the n"));
    EXPECT_EQ(text_of(path("file")), "old");
    EXPECT_EQ(names().size(), 2u);
  }
  EXPECT_EQ(names(), Names{"file"});
  EXPECT_EQ(text_of(path("file")), "old");
  OutputFile file(path("file"));
  file.write(bytes_of("new "));
  file.write(bytes_of("content"));
  EXPECT_EQ(file.commit(), 11);
  EXPECT_EQ(text_of(path("file")), "new content");
  EXPECT_EQ(names(), Names{"file"});
}

// Somebody's file of that name was written over, and a link of that name was followed.
TEST_F(OutputFileTest, FillsInABeginningThatIsKnownAtTheEnd) {
  write("file", "old");
  OutputFile file(path("file"));
  file.leave_out(5);
  file.write(bytes_of("all the rest"));
  file.fill_in(bytes_of("4 of "));
  EXPECT_EQ(file.commit(), 17);
  EXPECT_EQ(text_of(path("file")), "4 of all the rest");

  for (const off_t damaged : {2, 9}) {  // in the beginning, behind it
    OutputFile other(path("file"));
    other.leave_out(5);
    other.write(bytes_of("all the rest"));
    other.fill_in(bytes_of("5 of "));
    ASSERT_EQ(::pwrite(other.descriptor(), "?", 1, damaged), 1);
    expect_error(ErrorKind::io, "does not read back as it was written", [&] { other.commit(); });
  }
  EXPECT_EQ(text_of(path("file")), "4 of all the rest");
}

TEST_F(OutputFileTest, TouchesNothingThatIsNamedAsItsPartialFileWas) {
  std::ofstream(path("file.partial")) << "mine";
  std::ofstream(path("precious")) << "precious";
  fs::create_symlink("precious", path("other.partial"));
  write("file", "text");
  write("other", "text");
  EXPECT_EQ(text_of(path("file.partial")), "mine");
  EXPECT_EQ(text_of(path("precious")), "precious");
  EXPECT_EQ(names(), (Names{"file", "file.partial", "other", "other.partial", "precious"}));
}

TEST_F(OutputFileTest, TwoAtATimeDoNotMeet) {
  OutputFile one(path("file"));
  OutputFile other(path("file"));
  EXPECT_NE(one.beside(), other.beside());
  one.write(bytes_of("one"));
  other.write(bytes_of("other"));
  one.commit();
  EXPECT_EQ(text_of(path("file")), "one");
  other.commit();
  EXPECT_EQ(text_of(path("file")), "other");
  EXPECT_EQ(names(), Names{"file"});
}

TEST_F(OutputFileTest, RemovesWhatAKilledProcessLeft) {
  std::ofstream(path("file.0123abcd.partial")) << "left";
  std::ofstream(path("file.0123abcd.partial.txt")) << "no such name";
  std::ofstream(path("other.0123abcd.partial")) << "another's";
  fs::create_symlink("other.0123abcd.partial", path("file.0123abce.partial"));
  const int held = ::open(path("file.aaaaaaaa.partial").c_str(), O_RDWR | O_CREAT, 0644);
  ASSERT_EQ(::flock(held, LOCK_EX), 0);  // of one that is being written
  write("file", "text");
  EXPECT_EQ(names(), (Names{"file", "file.0123abcd.partial.txt", "file.0123abce.partial",
                            "file.aaaaaaaa.partial", "other.0123abcd.partial"}));
  ::close(held);
}

TEST_F(OutputFileTest, RemovesWhatAKilledProcessLeftForWhateverTargets) {
  std::ofstream(path("file.0123abcd.partial")) << "left";
  std::ofstream(path("other.0123abcd.partial")) << "left";
  std::ofstream(path("mine.partial")) << "no such name";
  std::ofstream(path(".0123abcd.partial")) << "of no target";
  OutputFile held(path("held"));
  PartialFile::remove_left_in(folder_.path().string());
  EXPECT_EQ(names(), (Names{".0123abcd.partial", fs::path(held.beside()).filename().string(),
                            "mine.partial"}));
}

TEST_F(OutputFileTest, FollowsLinksAndLeavesThem) {
  fs::create_directory(path("there"));
  std::ofstream(path("there/target")) << "old";
  fs::create_symlink("there/target", path("link"));
  fs::create_symlink("link", path("link-to-link"));
  write("link-to-link", "new");
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_TRUE(fs::is_symlink(path("link-to-link")));
  EXPECT_FALSE(fs::is_symlink(path("there/target")));
  EXPECT_EQ(text_of(path("there/target")), "new");

  fs::create_symlink("there/new", path("to-be-made"));
  write("to-be-made", "made");
  EXPECT_TRUE(fs::is_symlink(path("to-be-made")));
  EXPECT_EQ(text_of(path("there/new")), "made");

  fs::create_symlink("round", path("round"));
  expect_error(ErrorKind::cannot_create, "round: cannot create: Too many levels",
               [&] { OutputFile file(path("round")); });
}

TEST_F(OutputFileTest, KeepsTheRightsOfWhatItReplaces) {
  write("file", "old");
  EXPECT_EQ(fs::status(path("file")).permissions() & fs::perms::owner_read, fs::perms::owner_read);
  ASSERT_EQ(::chmod(path("file").c_str(), 0660), 0);
  write("file", "new");
  EXPECT_EQ(fs::status(path("file")).permissions(), fs::perms::owner_read | fs::perms::owner_write |
                                                        fs::perms::group_read |
                                                        fs::perms::group_write);
}

TEST_F(OutputFileTest, WritesIntoPipes) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] { got = text_of(path("pipe")); });
  write("pipe", "through the pipe");
  reader.join();
  EXPECT_EQ(got, "through the pipe");
  EXPECT_TRUE(fs::is_fifo(path("pipe")));
  EXPECT_EQ(names(), Names{"pipe"});
  EXPECT_TRUE(is_written_into(path("pipe")));
}

// Who writes a file by its name, as HDF5 does, gets one beside; its bytes go through the pipe.
// It was an error of the disk, and the program's code that of one.
TEST_F(OutputFileTest, ASignalEndsWaitingForAPipesReader) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) {};  // without SA_RESTART
  sigaction(SIGUSR1, &action, &before);
  const pthread_t writer = pthread_self();
  std::atomic<bool> done = false;
  std::thread disturber([&] {
    while (!done) {
      pthread_kill(writer, SIGUSR1);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  EXPECT_THROW(write("pipe", "x"), Interrupted);
  done = true;
  disturber.join();
  sigaction(SIGUSR1, &before, nullptr);
}

TEST_F(OutputFileTest, CopiesWhatIsWrittenByNameIntoAPipe) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] { got = text_of(path("pipe")); });
  const std::string text(3'000'000, 'x');
  std::string beside;
  {
    OutputFile file(path("pipe"));
    beside = file.beside();
    std::ofstream(beside) << text;
    EXPECT_EQ(file.commit(), 3'000'000);
  }
  reader.join();
  EXPECT_EQ(got, text);
  EXPECT_FALSE(fs::exists(beside));
}

// As root, /dev/null became a regular file.
TEST_F(OutputFileTest, WritesIntoDevices) {
  if (::mknod(path("null").c_str(), S_IFCHR | 0666, ::makedev(1, 3)) != 0 ||
      !std::ofstream(path("null")).is_open()) {
    GTEST_SKIP() << "no device can be made here: " << std::strerror(errno);
  }
  write("null", "gone");
  EXPECT_TRUE(fs::is_character_file(path("null")));
  ASSERT_EQ(::mknod(path("full").c_str(), S_IFCHR | 0666, ::makedev(1, 7)), 0);
  expect_error(ErrorKind::io, "full: writing failed: No space left on device",
               [&] { write("full", "text"); });
  ASSERT_EQ(::mknod(path("disk").c_str(), S_IFBLK | 0666, ::makedev(1, 0)), 0);
  expect_error(ErrorKind::cannot_create, "it is a disk, which would be written over",
               [&] { write("disk", "text"); });
  EXPECT_EQ(names(), (Names{"disk", "full", "null"}));
}

TEST_F(OutputFileTest, WritesOnInAnOpenFileOfTheProcess) {
  const int open = ::open(path("file").c_str(), O_WRONLY | O_CREAT, 0644);
  ASSERT_EQ(::write(open, "before ", 7), 7);
  const std::string name = "/dev/fd/" + std::to_string(open);
  OutputFile file(name);
  file.write(bytes_of("within "));
  file.commit();
  ASSERT_EQ(::write(open, "after", 5), 5);
  ::close(open);
  EXPECT_EQ(text_of(path("file")), "before within after");
  expect_error(ErrorKind::cannot_create, name + ": cannot create: descriptor",
               [&] { OutputFile closed(name); });
}

TEST_F(OutputFileTest, SaysAtOnceWhatCannotBeWritten) {
  expect_error(ErrorKind::cannot_create,
               path("missing/file") + ": cannot create: its folder " + path("missing") +
                   ": No such file or directory",
               [&] { OutputFile file(path("missing/file")); });
  fs::create_directory(path("folder"));
  for (const char* name : {"folder", "folder/"}) {
    expect_error(ErrorKind::cannot_create, "it is a folder; name a file",
                 [&] { OutputFile file(path(name)); });
  }
  expect_error(ErrorKind::cannot_create, "names a folder", [&] { OutputFile file(path("new/")); });
  expect_error(ErrorKind::cannot_create, "the name is empty", [&] { OutputFile file(""); });
  write("file", "text");
  expect_error(ErrorKind::cannot_create, "Not a directory",
               [&] { OutputFile file(path("file/inside")); });
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{AF_UNIX, {}};
  std::strncpy(address.sun_path, path("socket").c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  expect_error(ErrorKind::cannot_create, "it is a socket",
               [&] { OutputFile file(path("socket")); });
  ::close(socket);
  EXPECT_EQ(names(), (Names{"file", "folder", "socket"}));
}

TEST_F(OutputFileTest, RespectsRights) {
  if (is_root()) GTEST_SKIP() << "root may write everywhere; tests/scripts/outputs_test.py asks";
  write("file", "text");
  ASSERT_EQ(::chmod(path("file").c_str(), 0444), 0);
  expect_error(ErrorKind::cannot_create, "it may not be written: Permission denied",
               [&] { OutputFile file(path("file")); });
  fs::create_directory(path("closed"));
  ASSERT_EQ(::chmod(path("closed").c_str(), 0555), 0);
  expect_error(ErrorKind::cannot_create, "cannot create: Permission denied",
               [&] { OutputFile file(path("closed/file")); });
}

TEST_F(OutputFileTest, TakesNamesAsLongAsTheFileSystemDoes) {
  const std::string name(255, 'n');
  write(name, "text");
  EXPECT_EQ(text_of(path(name)), "text");
  expect_error(ErrorKind::cannot_create, "File name too long", [&] { write(name + "n", "text"); });
  EXPECT_EQ(names(), Names{name});
}

// What was written is read back before it is believed: a lost write costs a message.
TEST_F(OutputFileTest, AWriteThatIsLostIsFound) {
  write("file", "old");
  OutputFile file(path("file"));
  file.write(bytes_of("what was meant"));
  ASSERT_EQ(::pwrite(file.descriptor(), "\0\0\0", 3, 5), 3);  // as if it had not arrived
  expect_error(ErrorKind::io, "file: does not read back as it was written", [&] { file.commit(); });
  EXPECT_EQ(text_of(path("file")), "old");
}

TEST_F(OutputFileTest, AFileThatWasTakenAwayIsNotPutInPlace) {
  OutputFile file(path("file"));
  file.write(bytes_of("text"));
  const std::string beside = file.beside();
  fs::rename(beside, path("mine"));
  std::ofstream(beside) << "another";
  expect_error(ErrorKind::io, "somebody took", [&] { file.commit(); });
  EXPECT_FALSE(fs::exists(path("file")));
  EXPECT_EQ(text_of(beside), "another");
}

}  // namespace
}  // namespace kindred
