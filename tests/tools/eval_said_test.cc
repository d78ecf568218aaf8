// What `kindred eval` and `search` say about embeddings, pairs and files that make numbers mean
// less, or something else, than they seem to; and options that are obeyed or refused.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
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

class EvalSaid : public testing::Test {
 protected:
  /// Eight rows of two classes about their own axes.
  EvalSaid() {
    file_.embeddings = Matrix(8, 2);
    for (Index i = 0; i < 8; ++i) {
      file_.embeddings(i, i % 2) = 1;
      file_.embeddings(i, 1 - i % 2) = 0.01F * static_cast<float>(i);
      file_.labels.push_back(i % 2);
      file_.split.push_back(static_cast<std::uint8_t>(i < 4 ? 0 : 2));
      file_.paths.push_back("sample " + std::to_string(i));
    }
    file_.fingerprint = "one";
    save();
  }
  void save() const { write_embedding_file(path_, file_); }
  std::string text(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name) << content;
    return folder_ / name;
  }
  /// Runs it; its numbers.
  Json run(const std::string& arguments) {
    last_ = kindred(arguments + " --json - --quiet");
    EXPECT_EQ(last_.code, 0) << arguments << "\n" << last_.err;
    return last_.code == 0 ? Json::parse(last_.out) : Json();
  }
  void expect_said(const std::string& part) const {
    EXPECT_NE(last_.err.find(part), std::string::npos) << part << "\n" << last_.err;
  }
  void expect_silence() const { EXPECT_EQ(last_.err, ""); }
  void expect_refused(const std::string& arguments, int code, const std::string& part) const {
    const Outcome outcome = kindred(arguments);
    EXPECT_EQ(outcome.code, code) << arguments << "\n" << outcome.err;
    EXPECT_NE(outcome.err.find(part), std::string::npos) << arguments << "\n" << outcome.err;
  }
  /// The embeddings again under other names, with a split beside them.
  std::string theirs() const {
    const std::string path = folder_ / "theirs.h5";
    Hdf5Writer writer(path);
    std::vector<float> values;
    for (Index i = 0; i < 8; ++i) {
      values.insert(values.end(), file_.embeddings.row(i), file_.embeddings.row(i) + 2);
    }
    writer.write<float>("features", {8, 2}, values);
    writer.write<std::int64_t>("labels", {8}, file_.labels);
    writer.write<std::uint8_t>("split", {8}, file_.split);
    writer.finish();
    return path;
  }
  /// Rows of float32 or int64 as NumPy writes them.
  std::string numpy(const std::string& name, const std::string& type, const std::string& shape,
                    const void* data, std::size_t bytes) const {
    std::string header =
        "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }";
    header.resize((10 + header.size() + 64) / 64 * 64 - 11, ' ');
    header += '\n';
    std::ofstream out(folder_ / name, std::ios::binary);
    out << "\x93NUMPY" << '\x01' << '\0' << static_cast<char>(header.size() & 0xff)
        << static_cast<char>(header.size() >> 8) << header;
    out.write(static_cast<const char*>(data), static_cast<std::streamsize>(bytes));
    return folder_ / name;
  }
  TempFolder folder_;
  EmbeddingFile file_;
  std::string path_ = folder_ / "emb.h5";
  Outcome last_;
};

TEST_F(EvalSaid, NothingWhereNothingIsTheMatter) {
  EXPECT_EQ(run("eval retrieval " + path_ + " --split all")["queries_with_ties"], 0);
  expect_silence();
  run("eval cluster " + path_);
  expect_silence();
  run("eval verify " + path_ + " --all-pairs");
  expect_silence();
}

TEST_F(EvalSaid, TiesAreCountedAndMetricsExpected) {
  file_.embeddings.fill(0.5F);
  save();
  const Json numbers = run("eval retrieval " + path_ + " --split all");
  EXPECT_EQ(numbers["queries_with_ties"], 8);
  EXPECT_NEAR(numbers["recall@1"].get<double>(), 3.0 / 7, 1e-12);
  EXPECT_EQ(numbers["constant_embeddings"], true);
  expect_said("warning: " + path_ + ": all 8 embeddings are equal");
  const Outcome table = kindred("eval retrieval " + path_ + " --split all");
  EXPECT_NE(table.out.find("ties           8 queries"), std::string::npos) << table.out;
}

