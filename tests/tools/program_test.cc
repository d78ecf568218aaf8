// The program as a user meets it: exit codes, messages, files.
#include "tools/program.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "kindred/data/embedding_file.h"
#include "kindred/data/hdf5_file.h"
#include "support/bfloat16.h"
#include "support/small_data.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using test::contains;
using test::kindred;
using test::Outcome;
using test::TempFolder;

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

/// A folder with a small data set and a recipe for it.
class Program : public testing::Test {
 protected:
  Program() {
    test::SmallData data;
    data.test_classes = 4;
    test::write_small_data(folder_ / "data.h5", data);
    write(folder_ / "recipe.toml", recipe_);
  }
  std::string train(const std::string& run, const std::string& more = "") const {
    return "train " + (folder_ / "recipe.toml") + " --out " + (folder_ / run) + " " + more;
  }

  TempFolder folder_;
  std::string recipe_ =
      "[data]\nfile = 'data.h5'\n[sampler]\nclasses = 6\nsamples_per_class = 4\n"
      "[model]\narchitecture = 'mlp'\nhidden = [16]\nembedding = 8\nslice = 4\n"
      "[[loss]]\nname = 'softmax'\n[train]\nepochs = 1000\nplanned_steps = 30\n";
};

TEST_F(Program, TrainsEmbedsAndEvaluates) {
  const Outcome trained = kindred(train("run"));
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_TRUE(contains(trained.out, "recall@1")) << trained.out;
  const std::string emb = folder_ / "emb.h5";
  const Outcome embedded = kindred("embed " + (folder_ / "run") + "/model.kindred " +
                                   (folder_ / "data.h5") + " --out " + emb);
  ASSERT_EQ(embedded.code, 0) << embedded.err;
  const Outcome evaluated = kindred("eval retrieval " + emb + " --json -");
  ASSERT_EQ(evaluated.code, 0) << evaluated.err;
  const Json numbers = Json::parse(evaluated.out);
  EXPECT_EQ(numbers["queries_used"], 24);  // the 4 test classes x 6
  const Outcome all = kindred("eval retrieval " + emb + " --split all --json -");
  EXPECT_EQ(Json::parse(all.out)["queries_used"], 72);
  const Outcome inspected = kindred("inspect " + emb + " --json -");
  EXPECT_EQ(Json::parse(inspected.out)["embeddings"], Json({72, 8}));
  const Outcome found = kindred("search " + emb + " --k 3 --out " + (folder_ / "neighbours.h5"));
  EXPECT_EQ(found.code, 0) << found.err;
}

TEST_F(Program, EmbedsTheSameWithAnyNumberOfThreads) {
  ASSERT_EQ(kindred(train("run", "--quiet")).code, 0);
  const std::string common =
      "embed " + (folder_ / "run") + "/model.kindred " + (folder_ / "data.h5") + " --quiet --out ";
  ASSERT_EQ(kindred(common + (folder_ / "one.h5") + " --threads 1").code, 0);
  ASSERT_EQ(kindred(common + (folder_ / "three.h5") + " --threads 3").code, 0);
  EXPECT_EQ(test::text_of(folder_ / "one.h5"), test::text_of(folder_ / "three.h5"));
}

// oneDNN is told not to use what the CPU has, from AVX512_BF16 on.
constexpr const char* kWithoutBfloat16 = "ONEDNN_MAX_CPU_ISA=AVX512_CORE_VNNI";

TEST_F(Program, RefusesBfloat16WhereTheCpuHasNone) {
  const Outcome refused = kindred(train("run", "--set model.precision=bfloat16"), kWithoutBfloat16);
  EXPECT_EQ(refused.code, 78) << refused.err;
  EXPECT_TRUE(contains(refused.err, "neither AVX512_BF16 nor AMX")) << refused.err;
  EXPECT_TRUE(contains(refused.err, "or \"auto\"")) << refused.err;
  EXPECT_FALSE(fs::exists(folder_ / "run"));
  const Outcome settled =
      kindred(train("run", "--set model.precision=auto --set train.steps=2"), kWithoutBfloat16);
  ASSERT_EQ(settled.code, 0) << settled.err;
  EXPECT_TRUE(contains(settled.err, "computed with in float32")) << settled.err;
  EXPECT_TRUE(contains(test::text_of(folder_ / "run/recipe.toml"), "precision = \"float32\""));
}

