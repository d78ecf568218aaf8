// Messages that name the next command: that command is run, and helps.
#include <gtest/gtest.h>

#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "kindred/data/pictures.h"
#include "support/small_data.h"
#include "tools/program.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::kindred;
using test::Outcome;
using test::TempFolder;

class Message : public testing::Test {
 protected:
  Message() {
    test::write_small_data(folder_ / "data.h5", {.test_classes = 4});
    write("recipe.toml", kRecipe);
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  std::string path(const std::string& name) const { return folder_ / name; }
  Outcome train(const std::string& run, const std::string& more = "",
                const std::string& recipe = "recipe.toml") const {
    return kindred("train " + path(recipe) + " --out " + path(run) + " " + more);
  }
  static void expect(const Outcome& outcome, int code, const std::string& part) {
    EXPECT_EQ(outcome.code, code) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, part)) << outcome.err;
    EXPECT_FALSE(contains(outcome.err, "internal error")) << outcome.err;
  }
  /// The command that a message names behind "kindred ", up to its end or `until`, NEW replaced.
  std::string advised(const std::string& message, const std::string& until) const {
    const std::size_t begin = message.rfind(" kindred ", message.find(until));
    EXPECT_NE(begin, message.npos) << message;
    if (begin == message.npos) return "";
    std::string command =
        message.substr(begin + 9, message.find(until, begin) + until.size() - begin - 9);
    const std::size_t at = command.find("NEW");
    if (at != command.npos) command.replace(at, 3, path("new"));
    return command;
  }

  static constexpr const char* kRecipe =
      "[data]\nfile = 'data.h5'\n[sampler]\nclasses = 6\nsamples_per_class = 4\n"
      "[model]\narchitecture = 'mlp'\nhidden = [16]\nembedding = 8\nslice = 4\n"
      "[[loss]]\nname = 'softmax'\n[train]\nepochs = 1000\nplanned_steps = 30\n";
  TempFolder folder_;
};

TEST_F(Message, OfACommandOrOptionThatThereIsNotNamesTheOneMeant) {
  for (const auto& [line, part] :
       {std::pair("tarin x.toml", "there is no command 'tarin'; did you mean 'train'?"),
        {"--quiet trian", "there is no option --quiet"},
        {"eval retreival e.h5", "eval has no command 'retreival'; did you mean 'retrieval'?"},
        {"eval", "kindred: eval: name a command: retrieval, verify, cluster, oneshot"},
        {"", "kindred: name a command: bench, compare, convert, embed"},
        {"train x.toml --thread 2", "train has no option --thread; did you mean '--threads'?"},
        {"train x.toml --thread=2", "train has no option --thread; did you mean '--threads'?"},
        {"train --out a --rezume", "train has no option --rezume; did you mean '--resume'?"},
        {"embed m d --out e --split tset", "did you mean 'test'?"},
        {"eval retrieval e --similarity cosin", "did you mean 'cosine'?"},
        {"qqqqqqqq", "there is no command 'qqqqqqqq'; there are bench, compare, convert, embed"}}) {
    const Outcome outcome = kindred(line);
    expect(outcome, 64, part);
    EXPECT_TRUE(contains(outcome.err, "--help")) << outcome.err;
    EXPECT_FALSE(contains(outcome.err, "documents")) << outcome.err;  // nobody is told of it
  }
}

TEST_F(Message, OfAFolderSaysWhatToInspect) {
  ASSERT_EQ(train("run", "--quiet --set train.steps=1").code, 0);
  const Outcome run = kindred("inspect " + path("run"));
  expect(run, 64, "is the folder of a run: inspect " + path("run/model.kindred"));
  EXPECT_EQ(kindred("inspect " + path("run/model.kindred")).code, 0);
  EXPECT_EQ(kindred(advised(run.err, "report " + path("run"))).code, 0);
  fs::create_directories(path("pictures/a"));
  expect(kindred("inspect " + path("pictures")), 64, "kindred import " + path("pictures"));
}

TEST_F(Message, OfArgumentsInTheWrongOrderSaysTheRightOne) {
  ASSERT_EQ(train("run", "--quiet --set train.steps=1").code, 0);
  const std::string model = path("run/model.kindred");
  const std::string out = " --quiet --out " + path("e.h5");
  const Outcome swapped = kindred("embed " + path("data.h5") + " " + model + out);
  expect(swapped, 64, "the model comes first, then the data: kindred embed " + model);
  EXPECT_EQ(kindred(advised(swapped.err, path("data.h5")) + out).code, 0);
}

