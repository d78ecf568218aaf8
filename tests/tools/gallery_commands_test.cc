// `kindred gallery`, `find`, `identify` and `compare`, as people call them.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "kindred/core/random.h"
#include "support/failing_calls.h"
#include "tools/program.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using test::contains;
using test::kindred;
using test::Outcome;
using test::TempFolder;
using test::text_of;

constexpr int kClasses = 8;
constexpr int kOfClass = 4;

/// A class's picture: its stripes, with noise.
std::string picture(int of_class, int number) {
  std::string text = "P5 16 16 255\n";
  Random random(5, Purpose::test, static_cast<std::uint64_t>(100 * of_class + number));
  for (int i = 0; i < 256; ++i) {
    const int bright = ((i % 16 + 3 * (i / 16)) >> (of_class % 4)) % 2;
    text +=
        static_cast<char>(bright * 120 + (of_class / 4) * 60 + static_cast<int>(random.below(60)));
  }
  return text;
}

void write(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

/// Photos in class folders and a model that was trained on them, once for all tests.
class Photos {
 public:
  Photos() {
    for (int c = 0; c < kClasses; ++c) {
      for (int i = 0; i < kOfClass; ++i) {
        write(folder_ / ("photos/class" + std::to_string(c) + "/" + std::to_string(i) + ".pgm"),
              picture(c, i));
      }
      write(folder_ / ("new/" + std::to_string(c) + ".pgm"), picture(c, 50));
    }
    write(folder_ / "recipe.toml",
          "[data]\nfile = 'data.h5'\n[sampler]\nclasses = 4\nsamples_per_class = 4\n[model]\n"
          "architecture = 'mlp'\nhidden = [16]\nembedding = 8\nslice = 8\n[[loss]]\nname = "
          "'softmax'\n[train]\nepochs = 1\nsteps = 30\n");
    must("import " + (*this)["photos"] + " " + (*this)["data.h5"]);
    must("train " + (*this)["recipe.toml"] + " --out " + (*this)["run"]);
    must("train " + (*this)["recipe.toml"] + " --out " + (*this)["other"] + " --set seed=2");
    write(folder_ / "broken.jpg", "no picture");
    must("gallery new " + (*this)["g.db"] + " " + model() + " " + (*this)["photos"]);
    fs::permissions(folder_.path(), fs::perms::all);
  }
  std::string operator[](const std::string& name) const { return folder_ / name; }
  std::string model() const { return (*this)["run/model.kindred"]; }

 private:
  static void must(const std::string& arguments) {
    const Outcome outcome = kindred(arguments + " --quiet");
    ASSERT_EQ(outcome.code, 0) << arguments << "\n" << outcome.err;
  }
  TempFolder folder_;
};

class GalleryCommands : public testing::Test {
 protected:
  GalleryCommands() { fs::copy_file(photos()["g.db"], own_); }

  static const Photos& photos() {
    static const Photos made;
    return made;
  }
  /// Of a command that has to go well.
  static Json json(const std::string& arguments) {
    const Outcome outcome = kindred(arguments + " --json -");
    EXPECT_EQ(outcome.code, 0) << arguments << "\n" << outcome.err;
    return Json::parse(outcome.out, nullptr, false);
  }
  static void expect_failure(const std::string& arguments, int code, const std::string& message,
                             const std::string& before = "") {
    const Outcome outcome = kindred(arguments, before);
    EXPECT_EQ(outcome.code, code) << arguments << "\n" << outcome.err;
    EXPECT_TRUE(contains(outcome.err, message)) << arguments << "\n" << outcome.err;
  }

  TempFolder folder_;
  std::string own_ = folder_ / "own.db";
  const std::string model_ = photos().model();
};

TEST_F(GalleryCommands, NewAndAddSayWhatBecameOfThePictures) {
  const std::string g = folder_ / "new.db";
  const Json made = json("gallery new " + g + " " + model_ + " " + photos()["photos/class0"] +
                         "/*.pgm " + photos()["broken.jpg"] + " --name Ada");
  EXPECT_EQ(made["listed"], kOfClass + 1);
  EXPECT_EQ(made["added"], kOfClass);
  EXPECT_EQ(made["already_there"], 0);
  ASSERT_EQ(made["unreadable"].size(), 1U);
  EXPECT_TRUE(contains(made["unreadable"][0], "broken.jpg"));
  const Outcome added = kindred("gallery add " + g + " " + photos()["photos"]);
  EXPECT_EQ(added.code, 0) << added.err;
  EXPECT_TRUE(contains(added.out, "32 of 32 pictures done, 28 added\n")) << added.out;
  EXPECT_TRUE(contains(added.out, "28 of 32 pictures added, 32 now\n")) << added.out;
  EXPECT_TRUE(contains(added.out, "already there: 4 of the same bytes")) << added.out;
  const Json identities = json("gallery list " + g + " --identities");
  ASSERT_EQ(identities.size(), 8U);  // Ada's were there before
  EXPECT_EQ(identities[0]["identity"], "Ada");
  EXPECT_EQ(identities[0]["pictures"], 4);
  EXPECT_EQ(identities[1]["identity"], "class1");
  const Json pictures = json("gallery list " + g);
  ASSERT_EQ(pictures.size(), 32U);
  EXPECT_EQ(pictures[0]["path"], photos()["photos/class0/0.pgm"]);
  EXPECT_EQ(pictures[0]["width"], 16);
  EXPECT_EQ(pictures[0]["thumbnail"], true);
  EXPECT_TRUE(contains(kindred("gallery list " + g).out, "class7"));
  const Json info = json("gallery info " + g);
  EXPECT_EQ(info["pictures"], 32);
  EXPECT_EQ(info["identities"], 8);
  EXPECT_EQ(info["dimension"], 8);
  EXPECT_TRUE(info["thresholds"]["identify"].is_null());
  EXPECT_TRUE(contains(kindred("gallery info " + g).out, "none; `kindred gallery calibrate`"));
  EXPECT_FALSE(fs::exists(g + "-wal"));
}

TEST_F(GalleryCommands, StrictStopsAtABrokenPicture) {
  expect_failure("gallery add " + own_ + " " + photos()["broken.jpg"] + " --strict", 65,
                 "(--strict)");
  EXPECT_EQ(json("gallery info " + own_)["pictures"], 32);
}

TEST_F(GalleryCommands, FindGivesTheNearestFirst) {
  const std::string query = photos()["photos/class3/2.pgm"];
  const Json found =
      json("find " + query + " " + photos()["broken.jpg"] + " --in " + own_ + " --top 3");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0]["query"], query);
  ASSERT_EQ(found[0]["matches"].size(), 3U);
  EXPECT_EQ(found[0]["matches"][0]["path"], query);
  EXPECT_EQ(found[0]["matches"][0]["identity"], "class3");
  EXPECT_NEAR(found[0]["matches"][0]["score"], 1, 1e-12);
  EXPECT_GE(found[0]["matches"][1]["score"], found[0]["matches"][2]["score"]);
  EXPECT_FALSE(found[0].contains("error"));
  EXPECT_TRUE(contains(found[1]["query"], "broken.jpg"));
  EXPECT_TRUE(contains(found[1]["error"], "broken.jpg"));
  EXPECT_FALSE(found[1].contains("matches"));
  // Ten of an empty gallery.
  const std::string empty = folder_ / "empty.db";
  ASSERT_EQ(kindred("gallery new " + empty + " " + model_ + " --quiet").code, 0);
  EXPECT_TRUE(json("find " + query + " --in " + empty)[0]["matches"].empty());
  const Outcome text = kindred("find " + query + " --in " + own_ + " --top 1");
  EXPECT_EQ(text.out, query + "\n  1.0000  class3                " + query + "\n");
}

