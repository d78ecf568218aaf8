// Each system call by which a command writes fails once: the command says so, and what was there
// before is there still; or nothing was lost.
#include "support/failing_calls.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "support/small_data.h"
#include "tools/program.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using test::FailingCalls;
using test::kindred;
using test::Outcome;
using test::text_of;

/// A data set, its model and embeddings, pictures, and a folder `out` for what is written.
struct Made {
  test::TempFolder folder;

  Made() {
    test::write_small_data(folder / "data.h5", {.storage = {.chunk = {8, 8, 8, 1}, .gzip = 1}});
    test::write_small_data(folder / "other.h5", {.classes = 2});
    std::ofstream(folder / "recipe.toml")
        << "[data]\nfile = 'data.h5'\n[sampler]\nclasses = 4\nsamples_per_class = 4\n"
           "[model]\narchitecture = 'mlp'\nhidden = [8]\nembedding = 4\n"
           "[[loss]]\nname = 'softmax'\n[train]\nsteps = 1\n";
    for (const std::string name : {"a", "b", "c"}) {
      fs::create_directories(folder / ("pictures/" + name));
      for (int i = 0; i < 4; ++i) {
        std::ofstream(folder / ("pictures/" + name + "/" + std::to_string(i) + ".pgm"))
            << "P5 8 8 255 " << std::string(64, static_cast<char>(name[0] + i));
      }
    }
    fs::create_directory(folder / "out");
    for (const std::string& line :
         {"train " + (folder / "recipe.toml") + " --quiet --out " + (folder / "run"),
          "embed " + model() + " " + (folder / "data.h5") + " --quiet --out " + embeddings()}) {
      const Outcome outcome = kindred(line);
      if (outcome.code != 0) ADD_FAILURE() << line << ": " << outcome.err;
    }
  }
  std::string model() const { return folder / "run/model.kindred"; }
  std::string embeddings() const { return folder / "embeddings.h5"; }
  std::string out() const { return folder / "out/out"; }
};

class FailingCallsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { made_ = new Made; }
  static void TearDownTestSuite() {
    delete made_;
    made_ = nullptr;
  }
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer wants to be the first library that is loaded";
#endif
  }

  /// What was there before: `arguments` write it.
  void make_old(const std::string& arguments) {
    fs::remove(made_->out());
    const Outcome outcome = kindred(arguments + " --quiet");
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    old_ = text_of(made_->out());
  }
  void put_old() const { std::ofstream(made_->out(), std::ios::binary) << old_; }
  bool is_old() const { return text_of(made_->out()) == old_; }
  int files() const {
    return static_cast<int>(std::distance(fs::directory_iterator(made_->folder / "out"), {}));
  }
  FailingCalls calls() const {
    return {KINDRED_FAILING_CALLS, fs::canonical(made_->folder / "out").string()};
  }

  /// `arguments` write out(): undisturbed, with each of their writing calls failing, and with
  /// writes that the system may interrupt or cut short. `older` writes another.
  void fail_each_call(const std::string& arguments, const std::string& older) {
    make_old(older);
    const std::string line = arguments + " --quiet";
    fs::remove(made_->out());
    const std::string file = made_->folder / "counts";
    const Outcome whole = kindred(line, calls().counting(file));
    ASSERT_EQ(whole.code, 0) << whole.err;
    const std::string expected = text_of(made_->out());
    std::map<std::string, int> counts = FailingCalls::counted(file);
    ASSERT_GT(counts["write"] + counts["pwrite"], 0);
    ASSERT_GT(counts["fsync"], 0);
    ASSERT_GT(counts["close"], 0);
    ASSERT_EQ(counts["rename"], 1);
    ASSERT_NE(expected, old_);
    int failed = 0;
    for (const auto& [call, count] : counts) {
      // What is not removed is left, and removed by the next; and the folder is synced when the new
      // file is in place: faults_test.py fails these, too.
      if (call == "unlink" || call == "fsync_folder") continue;
      for (int nth = 1; nth <= count; ++nth) {
        for (const char* how : {"EIO", "lost"}) {
          if (how == std::string("lost") && call != "write" && call != "pwrite") continue;
          const std::string plan = call + ":" + std::to_string(nth) + ":" + how;
          put_old();
          const Outcome outcome = kindred(line, calls().at(plan));
          EXPECT_EQ(files(), 1) << plan;
          if (outcome.code == 0) {
            EXPECT_TRUE(text_of(made_->out()) == expected) << plan << ": exit code 0";
            continue;
          }
          ++failed;
          EXPECT_TRUE(outcome.code == 74 || (call == "open" && outcome.code == 73))
              << plan << ": " << outcome.code << " " << outcome.err;
          EXPECT_TRUE(is_old()) << plan << ": " << outcome.err;
        }
      }
    }
    EXPECT_GE(failed, counts["write"] + counts["pwrite"] + 2);
    put_old();
    const Outcome disturbed =
        kindred(line, calls().at("write:1:EINTR,write:2:short,pwrite:1:EINTR,pwrite:2:short"));
    EXPECT_EQ(disturbed.code, 0) << disturbed.err;
    EXPECT_TRUE(text_of(made_->out()) == expected);
    EXPECT_EQ(files(), 1);
    for (int nth = 1; nth <= counts["open"]; ++nth) {  // as file systems of a network may
      put_old();
      const Outcome begun_again =
          kindred(line, calls().at("open:" + std::to_string(nth) + ":EINTR:x5"));
      EXPECT_EQ(begun_again.code, 0) << nth << ": " << begun_again.err;
      EXPECT_TRUE(text_of(made_->out()) == expected) << nth;
    }
  }

  static Made* made_;
  std::string old_;
};