TEST_F(Message, OfPicturesOfAnotherSizeSaysHowToMakeThemFit) {
  ASSERT_EQ(train("run", "--quiet --set train.steps=1").code, 0);
  test::write_small_data(path("large.h5"), {.side = 12, .channels = 3});
  const Outcome wrong = kindred("embed " + path("run/model.kindred") + " " + path("large.h5") +
                                " --out " + path("e.h5"));
  expect(wrong, 65, "kindred import PICTURES OUT.h5 --size 8 --grey");
  for (const char* name : {"a", "b"}) {
    fs::create_directories(path("pictures/") + name);
    EXPECT_EQ(kindred("inspect " + path("large.h5") + " --thumbnails " + path("pictures/") + name +
                      "/1.png")
                  .code,
              0);
  }
  const std::string options = " --size 8 --grey";
  const Outcome made =
      kindred("import " + path("pictures") + " " + path("fits.h5") + options + " --quiet");
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(kindred("embed " + path("run/model.kindred") + " " + path("fits.h5") + " --out " +
                    path("e.h5"))
                .code,
            0);
}

TEST_F(Message, OfAnEmptyRecipeSaysWhatARecipeNames) {
  for (const char* text : {"", "\n\n", "# my recipe\n", "[data]\n[train]\n"}) {
    write("empty.toml", text);
    const Outcome empty = train("run", "", "empty.toml");
    expect(empty, 78, "empty.toml: is empty: a recipe names its data");
    EXPECT_EQ(kindred("inspect " + path("data.h5")).code, 0);
    EXPECT_EQ(kindred("list recipes").code, 0);
  }
  write("no_data.toml", "[[loss]]\nname = 'softmax'\n");
  expect(train("run", "", "no_data.toml"), 78, "names no file, and the default is not there");
  write("no_file.toml", std::string("[data]\nfile = ''\n[[loss]]\nname = 'softmax'\n"));
  expect(train("run", "", "no_file.toml"), 78, "data.file is empty");
  expect(kindred("train ''"), 64, "name a recipe");
  expect(kindred("report ''"), 64, "name");
  EXPECT_FALSE(fs::exists(path("run")));
}

// The recipe is read twice; what was written in between had no quotes, and the message was about
// that.
TEST_F(Message, OfAKeyInQuotesNamesTheKey) {
  for (const auto& [line, key] :
       {std::pair("[data]\n\"my file\" = 'x'\n", "unknown key 'my file' in [data]"),
        {"\"a.b\" = 1\n", "unknown key 'a.b'"},
        {"[\"my table\"]\nx = 1\n", "unknown key 'my table'"},
        {"[train]\n'epochs ' = 3\n", "unknown key 'epochs ' in [train]; did you mean 'epochs'?"}}) {
    write("quoted.toml", std::string(line) +
                             "[[loss]]\nname = 'softmax'\n[sampler]\nclasses = 6\n" +
                             "samples_per_class = 4\n[model]\nslice = 4\n");
    const Outcome outcome = train("run", "--set data.file=" + path("data.h5"), "quoted.toml");
    expect(outcome, 78, key);
    EXPECT_TRUE(contains(outcome.err, "quoted.toml")) << outcome.err;
    EXPECT_FALSE(contains(outcome.err, "line ")) << outcome.err;
  }
  write("quoted.toml", std::string(kRecipe) + "\"steps\" = 2\n");  // is the key
  EXPECT_EQ(train("run", "--quiet", "quoted.toml").code, 0);
}

TEST_F(Message, OfAFinishedRunAndOfOneThatDivergedNameTheCommandThatGoesOn) {
  ASSERT_EQ(train("run", "--quiet").code, 0);
  const Outcome finished = kindred("train --resume --out " + path("run"));
  expect(finished, 0, "the run is finished, all its 30 planned steps are done");
  EXPECT_EQ(kindred(advised(finished.err, "--out NEW") + " --quiet").code, 0);
  fs::remove_all(path("new"));
  const Outcome diverged =
      train("wild", "--set optimizer.name=sgd --set optimizer.learning_rate=1e6");
  expect(diverged, 69, "training diverged at step");
  EXPECT_EQ(kindred(advised(diverged.err, "--out NEW") + " --quiet --set train.steps=1").code, 0);
}

TEST_F(Message, OfACollapseIsTheLastWordAndInTheNumbers) {
  {
    const test::SmallSamples samples = test::small_samples();
    Hdf5Writer writer(path("alike.h5"));
    const auto count = static_cast<Index>(samples.labels.size());
    writer.write<std::uint8_t>("images", {count, 8, 8, 1},
                               std::vector<std::uint8_t>(samples.images.size(), 7));
    writer.write<std::int64_t>("labels", {count}, samples.labels);
    writer.finish();
  }
  const Outcome outcome = train("run", "--quiet --json - --set data.file=" + path("alike.h5"));
  expect(outcome, 0, "the embeddings collapse");
  EXPECT_TRUE(contains(outcome.err, "lower optimizer.learning_rate"));
  EXPECT_TRUE(contains(outcome.out, "\"collapsed\": true")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "\"between_class_cosine\": ")) << outcome.out;
  EXPECT_EQ(kindred("inspect " + path("alike.h5") + " --thumbnails " + path("sheet.png")).code, 0);
}