TEST_F(GalleryCommands, ThePageHoldsEverythingAndNoMarkupOfNames) {
  const std::string g = folder_ / "page.db";
  const std::string name = "<script>alert(1)</script>\"&";
  ASSERT_EQ(kindred("gallery new " + g + " " + model_ + " " + photos()["photos"] +
                    " --quiet --name '" + name + "'")
                .code,
            0);
  const std::string page_file = folder_ / "page.html";
  ASSERT_EQ(kindred("find " + photos()["new"] + " --in " + g + " --html " + page_file).code, 0);
  const std::string page = text_of(page_file);
  EXPECT_TRUE(contains(page, "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&amp;"));
  EXPECT_FALSE(contains(page, "<script"));
  EXPECT_FALSE(contains(page, "http:"));
  EXPECT_FALSE(contains(page, "https:"));
  EXPECT_FALSE(contains(page, "no thumbnail"));
  std::size_t images = 0;
  for (std::size_t at = page.find("<img "); at != page.npos; at = page.find("<img ", at + 1))
    ++images;
  EXPECT_EQ(images, 8U * 11);  // each query and its ten
  EXPECT_TRUE(contains(page, "src=\"data:image/jpeg;base64,/9j/"));
}

TEST_F(GalleryCommands, IdentifyKnowsAndDoesNotKnow) {
  const std::string queries = photos()["photos/class1/0.pgm"];
  const Outcome before = kindred("identify " + queries + " --in " + own_);
  EXPECT_TRUE(contains(before.err, "has no thresholds")) << before.err;
  EXPECT_TRUE(contains(before.out, ": class1 (1.0000)\n")) << before.out;
  const Json chosen = json("gallery calibrate " + own_ + " --far 0.1");
  EXPECT_EQ(chosen["identify"]["trials"], 32);
  EXPECT_EQ(chosen["identify"]["needed"], 30);
  EXPECT_EQ(chosen["identify"]["enough"], true);
  EXPECT_LE(chosen["identify"]["accepted"], 3);
  EXPECT_EQ(chosen["compare"]["trials"], 32 * 28 / 2);
  EXPECT_EQ(json("gallery info " + own_)["thresholds"]["identify"],
            chosen["identify"]["threshold"]);
  for (const char* const by : {"best", "centroid"}) {
    const std::string line = "identify " + queries + " --in " + own_ + " --by " + by;
    Json answer = json(line + " --threshold -1");
    EXPECT_EQ(answer[0]["identity"], "class1");
    answer = json(line + " --threshold 1.5");
    EXPECT_TRUE(answer[0]["identity"].is_null());
    EXPECT_EQ(answer[0]["nearest"], "class1");
  }
  EXPECT_TRUE(contains(kindred("identify " + queries + " --in " + own_ + " --threshold 2").out,
                       ": unknown (1.0000 with class1)\n"));
  const Outcome rare = kindred("gallery calibrate " + own_ + " --far 0.001");
  EXPECT_EQ(rare.code, 0);
  EXPECT_TRUE(contains(rare.err,
                       "identify: 32 pictures with a name are too few for a rate of 0.001: "
                       "3000 are needed"))
      << rare.err;
}