TEST_F(Program, GoesOnInThePrecisionAutoBecame) {
  SKIP_WITHOUT(Precision::bfloat16);
  const Outcome trained = kindred(train("run", "--set model.precision=auto --set train.steps=2"));
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_TRUE(contains(trained.err, "computed with in bfloat16")) << trained.err;
  // On another CPU "auto" is something else: not the same run.
  const Outcome elsewhere =
      kindred(train("run", "--set model.precision=auto --resume"), kWithoutBfloat16);
  EXPECT_EQ(elsewhere.code, 78) << elsewhere.err;
  EXPECT_TRUE(contains(elsewhere.err, "'model.precision'")) << elsewhere.err;
  EXPECT_EQ(kindred(train("run", "--set model.precision=auto --resume")).code, 0);
}

TEST_F(Program, EmbedsInThePrecisionAskedForWithTheSameModel) {
  SKIP_WITHOUT(Precision::bfloat16);
  ASSERT_EQ(kindred(train("run", "--set model.precision=bfloat16")).code, 0);
  const auto embed = [&](const std::string& name, const std::string& more,
                         const std::string& before = "") {
    return kindred("embed " + (folder_ / "run") + "/model.kindred " + (folder_ / "data.h5") +
                       " --out " + (folder_ / name) + " " + more,
                   before);
  };
  ASSERT_EQ(embed("own.h5", "").code, 0);
  ASSERT_EQ(embed("bfloat16.h5", "--precision bfloat16").code, 0);
  ASSERT_EQ(embed("float32.h5", "--precision float32", kWithoutBfloat16).code, 0);
  const Outcome refused = embed("refused.h5", "", kWithoutBfloat16);
  EXPECT_EQ(refused.code, 78) << refused.err;
  const auto own = read_embedding_file(folder_ / "own.h5");
  const auto narrow = read_embedding_file(folder_ / "bfloat16.h5");
  const auto wide = read_embedding_file(folder_ / "float32.h5");
  EXPECT_EQ(own.fingerprint, wide.fingerprint);
  double squares = 0;
  double differences = 0;
  for (Index i = 0; i < wide.embeddings.rows(); ++i) {
    for (Index j = 0; j < wide.embeddings.cols(); ++j) {
      EXPECT_EQ(own.embeddings(i, j), narrow.embeddings(i, j));
      const double exact = wide.embeddings(i, j);
      squares += exact * exact;
      differences += std::pow(exact - own.embeddings(i, j), 2);
    }
  }
  EXPECT_GT(differences, 0);  // it is another arithmetic ...
  // ... but for the rounding of five tensors and weights by up to 2^-8 each.
  EXPECT_LT(std::sqrt(differences / squares), 5 * test::kBfloat16Rounding);
}

TEST_F(Program, EmbedsTheMirroredImageAsWell) {
  ASSERT_EQ(kindred(train("run", "--quiet")).code, 0);
  constexpr std::size_t side = 8;
  const Hdf5File data = Hdf5File::open(folder_ / "data.h5");
  const auto images = data.read<std::uint8_t>("images");
  std::vector<std::uint8_t> mirrored(images.size());
  for (std::size_t i = 0; i < images.size(); ++i) {
    const std::size_t x = i % side;
    mirrored[i - x + side - 1 - x] = images[i];
  }
  {
    Hdf5Writer writer(folder_ / "mirrored.h5");
    writer.write<std::uint8_t>("images", data.shape("images"), mirrored);
    writer.finish();
  }
  const auto embed = [&](const std::string& name, const std::string& more) {
    const std::string out = folder_ / "emb.h5";
    const Outcome outcome = kindred("embed " + (folder_ / "run") + "/model.kindred " +
                                    (folder_ / name) + " --quiet --out " + out + " " + more);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return read_embedding_file(out).embeddings;
  };
  const Matrix plain = embed("data.h5", "");
  const Matrix other = embed("mirrored.h5", "");
  const Matrix both = embed("data.h5", "--flip");
  for (Index i = 0; i < both.rows(); ++i) {
    for (Index j = 0; j < both.cols(); ++j) EXPECT_EQ(both(i, j), plain(i, j) + other(i, j));
  }
}

