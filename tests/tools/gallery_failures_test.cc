// `kindred gallery`, `find` and `identify` where something goes wrong on the way.
#include "support/failing_calls.h"
#include "tools/gallery_photos.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using test::contains;
using test::kindred;
using test::Outcome;
using test::text_of;

class GalleryFailures : public test::GalleryCommandsTest {};

// One that could be read is an answer; none is a failure, whose errors are shown all the same.
TEST_F(GalleryFailures, FailWhereNothingCouldBeRead) {
  const std::string broken = photos()["broken.jpg"];
  const std::string message = "none of 1 pictures could be read; the first: ";
  for (const std::string command : {"find ", "identify "}) {
    const Outcome outcome = kindred(command + broken + " --in " + own_ + " --json -");
    EXPECT_EQ(outcome.code, 65) << command;
    EXPECT_TRUE(contains(outcome.err, message)) << outcome.err;
    EXPECT_TRUE(contains(Json::parse(outcome.out)[0]["error"], "broken.jpg")) << outcome.out;
    EXPECT_TRUE(contains(kindred(command + broken + " --in " + own_).out, "cannot be read: "));
  }
  const Outcome added = kindred("gallery add " + own_ + " " + broken + " --json -");
  EXPECT_EQ(added.code, 65);
  EXPECT_TRUE(contains(added.err, message)) << added.err;
  EXPECT_EQ(Json::parse(added.out)["unreadable"].size(), 1U);
  EXPECT_EQ(json("gallery info " + own_)["pictures"], 32);
}

TEST_F(GalleryFailures, NewLeavesNothingWhereItFails) {
  const std::string g = folder_ / "failed.db";
  const std::string begin = "gallery new " + g + " " + model_ + " ";
  const auto expect_nothing = [&] {
    for (const char* const end : {"", "-wal", "-shm"}) EXPECT_FALSE(fs::exists(g + end)) << end;
  };
  expect_failure(begin + photos()["broken.jpg"], 65, "none of 1 pictures could be read");
  expect_nothing();
  expect_failure(begin + photos()["photos"] + " " + photos()["broken.jpg"] + " --strict", 65,
                 "(--strict)");
  expect_nothing();
  // Nothing is in its way.
  EXPECT_EQ(json(begin + photos()["photos"])["added"], 32);
}

TEST_F(GalleryFailures, SayWhoWasThereUnderAnotherName) {
  const std::string one = photos()["photos/class3/2.pgm"];
  const std::string line = "gallery add " + own_ + " " + one + " " + photos()["photos/class4"];
  Json added = json(line + " --name Ada");
  EXPECT_EQ(added["already_there"], 5);
  EXPECT_EQ(added["under_another_name"], 5);
  const Outcome told = kindred("gallery add " + own_ + " " + one + " --name Ada");
  EXPECT_EQ(told.code, 0);
  EXPECT_TRUE(contains(told.out, "already there: 1 of the same bytes")) << told.out;
  EXPECT_TRUE(contains(told.out, "1 of them under another name (the first: " + one +
                                     " is of class3); `kindred gallery remove` and add again"))
      << told.out;
  added = json("gallery add " + own_ + " " + photos()["photos"]);  // by their own class folders
  EXPECT_EQ(added["already_there"], 32);
  EXPECT_EQ(added["under_another_name"], 0);
  const std::string fresh = folder_ / "fresh.pgm";
  const std::string g = folder_ / "nobody.db";
  test::write_file_at(fresh, test::noisy_stripes(9, 1));
  ASSERT_EQ(kindred("gallery new " + g + " " + model_ + " " + fresh + " --quiet").code, 0);
  const Outcome nobody = kindred("gallery add " + g + " " + fresh + " --name Bo");
  EXPECT_TRUE(contains(nobody.out, "fresh.pgm is of nobody)")) << nobody.out;
}

// The disk fails while the file is written anew: what was to go is found no more, and the same
// command, once more, takes its bytes out.
TEST_F(GalleryFailures, RemoveOnceMoreFinishesWhatFailed) {
  const test::FailingCalls calls(KINDRED_FAILING_CALLS, folder_.path().string());
  const std::string line = "gallery remove " + own_ + " --identity class5";
  const std::string counted = folder_ / "counted";
  const std::string copy = folder_ / "copy.db";
  fs::copy_file(own_, copy);
  ASSERT_EQ(kindred("gallery remove " + copy + " --identity class5", calls.counting(counted)).code,
            0);
  const int writes = test::FailingCalls::counted(counted).at("pwrite");
  int half_done = 0;
  for (int nth = 1; nth <= writes; nth += std::max(1, writes / 10)) {
    for (const char* const end : {"-wal", "-shm"}) fs::remove(own_ + end);
    fs::copy_file(photos()["g.db"], own_, fs::copy_options::overwrite_existing);
    const std::string plan = "pwrite:" + std::to_string(nth) + ":ENOSPC:on";
    const Outcome failed = kindred(line, calls.at(plan));
    const bool half = contains(failed.err,
                               "its bytes stay in the file until the same `kindred "
                               "gallery remove` is run again");
    half_done += half ? 1 : 0;
    const Outcome again = kindred(line);
    if (!half) continue;
    EXPECT_EQ(failed.code, 74) << plan << failed.err;
    EXPECT_EQ(again.code, 0) << plan << again.err;
    EXPECT_TRUE(contains(again.out, "nothing of that name is left, and now none of its bytes"))
        << again.out;
    EXPECT_FALSE(contains(text_of(own_), "class5")) << plan;
    expect_failure(line, 66, "there is no picture of class5");
  }
  EXPECT_GT(half_done, 2);
}

// A write that fails while what was committed is copied from the WAL into the file leaves the two
// for the next who opens it: once the file alone was looked at, which was half of each.
TEST_F(GalleryFailures, SurvivesEachWriteThatFails) {
  const test::FailingCalls calls(KINDRED_FAILING_CALLS, folder_.path().string());
  const std::string g = folder_ / "g.db";
  const std::string more = folder_ / "more";
  for (int i = 0; i < 3; ++i)
    test::write_file_at(more + "/" + std::to_string(i) + ".pgm", test::noisy_stripes(9, i));
  const std::string line = "gallery add " + g + " " + more + " --threads 1";
  const auto begin = [&] {
    for (const char* const end : {"", "-wal", "-shm"}) fs::remove(g + end);
    fs::copy_file(own_, g);
  };
  begin();
  const std::string counted = folder_ / "counted";
  ASSERT_EQ(kindred(line, calls.counting(counted)).code, 0);
  const auto counts = test::FailingCalls::counted(counted);
  int before_commit = 0;
  int after_commit = 0;
  for (const std::string call : {"pwrite", "fsync", "ftruncate"}) {
    const int count = counts.at(call);
    for (int nth = 1; nth <= count; nth += std::max(1, count / 12)) {
      const std::string plan = call + ":" + std::to_string(nth) + ":EIO:on";
      begin();
      const Outcome outcome = kindred(line, calls.at(plan));
      const bool done = contains(outcome.out, "3 of 3 pictures done, 3 added");
      EXPECT_TRUE(outcome.code == 0 || outcome.code == 74) << plan << "\n" << outcome.err;
      EXPECT_TRUE(done || outcome.code == 74) << plan;
      const Json pictures = json("gallery list " + g);
      EXPECT_EQ(pictures.size(), done ? 35U : 32U) << plan;
      ++(done ? after_commit : before_commit);
    }
  }
  EXPECT_GT(before_commit, 3);
  EXPECT_GT(after_commit, 3);
}

}  // namespace
}  // namespace kindred