Made* FailingCallsTest::made_ = nullptr;

// A pwrite that failed once in HDF5's closing: exit code 0, and zeros for embeddings.
TEST_F(FailingCallsTest, Embed) {
  const std::string line =
      "embed " + made_->model() + " " + (made_->folder / "data.h5") + " --out " + made_->out();
  fail_each_call(line, line + " --flip");
}

// Of a disk that was full for a moment: 11 of 100 labels, exit code 0.
TEST_F(FailingCallsTest, Pack) {
  fail_each_call("pack " + (made_->folder / "data.h5") + " " + made_->out(),
                 "pack " + (made_->folder / "other.h5") + " " + made_->out());
}

TEST_F(FailingCallsTest, Import) {
  const std::string line = "import " + (made_->folder / "pictures") + " " + made_->out();
  fail_each_call(line, line + " --size 4");
}

TEST_F(FailingCallsTest, Search) {
  const std::string line = "search " + made_->embeddings() + " --k 2 --out " + made_->out();
  fail_each_call(line, line + " --similarity euclidean");
}

TEST_F(FailingCallsTest, Loss) {
  const std::string line = "loss " + made_->embeddings() + " --loss triplet --out " + made_->out();
  fail_each_call(line, line + " --set margin=0.9");
}

TEST_F(FailingCallsTest, Cluster) {
  const std::string line = "eval cluster " + made_->embeddings() + " --out " + made_->out();
  fail_each_call(line, line + " --k 2");
}

TEST_F(FailingCallsTest, Json) {
  const std::string line = "eval retrieval " + made_->embeddings() + " --json " + made_->out();
  fail_each_call(line, line + " --similarity euclidean");
}

// The log's last lines, too: it is closed with a result that counts. The page alone is no result.
TEST_F(FailingCallsTest, Train) {
  const std::string line = "train " + (made_->folder / "recipe.toml") + " --quiet --out ";
  const std::string file = made_->folder / "counts";
  ASSERT_EQ(kindred(line + (made_->folder / "out/run"), calls().counting(file)).code, 0);
  const std::string model = text_of(made_->folder / "out/run/model.kindred");
  fs::remove_all(made_->folder / "out/run");
  std::map<std::string, int> counts = FailingCalls::counted(file);
  int failed = 0;
  for (const auto& [call, count] : counts) {
    if (call == "unlink" || call == "open") continue;
    for (int nth = 1; nth <= count; ++nth) {
      const std::string plan = call + ":" + std::to_string(nth) + ":EIO";
      const Outcome outcome = kindred(line + (made_->folder / "out/run"), calls().at(plan));
      if (outcome.code == 0) {
        EXPECT_TRUE(text_of(made_->folder / "out/run/model.kindred") == model) << plan;
      } else {
        ++failed;
        // A folder that cannot be made is an output that cannot be created.
        EXPECT_EQ(outcome.code, call == "mkdir" ? 73 : 74) << plan << ": " << outcome.err;
      }
      fs::remove_all(made_->folder / "out/run");
    }
  }
  const int of_the_page = 4;  // its write, sync, sync of the folder and rename, perhaps its closing
  EXPECT_GE(failed, counts["write"] + counts["fsync"] + counts["rename"] - of_the_page);
}

TEST_F(FailingCallsTest, ADiskThatStaysFullCostsTheOldFileNothing) {
  make_old("pack " + (made_->folder / "other.h5") + " " + made_->out());
  for (const char* plan : {"pwrite:1:ENOSPC:on", "pwrite:3:ENOSPC:on", "fsync:1:ENOSPC:on"}) {
    put_old();
    const Outcome outcome =
        kindred("pack " + (made_->folder / "data.h5") + " " + made_->out(), calls().at(plan));
    EXPECT_EQ(outcome.code, 74) << plan << ": " << outcome.err;
    EXPECT_NE(outcome.err.find("No space left on device"), std::string::npos) << outcome.err;
    EXPECT_TRUE(is_old()) << plan;
    EXPECT_EQ(files(), 1) << plan;
  }
}

}  // namespace
}  // namespace kindred