TEST_F(Program, VerifiesWithAModelAsWithItsEmbeddings) {
  ASSERT_EQ(kindred(train("run", "--quiet --set train.steps=5")).code, 0);
  const std::string model = (folder_ / "run") + "/model.kindred";
  const std::string data = folder_ / "data.h5";
  const std::string embeddings = folder_ / "emb.h5";
  ASSERT_EQ(kindred("embed " + model + " " + data + " --flip --quiet --out " + embeddings).code, 0);
  write(folder_ / "pairs.csv", "0,1,1\n0,70,0\n60,61,1\n65,71,1\n50,70,0\n");
  const auto run = [&](const std::string& source, const std::string& split) {
    return kindred("eval verify " + source + " --pairs " + (folder_ / "pairs.csv") +
                   " --quiet --json - --threshold-split " + split);
  };
  const Outcome from_file = run(embeddings, "train");
  const Outcome from_model = run(model + " --data " + data + " --flip", "train");
  ASSERT_EQ(from_file.code, 0) << from_file.err;
  EXPECT_EQ(from_model.out, from_file.out) << from_model.err;
  EXPECT_TRUE(Json::parse(from_file.out).contains("accuracy_given"));
  const Outcome none = run(embeddings, "validation");
  EXPECT_EQ(none.code, 65);
  EXPECT_TRUE(contains(none.err, "no labelled rows of split validation")) << none.err;
  EXPECT_EQ(run(embeddings + " --flip", "train").code, 64);  // --flip needs --data
}

TEST_F(Program, EndsWithTheDocumentedCodes) {
  const auto expect = [](const std::string& arguments, int code, const std::string& part) {
    const Outcome outcome = kindred(arguments);
    EXPECT_EQ(outcome.code, code) << arguments << "\n" << outcome.err;
    EXPECT_TRUE(contains(outcome.err, part)) << arguments << "\n" << outcome.err;
  };
  write(folder_ / "text.h5", "not HDF5 at all");
  write(folder_ / "bad.toml", recipe_ + "epoch = 3\n");
  write(folder_ / "syntax.toml", "[data\n");
  expect("", 64, "name a command");
  expect("fly", 64, "--help");
  expect("train", 64, "name a recipe");
  expect("train x.toml --bogus", 64, "--bogus");
  expect("train " + (folder_ / "missing.toml"), 66, "missing.toml: cannot open");
  expect("train " + (folder_ / "syntax.toml"), 78, "line 1");
  expect("train " + (folder_ / "bad.toml") + " --out " + (folder_ / "r"), 78,
         "unknown key 'epoch' in [train]; did you mean 'epochs'?");
  expect(train("r", "--set data.file=text.h5"), 65, "text.h5");
  expect(train("r", "--set data.file=missing.h5"), 66, "missing.h5");
  expect(train("r", "--set train"), 64, "section.key=value");
  expect(train("recipe.toml/r"), 73, "cannot create the folder");
  expect("eval retrieval " + (folder_ / "missing.h5"), 66, "missing.h5");
  expect("inspect " + (folder_ / "text.h5"), 65, "text.h5");
}

TEST_F(Program, HelpHasAnExampleEverywhere) {
  for (const char* command : {"",
                              "train",
                              "embed",
                              "documents",
                              "eval",
                              "eval retrieval",
                              "eval verify",
                              "eval cluster",
                              "eval oneshot",
                              "report",
                              "compare",
                              "find",
                              "gallery",
                              "gallery new",
                              "gallery add",
                              "gallery remove",
                              "gallery list",
                              "gallery info",
                              "gallery calibrate",
                              "identify",
                              "search",
                              "serve",
                              "inspect",
                              "list",
                              "bench",
                              "bench train",
                              "bench infer",
                              "bench search",
                              "bench load",
                              "bench all",
                              "import"}) {
    const Outcome outcome = kindred(std::string(command) + " --help");
    EXPECT_EQ(outcome.code, 0) << command;
    EXPECT_TRUE(contains(outcome.out, "Example:")) << command << "\n" << outcome.out;
  }
}