TEST_F(Message, OfTooLittleMemoryNamesWhatIsEnough) {
  test::write_small_data(path("packed.h5"), {.classes = 40,
                                             .samples_per_class = 20,
                                             .side = 32,
                                             .storage = {.chunk = {800, 32, 32, 1}, .gzip = 1}});
  const std::string common = "--quiet --set train.steps=1 --set data.file=" + path("packed.h5");
  const Outcome little = train("run", common + " --set data.memory=100KiB");
  expect(little, 78, "is too little for");
  const std::string least = "the least is \"";
  const std::size_t at = little.err.find(least);
  ASSERT_NE(at, little.err.npos) << little.err;
  const std::string memory = little.err.substr(
      at + least.size(), little.err.find('"', at + least.size()) - at - least.size());
  // All samples take 800 KiB; to stream them took three chunks of that.
  EXPECT_LT(std::stoi(memory), 1200) << memory;
  EXPECT_EQ(train("enough", common + " --set data.memory=" + memory).code, 0);
  const Outcome packed = kindred("pack " + path("packed.h5") + " " + path("PACKED.h5"));
  EXPECT_EQ(packed.code, 0) << packed.err;
  EXPECT_TRUE(contains(little.err, "kindred pack " + path("packed.h5") + " PACKED.h5"))
      << little.err;
}

TEST_F(Message, OfAnImportOfArraysNamesTheCommandThatTellsHowTheyAreRead) {
  const Outcome refused = kindred("import " + path("data.h5") + " " + path("out.h5"));
  expect(refused, 65, "arrays of HDF5 need no import");
  EXPECT_TRUE(contains(refused.err, "`kindred inspect " + path("data.h5") + "`")) << refused.err;
  const Outcome told = kindred("inspect " + path("data.h5"));
  EXPECT_EQ(told.code, 0) << told.err;
  EXPECT_TRUE(contains(told.out, "samples")) << told.out;
}

TEST_F(Message, OfGroupsThatLeaveNothingNamesThem) {
  Hdf5Writer writer(path("e.h5"));
  writer.write<float>("embeddings", {4, 2}, std::vector<float>{1, 0, 0, 1, 1, 1, 2, 1});
  writer.write<std::int64_t>("labels", {4}, std::vector<std::int64_t>{0, 0, 1, 1});
  writer.write<std::int64_t>("groups", {4}, std::vector<std::int64_t>{5, 5, 6, 6});
  writer.finish();
  const Outcome outcome = kindred("eval retrieval " + path("e.h5") + " --ignore-same /groups");
  expect(outcome, 65, "those of its own group (--ignore-same) are passed over");
  EXPECT_EQ(kindred("eval retrieval " + path("e.h5")).code, 0);
}

TEST_F(Message, OfANumberThatIsTooSmallIsShort) {
  for (const char* line : {"search e.h5 --out n.h5 --k 0", "search e.h5 --out n.h5 --k -3",
                           "bench search --vectors 0", "train x --threads 0"}) {
    const Outcome outcome = kindred(line);
    EXPECT_EQ(outcome.code, 64) << outcome.err;
    EXPECT_LT(outcome.err.size(), 200u) << outcome.err;
  }
}

// What was printed is lost, that is all: no internal error.
TEST_F(Message, OfAReaderWhoLeavesIsNoInternalError) {
  for (const char* line : {"list", "list losses", "--help", "train --help"}) {
    const std::string command = std::string("sh -c '") + KINDRED_PROGRAM + " " + line + " 2>" +
                                path("err") + "; echo $? >" + path("code") + "' | true";
    ASSERT_EQ(std::system(command.c_str()), 0);
    const std::string code = test::text_of(path("code"));
    EXPECT_TRUE(code == "74\n" || code == "0\n") << line << code;
    EXPECT_FALSE(contains(test::text_of(path("err")), "internal")) << test::text_of(path("err"));
  }
}

// As `timeout` sends them: to the program, and to its group.
TEST_F(Message, OfASignalThatComesTwiceAtOnceIsThatOfOne) {
  for (const char* signal : {"INT", "TERM", "HUP"}) {
    const std::string run = path(std::string("run") + signal);
    const std::string log = run + "/metrics.jsonl";
    const std::string script = std::string(KINDRED_PROGRAM) + " train " + path("recipe.toml") +
                               " --out " + run + " --quiet --set train.planned_steps=2000000 2>" +
                               path("err") + " >/dev/null & pid=$!; while [ ! -s " + log +
                               " ] && kill -0 $pid; do sleep 0.05; done; kill -" + signal +
                               " $pid $pid; kill -" + signal + " $pid; wait $pid";
    const int code = WEXITSTATUS(std::system(script.c_str()));
    EXPECT_TRUE(code == 130 || code == 143 || code == 129) << code;
    EXPECT_TRUE(contains(test::text_of(path("err")), "stopped after step"))
        << test::text_of(path("err"));
    EXPECT_FALSE(fs::is_empty(run + "/checkpoints"));
  }
}

}  // namespace
}  // namespace kindred