TEST_F(GalleryCommands, CompareAnswersByItsExitCode) {
  const std::string a = photos()["photos/class1/0.pgm"];
  const std::string b = photos()["photos/class1/1.pgm"];
  const std::string both = "compare " + model_ + " " + a + " " + b;
  EXPECT_EQ(kindred(both + " --threshold -1").code, 0);
  const Outcome other = kindred(both + " --threshold 1.5");
  EXPECT_EQ(other.code, 1);
  EXPECT_TRUE(contains(other.out, "not the same: ")) << other.out;
  EXPECT_TRUE(contains(other.out, "threshold 1.5000 (--threshold)")) << other.out;
  const Json itself = json("compare " + model_ + " " + a + " " + a + " --threshold 0.5");
  EXPECT_NEAR(itself["score"], 1, 1e-12);
  EXPECT_EQ(itself["same"], true);
  const Outcome none = kindred(both + " --json -");  // the model has no validation classes
  EXPECT_EQ(none.code, 0);
  EXPECT_TRUE(Json::parse(none.out)["threshold"].is_null());
  EXPECT_TRUE(Json::parse(none.out)["same"].is_null());
  expect_failure(both + " --gallery " + own_, 65, "has no thresholds; `kindred gallery calibrate");
  const Json chosen = json("gallery calibrate " + own_ + " --far 0.1");
  const Outcome by_gallery = kindred(both + " --gallery " + own_ + " --json -");
  const Json answer = Json::parse(by_gallery.out);
  EXPECT_EQ(answer["threshold"], chosen["compare"]["threshold"]);
  EXPECT_EQ(by_gallery.code, answer["same"].get<bool>() ? 0 : 1);
  expect_failure(
      "compare " + photos()["other/model.kindred"] + " " + a + " " + b + " --gallery " + own_, 65,
      "is a gallery of another model");
  expect_failure("compare " + model_ + " " + a, 64, "name two pictures, not 1");
  expect_failure("compare " + model_ + " " + a + " " + photos()["photos"], 64, "holds 32 pictures");
  expect_failure("compare " + model_ + " " + a + " " + photos()["broken.jpg"], 65, "broken.jpg");
  expect_failure(both + " --threshold 0.5 --gallery " + own_, 64, "--threshold");
}

TEST_F(GalleryCommands, RemoveLeavesNothing) {
  const std::string path = photos()["photos/class2/1.pgm"];
  EXPECT_TRUE(contains(text_of(own_), path));
  EXPECT_EQ(json("gallery remove " + own_ + " --picture " + path)["removed"], 1);
  EXPECT_FALSE(contains(text_of(own_), path));
  EXPECT_TRUE(contains(text_of(own_), "class5"));
  const Outcome all = kindred("gallery remove " + own_ + " --identity class5");
  EXPECT_EQ(all.out,
            own_ + ": 4 removed, 27 left; nothing of what was removed is in the file any more\n");
  EXPECT_FALSE(contains(text_of(own_), "class5"));
  EXPECT_EQ(json("gallery remove " + own_ + " --id 1 2 99")["removed"], 2);
  EXPECT_FALSE(fs::exists(own_ + "-wal"));
  expect_failure("gallery remove " + own_ + " --identity class5", 66,
                 "there is no picture of class5");
  expect_failure("gallery remove " + own_, 64, "say what goes");
  expect_failure("gallery remove " + own_ + " --id 3 --identity class1", 64, "--id");
}