TEST_F(Program, TrainsEveryRecipeThatIsShipped) {
  // LFW's images are not shipped, nor are vectors: something of their size stands for them.
  const std::string faces = folder_ / "lfw.h5";
  test::write_small_data(faces, {.classes = 40, .side = 48});
  const std::string vectors = folder_ / "vectors.h5";
  {
    constexpr Index kCount = 80 * 4;
    constexpr Index kNumbers = 768;
    Random random(1, Purpose::test);
    std::vector<float> numbers(kCount * kNumbers);
    for (float& number : numbers) number = random.normal();
    std::vector<std::int64_t> labels(kCount);
    for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int64_t>(i / 4);
    Hdf5Writer writer(vectors);
    writer.write<float>("vectors", {kCount, kNumbers}, numbers);
    writer.write<std::int64_t>("labels", {kCount}, labels);
    writer.finish();
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(KINDRED_DATASETS)) {
    if (entry.path().extension() != ".toml") continue;
    const std::string name = entry.path().stem().string();
    const std::string data = name == "lfw"       ? " --set data.file=" + faces
                             : name == "vectors" ? " --set data.file=" + vectors
                                                 : "";
    const Outcome outcome = kindred("train " + entry.path().string() + data +
                                    " --quiet --set train.steps=1 --out " + (folder_ / name));
    EXPECT_EQ(outcome.code, 0) << entry.path() << "\n" << outcome.err;
  }
}

TEST_F(Program, ListsWhatDescriptionsAndReadmeReferTo) {
  const std::string everything =
      kindred("list").out + test::text_of(KINDRED_DATASETS "/../README.md");
  const std::string reference = "`kindred list ";
  std::set<std::string> names;
  for (std::size_t at = 0; (at = everything.find(reference, at)) != std::string::npos;) {
    at += reference.size();
    names.insert(everything.substr(at, everything.find('`', at) - at));
  }
  EXPECT_TRUE(names.contains("miners") && names.contains("metrics"));
  for (const std::string& name : names) EXPECT_EQ(kindred("list " + name).code, 0) << name;
}

TEST_F(Program, CtrlCWritesACheckpointAndSaysHowToResume) {
  const std::string err = folder_ / "err";
  // Interrupts the program once its log has a line; leaves the code that it ends with.
  const auto interrupt = [&](const std::string& arguments) {
    const std::string log = (folder_ / "run") + "/metrics.jsonl";
    const std::string script = std::string(KINDRED_PROGRAM) + " " + arguments + " 2>" + err +
                               " >/dev/null & pid=$!; while [ ! -s " + log +
                               " ] && kill -0 $pid; do sleep 0.05; done; kill -INT $pid; wait $pid";
    return WEXITSTATUS(std::system(script.c_str()));
  };
  EXPECT_EQ(interrupt(train("run", "--set train.planned_steps=2000000 --quiet")), 130);
  EXPECT_TRUE(contains(test::text_of(err), "--resume")) << test::text_of(err);
  const Outcome resumed = kindred("train --out " + (folder_ / "run") +
                                  " --resume --quiet --set train.steps=1 --json -");
  EXPECT_EQ(resumed.code, 0) << resumed.err;
}

TEST_F(Program, AFullDiskLeavesThePreviousCheckpointGood) {
  ASSERT_EQ(kindred(train("run", "--quiet --set train.steps=5")).code, 0);
  // No file may grow past 1 KiB: the next checkpoint cannot be written.
  const Outcome full = kindred(train("run", "--resume --quiet"), "ulimit -f 1;");
  EXPECT_EQ(full.code, 74) << full.err;
  const Outcome resumed = kindred(train("run", "--resume --quiet"));
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  ASSERT_EQ(kindred(train("whole", "--quiet")).code, 0);
  EXPECT_EQ(test::text_of((folder_ / "run") + "/model.kindred"),
            test::text_of((folder_ / "whole") + "/model.kindred"));
}

}  // namespace
}  // namespace kindred