TEST_F(EvalSaid, ConstantAndZeroEmbeddingsEverywhere) {
  const std::string list = text("pairs.csv", "0,2,1\n0,1,0\n");
  for (Index i = 0; i < 8; ++i) {
    file_.embeddings(i, 0) = file_.embeddings(i, 1) = static_cast<float>(i + 1);
  }
  save();
  for (const std::string& command :
       {"eval retrieval " + path_, "eval cluster " + path_ + " --split all",
        "eval verify " + path_ + " --all-pairs", "eval verify " + path_ + " --pairs " + list,
        "eval oneshot " + path_ + " --ways 2"}) {
    EXPECT_EQ(run(command)["constant_embeddings"], true) << command;
    expect_said("have one direction, equal by cosine");
  }
  // Their distances differ.
  EXPECT_FALSE(
      run("eval retrieval " + path_ + " --similarity euclidean").contains("constant_embeddings"));
  expect_silence();
  file_.embeddings.fill(1);
  file_.embeddings.row(5)[0] = file_.embeddings.row(5)[1] = 0;
  save();
  EXPECT_EQ(run("eval retrieval " + path_)["zero_vectors"], 1);
  expect_said("1 of 4 embeddings are all zeros");
  const Outcome search = kindred("search " + path_ + " --k 2 --quiet --out " + (folder_ / "n.h5"));
  EXPECT_NE(search.err.find("1 of 8 embeddings are all zeros"), std::string::npos) << search.err;
}

TEST_F(EvalSaid, SearchWritesScoresOfAnyScale) {
  for (Index i = 0; i < 8; ++i) {
    for (Index k = 0; k < 2; ++k) file_.embeddings(i, k) *= 1e-30F;
  }
  save();
  const std::string out = folder_ / "n.h5";
  ASSERT_EQ(
      kindred("search " + path_ + " --k 1 --similarity inner_product --quiet --out " + out).code,
      0);
  const Hdf5File found = Hdf5File::open(out);
  // Row 0 is (1, 0), row 6 (1, 0.06), all times 1e-30.
  EXPECT_NEAR(found.read<double>("scores")[6] * 1e60, 1 + 0.06 * 0.04, 1e-5);
}

TEST_F(EvalSaid, BaseRateStandsBesideTheBestAccuracy) {
  const std::string list = text("pairs.csv", "0,2,1\n0,1,0\n0,3,0\n2,1,0\n");
  const Json numbers = run("eval verify " + path_ + " --pairs " + list);
  EXPECT_EQ(numbers["base_rate"], 0.75);
  EXPECT_EQ(numbers["accuracy_best"], 1);
}

TEST_F(EvalSaid, FoldsOfOneKindAreNamed) {
  const std::string list =
      text("folds.csv", "0,2,1,0\n4,2,1,0\n0,1,0,1\n2,3,0,1\n0,4,1,2\n0,3,0,2\n");
  const Json numbers = run("eval verify " + path_ + " --pairs " + list);
  EXPECT_EQ(numbers["folds_of_one_kind"], Json({0, 1}));
  EXPECT_EQ(numbers["folds"][2]["same"], 1);
  expect_said("2 of 3 folds hold pairs of one kind (fold 0: 2 pairs, all same)");
  // What the message advises.
  const std::string without = text("pairs.csv", "0,2,1\n0,1,0\n");
  EXPECT_TRUE(run("eval verify " + path_ + " --pairs " + without).contains("auc"));
  expect_silence();
}

TEST_F(EvalSaid, ModelsThatDifferAreNamed) {
  const std::string other = folder_ / "other.h5";
  EmbeddingFile gallery;
  gallery.embeddings = Matrix(8, 2);
  for (Index i = 0; i < 8; ++i) std::copy_n(file_.embeddings.row(i), 2, gallery.embeddings.row(i));
  gallery.labels = file_.labels;
  gallery.fingerprint = "two";
  write_embedding_file(other, gallery);
  const std::string sides = " --query " + path_ + " --gallery " + other;
  run("eval retrieval" + sides);
  expect_said(path_ + " is of model one, " + other + " of model two");
  run("eval retrieval --dataset /embeddings" + sides);
  expect_said("of model two");
  const Outcome search = kindred("search " + other + " --query " + path_ + " --k 1 --quiet --out " +
                                 (folder_ / "n.h5"));
  EXPECT_EQ(search.code, 0);
  EXPECT_NE(search.err.find("of model two"), std::string::npos) << search.err;
  gallery.fingerprint = "one";
  write_embedding_file(other, gallery);
  run("eval retrieval" + sides);
  expect_silence();
}

TEST_F(EvalSaid, SplitsHoldForNamedDataSets) {
  const std::string file = theirs();
  EXPECT_EQ(run("eval retrieval " + file + " --dataset /features")["queries_used"], 4);
  EXPECT_EQ(run("eval retrieval " + file + " --dataset /features --split all")["queries_used"], 8);
  EXPECT_EQ(run("eval cluster " + file + " --dataset /features --split train")["samples"], 4);
  expect_refused("eval retrieval " + file + " --dataset /features --split validation", 65,
                 "has no rows of split validation");
}

