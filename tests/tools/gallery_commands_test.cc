// `kindred gallery`, `find`, `identify` and `compare`, as people call them.
#include <sys/stat.h>
#include <unistd.h>

#include "tools/gallery_photos.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using test::contains;
using test::kindred;
using test::Outcome;
using test::text_of;
constexpr int kOfClass = test::kPhotosOfClass;

class GalleryCommands : public test::GalleryCommandsTest {};

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

TEST_F(GalleryCommands, NamesAreOneLineAndNotLong) {
  const std::string add =
      "gallery add " + own_ + " " + photos()["photos/class1/0.pgm"] + " --name ";
  const Outcome control = kindred(add + "\"$(printf 'a\\033[31m')\"");
  EXPECT_EQ(control.code, 64);
  EXPECT_TRUE(contains(control.err, "has control characters")) << control.err;
  const Outcome lengthy = kindred(add + std::string(501, 'x'));
  EXPECT_EQ(lengthy.code, 64);
  EXPECT_TRUE(contains(lengthy.err, "takes 501 bytes; at most 500 are kept")) << lengthy.err;
  EXPECT_EQ(kindred(add + std::string(500, 'x')).code, 0);
}

TEST_F(GalleryCommands, AGalleryInTheModelsPlaceIsNamed) {
  const Outcome embed = kindred("embed " + own_ + " " + photos()["new"] + " --out e.npy");
  EXPECT_EQ(embed.code, 65);
  EXPECT_TRUE(contains(embed.err,
                       "it is a gallery; `kindred gallery info " + own_ + "` tells what it holds"))
      << embed.err;
  const Outcome inspect = kindred("inspect " + own_);
  EXPECT_EQ(inspect.code, 65);
  EXPECT_TRUE(contains(inspect.err, "a gallery; `kindred gallery info " + own_ + "`"))
      << inspect.err;
  const Outcome other = kindred("gallery new " + (folder_ / "other.db") + " " + own_);
  EXPECT_EQ(other.code, 65);
  EXPECT_TRUE(contains(other.err, "is a gallery, not a model")) << other.err;
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
    const Json answer = json(line + " --threshold -1");
    EXPECT_EQ(answer[0]["identity"], "class1");
    for (const char* const none : {"nan", "7", "-1.01", "inf", "x"}) {
      expect_failure(line + " --threshold " + none, 64, "--threshold");
    }
  }
  const std::string stranger = "identify " + photos()["new/1.pgm"] + " --in " + own_;
  const Json answer = json(stranger + " --threshold 1");
  EXPECT_TRUE(answer[0]["identity"].is_null());
  EXPECT_EQ(answer[0]["nearest"].get<std::string>().substr(0, 5), "class");
  EXPECT_TRUE(contains(kindred(stranger + " --threshold 1").out, ": unknown (0."));
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
  const Outcome other = kindred(both + " --threshold 1");
  EXPECT_EQ(other.code, 1);
  EXPECT_TRUE(contains(other.out, "not the same: ")) << other.out;
  EXPECT_TRUE(contains(other.out, "threshold 1.0000 (--threshold)")) << other.out;
  for (const char* const none : {"nan", "7", "-1.01", "inf", "-inf", "x"}) {
    expect_failure(both + " --threshold " + none, 64, "--threshold");
  }
  expect_failure("compare " + own_ + " " + a + " " + b, 65, "is a gallery, not a model; compare");
  expect_failure("serve " + own_, 65, "is a gallery, not a model; serve takes MODEL --gallery");
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
  expect_failure("gallery new - " + model_, 64, "never standard output");
  expect_failure("gallery new " + none + " " + own_, 65, "is a gallery, not a model");
  expect_failure("serve " + model_ + " --gallery " + photos()["recipe.toml"], 65, "is no gallery");
  test::write_file_at(none + "-wal", "last pictures of another");
  expect_failure("gallery new " + none + " " + model_, 73, "none.db-wal: is left of an earlier");
  fs::remove(none + "-wal");
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
    expect_failure(with(model_), 65, "is no gallery: it is no SQLite file");
    EXPECT_FALSE(fs::exists(none)) << command;
  }
  expect_failure("gallery add " + own_ + " " + (folder_ / "no.jpg"), 66, "no.jpg");
  expect_failure("find " + photos()["recipe.toml"] + " --in " + own_, 65, "recipe.toml");
  expect_failure("gallery", 64, "name a command");
  expect_failure("gallery calibrate " + own_ + " --far 0", 64, "false accept rate");
  expect_failure("find " + query + " --in " + own_ + " --html " + photos()["recipe.toml"], 64,
                 "is not an HTML page");
}

TEST_F(GalleryCommands, ReadInAFolderThatMayNotBeWritten) {
  const std::string as_nobody =
      ::geteuid() == 0
          ? "setpriv --reuid=65534 --regid=65534 --clear-groups sh -c 'exec \"$0\" \"$@\"'"
          : "";
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