TEST_F(GalleryCommands, SayWhatIsWrong) {
  const std::string query = photos()["photos/class1/0.pgm"];
  const std::string none = folder_ / "none.db";
  expect_failure("gallery new " + none + " " + (folder_ / "no.kindred"), 66, "no.kindred");
  expect_failure("gallery new " + none + " " + query, 65, query);
  expect_failure("gallery new " + none + " " + model_ + " " + (folder_ / "no.jpg"), 66, "no.jpg");
  EXPECT_FALSE(fs::exists(none));
  expect_failure("gallery new " + own_ + " " + model_, 64, "exists and is not an empty file");
  expect_failure("gallery new " + model_ + " " + model_, 64, "would be written over");
  expect_failure("gallery new " + (folder_ / "no/g.db") + " " + model_, 73, "no/g.db");
  for (const std::string& command :
       {"gallery add G " + query, std::string("gallery remove G --id 1"),
        std::string("gallery list G"), std::string("gallery info G"),
        std::string("gallery calibrate G"), "find " + query + " --in G",
        "identify " + query + " --in G",
        "compare " + model_ + " " + query + " " + query + " --gallery G"}) {
    const auto with = [&](const std::string& gallery) {
      std::string line = command;
      return line.replace(line.find(" G") + 1, 1, gallery);
    };
    expect_failure(with(none), 66, "none.db");
    const bool changes = contains(command, "gallery add") || contains(command, "remove") ||
                         contains(command, "calibrate");
    expect_failure(with(model_), changes ? 64 : 65, changes ? "is not a gallery" : "is no gallery");
    EXPECT_FALSE(fs::exists(none)) << command;
  }
  expect_failure("gallery add " + own_ + " " + (folder_ / "no.jpg"), 66, "no.jpg");
  expect_failure("find " + photos()["recipe.toml"] + " --in " + own_, 65, "recipe.toml");
  expect_failure("gallery", 64, "name a command");
  expect_failure("gallery calibrate " + own_ + " --far 0", 64, "false accept rate");
  expect_failure("find " + query + " --in " + own_ + " --html " + photos()["recipe.toml"], 64,
                 "is not an HTML page");
}

// A write that fails while what was committed is copied from the WAL into the file leaves the two
// for the next who opens it: once the file alone was looked at, which was half of each.
TEST_F(GalleryCommands, SurvivesEachWriteThatFails) {
  const test::FailingCalls calls(KINDRED_FAILING_CALLS, folder_.path().string());
  const std::string g = folder_ / "g.db";
  const std::string more = folder_ / "more";
  for (int i = 0; i < 3; ++i) write(more + "/" + std::to_string(i) + ".pgm", picture(9, i));
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

TEST_F(GalleryCommands, ReadInAFolderThatMayNotBeWritten) {
  const std::string as_nobody =
      ::geteuid() == 0 ? "setpriv --reuid=65534 --regid=65534 --clear-groups" : "";
  const std::string program = KINDRED_PROGRAM;
  if (::geteuid() == 0 &&
      std::system((as_nobody + " " + program + " --version >/dev/null").c_str()) != 0) {
    GTEST_SKIP() << "nobody may not run the program here";
  }
  fs::permissions(own_, fs::perms::owner_all | fs::perms::group_read | fs::perms::others_read);
  fs::permissions(folder_.path(), fs::perms::owner_read | fs::perms::owner_exec |
                                      fs::perms::group_read | fs::perms::group_exec |
                                      fs::perms::others_read | fs::perms::others_exec);
  const std::string query = photos()["photos/class1/0.pgm"];
  const Outcome found = kindred("find " + query + " --in " + own_ + " --top 1", as_nobody);
  EXPECT_EQ(found.code, 0) << found.err;
  EXPECT_TRUE(contains(found.out, "1.0000")) << found.out;
  expect_failure("gallery add " + own_ + " " + query, 73, "own.db", as_nobody);
  expect_failure("gallery new " + (folder_ / "h.db") + " " + model_, 73, "h.db", as_nobody);
  fs::permissions(folder_.path(), fs::perms::owner_all);
}

}  // namespace
}  // namespace kindred
