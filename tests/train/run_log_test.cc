#include "train/runs/run_log.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "support/interrupted_pipe.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

using test::expect_error;
using test::TempFolder;

// One write was expected to take a whole line: a signal, or a disk with little room left, ended the
// run with the advice to free space.
TEST(RunLog, WritesOnAfterAShortWriteAndASignal) {
  const TempFolder folder;
  test::InterruptedPipe pipe(folder / "pipe");
  const Json line = {{"step", 1}, {"note", std::string(300000, 'x')}};
  RunLog(folder / "pipe").append(line);
  EXPECT_EQ(pipe.text(), line.dump() + "\n");
}

TEST(RunLog, SaysWhatToDoOnAFullDisk) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  expect_error(ErrorKind::io, "/dev/full: writing failed: No space left on device; free some space",
               [] {
                 RunLog("/dev/full").append({{"step", 1}});
               });
}

// After a loss of power a disk may hold later lines and not the earlier ones: none of them had been
// promised. Other lines that are none are somebody's doing.
TEST(RunLog, EndsAtAHole) {
  const TempFolder folder;
  const std::string path = folder / "log";
  const std::string zeros(512, '\0');
  for (const std::string& hole : {zeros, "{\"step\":2," + zeros, zeros + "3}\n"}) {
    std::ofstream(path) << "{\"step\":1}\n" << hole << "\n{\"step\":3}\n";
    ASSERT_EQ(read_run_log(path).size(), 1u);
    EXPECT_EQ(read_run_log(path)[0]["step"], 1);
    cut_run_log(path, 5);
    EXPECT_EQ(std::filesystem::file_size(path), std::string("{\"step\":1}\n").size());
  }
  std::ofstream(path) << "{\"step\":1}\nnothing\n{\"step\":3}\n";
  expect_error(ErrorKind::data, path + ": line 2 is not one of our records",
               [&] { read_run_log(path); });
}

TEST(RunLog, RefusesALossThatIsNoNumber) {
  const TempFolder folder;
  const std::string path = folder / "metrics.jsonl";
  for (const std::string_view loss : {"\"x\"", "[1]", "true", "{}"}) {
    std::ofstream(path) << "{\"step\":1,\"loss\":" << loss << "}\n{\"step\":2,\"loss\":1}\n";
    expect_error(ErrorKind::data, path + ": line 1 is not one of our records",
                 [&] { read_run_log(path); });
  }
  std::ofstream(path) << "{\"step\":1,\"loss\":null}\n{\"step\":2,\"loss\":1e-3}\n";
  EXPECT_EQ(read_run_log(path).size(), 2U);
}

TEST(RunLog, IsCutToAStepWithEachEvaluationOnce) {
  const TempFolder folder;
  const std::string path = folder / "log";
  const std::string kept =
      "{\"step\":1,\"loss\":2.5}\n"
      "{\"step\":1,\"split\":\"validation\",\"best\":true}\n"
      "{\"step\":1,\"split\":\"test\"}\n"
      "{\"step\":2,\"loss\":0.1}\n"
      "{\"step\":2,\"split\":\"validation\",\"best\":false}\n";
  std::ofstream(path) << kept << "{\"step\":2,\"split\":\"validation\",\"best\":true}\n"
                      << "{\"step\":1,\"split\":\"validation\"}\n{\"step\":3,\"loss\":1}\n{\"st";
  cut_run_log(path, 2);
  std::string text;
  for (const Json& line : read_run_log(path)) text += line.dump() + "\n";
  EXPECT_EQ(text, kept);
}

}  // namespace
}  // namespace kindred
