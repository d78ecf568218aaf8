#include "core/files/positioned_io.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <string>

#include "core/files/file_handle.h"
#include "support/interrupted_pipe.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

using test::expect_error;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string numbers(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += std::to_string(i) + ' ';
  return text;
}

TEST(WriteAll, WritesOnAfterAShortWriteAndASignal) {
  const test::TempFolder folder;
  test::InterruptedPipe pipe(folder / "pipe");
  const std::string text = numbers(50000);  // several times what a pipe holds
  const FileHandle file(::open((folder / "pipe").c_str(), O_WRONLY | O_CLOEXEC));
  write_all(file.get(), bytes_of(text), "pipe", "");
  EXPECT_EQ(pipe.text(), text);
}

TEST(WriteAll, GivesItsAdviceWhereTheDiskIsFullAndNowhereElse) {
  const FileHandle full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  if (!full.valid()) GTEST_SKIP() << "no /dev/full";
  expect_error(ErrorKind::io, "log: writing failed: No space left on device; free some",
               [&] { write_all(full.get(), bytes_of("x"), "log", "free some"); });
  const FileHandle read_only(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  try {
    write_all(read_only.get(), bytes_of("x"), "log", "free some");
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "log: writing failed: Bad file descriptor");
  }
}

TEST(SyncToDisk, FailsWhereThereIsNothingToSync) {
  expect_error(ErrorKind::io, "log: syncing failed", [] { sync_to_disk(-1, "log"); });
}

}  // namespace
}  // namespace kindred