TEST_F(EvalSaid, LabelsAreTakenWhereTheHelpPromises) {
  std::vector<float> values;
  for (Index i = 0; i < 8; ++i) {
    values.insert(values.end(), file_.embeddings.row(i), file_.embeddings.row(i) + 2);
  }
  const std::string rows =
      numpy("rows.npy", "<f4", "(8, 2)", values.data(), values.size() * sizeof(float));
  const std::string labels = numpy("labels.npy", "<i8", "(8,)", file_.labels.data(),
                                   file_.labels.size() * sizeof(std::int64_t));
  EXPECT_EQ(run("eval retrieval --query " + rows + " --gallery " + rows + " --labels " +
                labels)["queries_used"],
            8);
  EXPECT_EQ(run("eval oneshot " + rows + " --ways 2 --labels " + labels)["error"], 0);
  EXPECT_EQ(run("eval oneshot " + theirs() + " --ways 2 --dataset /features")["error"], 0);
  file_.labels.clear();
  save();
  EXPECT_EQ(run("eval retrieval " + path_ + " --labels " + labels)["queries_used"], 4);
  expect_refused("eval oneshot " + rows + " --ways 2", 65, "name them with --labels FILE.npy");
}

TEST_F(EvalSaid, OptionsWithoutUseAreRefused) {
  const std::string clusters = folder_ / "c.h5";
  run("eval cluster " + path_ + " --out " + clusters);
  expect_refused("eval cluster " + clusters + " --split test", 64, "--split and --dataset do not");
  expect_refused("eval oneshot " + path_ + " --split test", 64, "--ways");
}

class NeighborsFile : public EvalSaid {
 protected:
  /// The nearest to 1 and to 18 among 0, 10, 20 by distance; by product both find 20.
  NeighborsFile() { write("euclidean"); }
  void write(const std::string& distance) const {
    Hdf5Writer writer(ann_);
    writer.write<float>("train", {3, 1}, std::vector<float>{0, 10, 20});
    writer.write<float>("test", {2, 1}, std::vector<float>{1, 18});
    writer.write<std::int64_t>("neighbors", {2, 1}, std::vector<std::int64_t>{0, 2});
    if (!distance.empty()) writer.attribute("/", "distance", distance);
    writer.finish();
  }
  std::string ann_ = folder_ / "ann.hdf5";
};

TEST_F(NeighborsFile, SimilarityIsObeyedAndADifferenceSaid) {
  EXPECT_EQ(run("eval retrieval " + ann_)["neighbor_recall@1"], 1);
  expect_silence();
  const Json other = run("eval retrieval " + ann_ + " --similarity inner_product");
  EXPECT_EQ(other["neighbor_recall@1"], 0.5);
  EXPECT_EQ(other["similarity"], "inner_product");
  expect_said("its neighbours are by euclidean, the search is by inner_product");
  write("");
  EXPECT_EQ(run("eval retrieval " + ann_)["similarity"], "cosine");
  expect_said("the cosine is taken, see --similarity");
  write("hamming");
  expect_refused("eval retrieval " + ann_, 65, "name it with --similarity");
  EXPECT_EQ(run("eval retrieval " + ann_ + " --similarity euclidean")["neighbor_recall@1"], 1);
}

TEST_F(NeighborsFile, OptionsThatCannotApplyAreRefused) {
  for (const std::string& option :
       {std::string("--rerank 20,6,0.3"), std::string("--per-class"), std::string("--bootstrap 20"),
        std::string("--split test"), std::string("--precision-at 5"), std::string("--no-map"),
        std::string("--ignore-same /groups"), "--html " + (folder_ / "page.html")}) {
    expect_refused("eval retrieval " + ann_ + " " + option, 64,
                   option.substr(0, option.find(' ')) + " does not apply to it");
  }
}

TEST_F(EvalSaid, NamesThatAFileOfBothSidesHasNoUseForAreRefused) {
  const std::string both = folder_ / "both.h5";
  Hdf5Writer writer(both);
  for (const std::string side : {"query_", "gallery_"}) {
    writer.write<float>(side + "embeddings", {2, 1}, std::vector<float>{1, 2});
    writer.write<std::int64_t>(side + "labels", {2}, std::vector<std::int64_t>{0, 1});
    writer.write<std::int64_t>(side + "groups", {2}, std::vector<std::int64_t>{0, 1});
  }
  writer.finish();
  run("eval retrieval " + both + " --similarity euclidean");
  expect_refused("eval retrieval " + both + " --labels /person", 64, "leave out --labels");
  expect_refused("eval retrieval " + both + " --split test", 64, "--split");
  expect_refused("eval retrieval " + both + " --ignore-same /camera", 64, "--ignore-same /groups");
  // What the message advises is taken: all relevant ones are of the query's group.
  expect_refused("eval retrieval " + both + " --ignore-same /groups", 65,
                 "leave that out, or name other groups");
}

}  // namespace
}  // namespace kindred
