// `kindred eval` as a user meets it: numbers through --json, other people's files, bad input.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kindred/data/embedding_file.h"
#include "kindred/data/hdf5_file.h"
#include "tools/program.h"

namespace kindred {
namespace {

using Json = nlohmann::json;
using test::kindred;
using test::Outcome;
using test::TempFolder;

constexpr double kTolerance = 1e-4;  // what the reference file promises; no case has ties
const std::string kReference = KINDRED_TEST_DATA "/metrics.h5:";

Json numbers_of(const std::string& arguments) {
  const Outcome outcome = kindred(arguments + " --json -");
  EXPECT_EQ(outcome.code, 0) << arguments << "\n" << outcome.err;
  return outcome.code == 0 ? Json::parse(outcome.out) : Json();
}

void expect_reference(const std::string& group, const Json& found) {
  const Json expected =
      Json::parse(Hdf5File::open(kReference + group).attribute_text("", "metrics"));
  EXPECT_FALSE(expected.empty());
  for (const auto& [name, value] : expected.items()) {
    ASSERT_TRUE(found.contains(name)) << group << " " << name;
    EXPECT_NEAR(found[name].get<double>(), value.get<double>(), kTolerance) << group << " " << name;
  }
}

TEST(Eval, GivesTheReferenceNumbers) {
  for (const std::string& name : Hdf5File::open(kReference + "/retrieval").children()) {
    const std::string group = "/retrieval/" + name;
    expect_reference(group, numbers_of("eval retrieval " + kReference + group +
                                       " --recall-at 1,2,4,8,10,100 --precision-at 10"));
  }
  expect_reference("/verification/ten_fold",
                   numbers_of("eval verify " + kReference + "/verification/ten_fold"));
  expect_reference("/clustering/assignments",
                   numbers_of("eval cluster " + kReference + "/clustering/assignments"));
}

TEST(Eval, PrintsTheSameBytesForAnyNumberOfThreads) {
  for (const std::string& command :
       {"retrieval " + kReference + "/retrieval/uneven --bootstrap 50 --per-class",
        "verify " + kReference + "/verification/ten_fold",
        "verify " + kReference + "/retrieval/uneven --all-pairs",
        "cluster " + kReference + "/retrieval/uneven",
        "oneshot " + kReference + "/retrieval/uneven --ways 5 --episodes 40"}) {
    const std::string all = "eval " + command + " --json - --quiet --threads ";
    const Outcome one = kindred(all + "1");
    EXPECT_EQ(one.code, 0) << one.err;
    EXPECT_EQ(one.err, "");
    for (const char* threads : {"2", "3", "8"}) {
      EXPECT_EQ(kindred(all + threads).out, one.out) << command;
    }
  }
}

TEST(Eval, TellsSecondsWhereItIsAsked) {
  const std::string command =
      "eval cluster " + kReference + "/clustering/assignments --json - --quiet";
  EXPECT_FALSE(Json::parse(kindred(command).out).contains("seconds"));
  EXPECT_GE(Json::parse(kindred(command + " --timing").out)["seconds"].get<double>(), 0);
}

/// Four rows of two people, near their own axes, seen by two cameras.
class SmallEval : public testing::Test {
 protected:
  SmallEval() {
    const float values[4][2] = {{1, 0}, {1, 0.2F}, {0, 1}, {0.6F, 1}};
    file_.embeddings = Matrix(4, 2);
    for (Index i = 0; i < 4; ++i) std::copy_n(values[i], 2, file_.embeddings.row(i));
    file_.labels = {0, 0, 1, 1};
    file_.class_names = {"Ann", "Bo"};
    file_.paths = {"Ann_0001.jpg", "Ann_0002.jpg", "Bo_0001.jpg", "Bo_0002.jpg"};
    file_.groups = {1, 2, 1, 1};
    save();
  }
  void save() const { write_embedding_file(path_, file_); }
  std::string text(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name) << content;
    return folder_ / name;
  }
  void expect(const std::string& arguments, int code, const std::string& part) const {
    const Outcome outcome = kindred("eval " + arguments);
    EXPECT_EQ(outcome.code, code) << arguments << "\n" << outcome.err;
    EXPECT_NE(outcome.err.find(part), std::string::npos) << arguments << "\n" << outcome.err;
    EXPECT_EQ(outcome.out, "") << arguments;
  }
  TempFolder folder_;
  EmbeddingFile file_;
  std::string path_ = folder_ / "emb.h5";
};

TEST_F(SmallEval, PassesOverTheSameCamera) {
  EXPECT_EQ(numbers_of("eval retrieval " + path_)["queries_used"], 4);
  EXPECT_FALSE(numbers_of("eval retrieval " + path_ + " --no-map").contains("map"));
  const Json other = numbers_of("eval retrieval " + path_ + " --ignore-same /groups");
  EXPECT_EQ(other["queries_used"], 2);  // both of Bo are by camera 1
  EXPECT_EQ(other["queries_without_match"], 2);
}

TEST_F(SmallEval, ReportsClassesAndIntervals) {
  const Json numbers = numbers_of("eval retrieval " + path_ + " --per-class --bootstrap 20");
  ASSERT_EQ(numbers["classes"].size(), 2U);
  EXPECT_EQ(numbers["classes"][1]["name"], "Bo");
  EXPECT_EQ(numbers["classes"][0]["recall@1"], 1);
  EXPECT_LE(numbers["intervals"]["mrr"][0].get<double>(), numbers["mrr"].get<double>());
  EXPECT_EQ(numbers["class_means"]["recall@1"], numbers["recall@1"]);
}

TEST_F(SmallEval, ReadsNumpyArraysAndNamedDataSets) {
  Hdf5Writer writer(folder_ / "theirs.h5");
  std::vector<float> values;
  for (Index i = 0; i < 4; ++i) {
    for (const Index k : {Index{0}, Index{1}}) values.push_back(file_.embeddings(i, k));
  }
  writer.write<float>("x", {4, 2}, values);
  writer.write<std::int64_t>("y", {4}, file_.labels);
  writer.finish();
  const Json ours = numbers_of("eval retrieval " + path_);
  const std::string theirs = folder_ / "theirs.h5";
  EXPECT_EQ(numbers_of("eval retrieval " + theirs + " --dataset /x --labels /y"), ours);
  const Json sides = numbers_of("eval retrieval --query " + theirs + " --gallery " + theirs +
                                " --dataset /x --query-labels /y --gallery-labels /y");
  EXPECT_EQ(sides["recall@1"], 1);  // each finds itself
  expect("retrieval " + theirs + " --dataset /x", 65, "labels is missing");
  expect("retrieval " + (folder_ / "a.npy"), 66, "a.npy");
}

TEST_F(SmallEval, FindsTheNeighboursOfAFileOfNeighbours) {
  Hdf5Writer writer(folder_ / "ann.hdf5");
  writer.write<float>("train", {3, 1}, std::vector<float>{0, 10, 20});
  writer.write<float>("test", {2, 1}, std::vector<float>{1, 18});
  writer.write<std::int64_t>("neighbors", {2, 2}, std::vector<std::int64_t>{0, 1, 2, 0});
  writer.attribute("/", "distance", std::string("euclidean"));
  writer.finish();
  const Json numbers = numbers_of("eval retrieval " + (folder_ / "ann.hdf5") + " --recall-at 1,2");
  EXPECT_EQ(numbers["neighbor_recall@1"], 1);
  EXPECT_EQ(numbers["neighbor_recall@2"], 0.75);  // the last one in the file is wrong
}

TEST_F(SmallEval, VerifiesPairsByName) {
  const std::string list = text("pairs.txt", "1\nAnn\t1\t2\nAnn\t1\tBo\t2\n");
  const std::string other = text("other.txt", "1\nBo\t1\t2\nAnn\t2\tBo\t1\n");
  const Json numbers =
      numbers_of("eval verify " + path_ + " --pairs " + list + " --threshold-pairs " + other +
                 " --roc " + (folder_ / "roc.csv"));
  EXPECT_EQ(numbers["auc"], 1);
  EXPECT_EQ(numbers["accuracy_best"], 1);
  EXPECT_EQ(numbers["positives"], 1);
  EXPECT_EQ(numbers["hardest_false_accepts"][0]["second"], "Bo_0002.jpg");
  // Cosine 0.86 of Bo 1 and 2 against 0.20 of the other pair: 0.20 is the lowest that parts them.
  EXPECT_NEAR(numbers["threshold_given"].get<double>(), 0.2 / std::sqrt(1.04), 1e-6);
  EXPECT_EQ(numbers["accuracy_given"], 0.5);  // Ann 1 and Bo 2: 0.51 is above
  EXPECT_NE(test::text_of(folder_ / "roc.csv").find("false_accept_rate"), std::string::npos);
}

TEST_F(SmallEval, ClustersAndWritesTheAssignments) {
  const Json numbers = numbers_of("eval cluster " + path_ + " --out " + (folder_ / "c.h5"));
  EXPECT_EQ(numbers["nmi"], 1);
  EXPECT_EQ(numbers["clusters"], 2);
  const Json again = numbers_of("eval cluster " + (folder_ / "c.h5"));
  EXPECT_EQ(again["nmi"], 1);
  EXPECT_EQ(numbers_of("eval cluster " + path_ + " --k 1")["nmi"], 0);
  EXPECT_EQ(numbers_of("eval cluster " + path_ + " --k auto")["clusters"], 2);
}

TEST_F(SmallEval, ZeroVectorsScoreZero) {
  file_.embeddings.row(3)[0] = file_.embeddings.row(3)[1] = 0;
  save();
  // The row of zeros is as near to all: one of its three neighbours is of its class. Row 2 is
  // nearest to row 1, of the other.
  EXPECT_NEAR(numbers_of("eval retrieval " + path_)["recall@1"].get<double>(), (2 + 1.0 / 3) / 4,
              1e-12);
  const std::string list = text("pairs.csv", "0,1,1\n2,3,1\n0,2,0\n");
  const Json numbers = numbers_of("eval verify " + path_ + " --pairs " + list);
  EXPECT_EQ(numbers["hardest_false_rejects"][0]["score"], 0);
}

TEST_F(SmallEval, RefusesBadInput) {
  const std::string missing = text("missing.txt", "1\nAnn\t1\t3\nAnn\t1\tBo\t2\n");
  const std::string one_kind = text("one.csv", "0,1,1\n2,3,1\n");
  const std::string outside = text("outside.csv", "0,9,1\n2,3,0\n");
  expect("verify " + path_, 64, "--pairs");
  expect("verify " + path_ + " --pairs " + missing, 65, "the first is 'Ann_0003' (line 2)");
  expect("verify " + path_ + " --pairs " + one_kind, 65, "needs pairs of both kinds");
  expect("verify " + path_ + " --pairs " + outside, 65, "row 9 does not exist");
  expect("verify " + path_ + " --pairs " + missing + " --all-pairs", 64, "--all-pairs");
  expect("verify " + path_ + " --all-pairs --far 2", 64, "false accept rate 2");
  expect("cluster " + path_ + " --k 5", 64, "5");
  expect("cluster " + path_ + " --assignments /none", 65, "/none is missing");
  expect("oneshot " + path_, 65, "--ways");
  expect("oneshot " + path_ + " --ways 3", 65, "2 classes");
  expect("oneshot " + path_ + " --shots 3", 64, "--ways");
  expect("retrieval " + path_ + " --recall-at 0", 64, "0");
  expect("retrieval " + path_ + " --bootstrap 1", 64, "resamples");
  expect("retrieval " + path_ + " --query " + path_, 64, "either one file");
  expect("retrieval", 64, "name an embedding file");
  expect("retrieval " + path_ + " --split train", 65, "no rows of split train");

  file_.labels = {0, 1, 2, 3};
  file_.class_names.clear();
  save();
  expect("retrieval " + path_, 65, "at least two samples");
  expect("verify " + path_ + " --all-pairs", 65, "not same");
  file_.labels = {0, 0, 0, 0};
  save();
  EXPECT_EQ(numbers_of("eval retrieval " + path_)["recall@1"], 1);  // one class: all are right
  expect("verify " + path_ + " --all-pairs", 65, "are same");
  file_.embeddings(1, 1) = std::numeric_limits<float>::quiet_NaN();
  save();
  expect("retrieval " + path_, 65, "nan");
}

TEST_F(SmallEval, AFoldOfOneKindIsJudgedByTheOthers) {
  const std::string list = text("folds.csv", "0,1,1,0\n2,3,1,0\n0,2,0,1\n1,3,0,1\n0,1,1,1\n");
  const Json numbers = numbers_of("eval verify " + path_ + " --pairs " + list);
  ASSERT_EQ(numbers["folds"].size(), 2U);
  EXPECT_EQ(numbers["folds"][0]["pairs"], 2);
  EXPECT_TRUE(numbers["folds"][1]["threshold"].is_null());  // fold 0: accepting all is best
}

}  // namespace
}  // namespace kindred
