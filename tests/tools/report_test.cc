// `kindred report`, and the page that `kindred train` leaves.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "kindred/data/embedding_file.h"
#include "support/data_files.h"
#include "support/small_data.h"
#include "tools/program.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using test::contains;
using test::kindred;
using test::Outcome;
using test::TempFolder;

Json data_of(const std::string& path) {
  const std::string page = test::text_of(path);
  const std::string start = R"(<script type="application/json" id="data">)";
  const std::size_t begin = page.find(start) + start.size();
  return Json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

/// A folder with a small data set, a recipe for it, and a run of it.
class ReportCommand : public testing::Test {
 protected:
  ReportCommand() {
    test::SmallData data;
    data.test_classes = 4;
    test::write_small_data(folder_ / "data.h5", data);
    std::ofstream(folder_ / "recipe.toml")
        << "[data]\nfile = 'data.h5'\n[sampler]\nclasses = 6\nsamples_per_class = 4\n"
           "[model]\narchitecture = 'mlp'\nhidden = [16]\nembedding = 8\nslice = 4\n"
           "[[loss]]\nname = 'softmax'\n[[loss]]\nname = 'triplet'\n"
           "[train]\nepochs = 1000\nplanned_steps = 20\n";
    run_ = train("run");
  }
  std::string train(const std::string& name, const std::string& more = "") const {
    const Outcome outcome = kindred("train " + (folder_ / "recipe.toml") + " --quiet --out " +
                                    (folder_ / name) + " " + more);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return folder_ / name;
  }
  std::string append_to_log(const std::string& text) const {
    std::ofstream(run_ + "/metrics.jsonl", std::ios::app) << text;
    return run_;
  }

  TempFolder folder_;
  std::string run_;
};

TEST_F(ReportCommand, IsWhatTrainingLeaves) {
  const Json data = data_of(run_ + "/report.html");
  EXPECT_EQ(data["title"], "run");
  EXPECT_EQ(data["samples"]["classes"].size(), 24U);  // the 4 test classes x 6
  EXPECT_EQ(data["samples"]["pictures"]["count"], 24);
  EXPECT_EQ(data["runs"][0]["numbers_of"], "24 test samples of 4 classes");
  EXPECT_TRUE(data["notes"].empty());
  const Json& run = data["runs"][0];
  EXPECT_EQ(run["data"][0][0], "training");
  EXPECT_EQ(run["data"].back(), (Json{"test", 24, 4}));
  EXPECT_TRUE(contains(run["recipe"], "file = \"data.h5\"")) << run["recipe"];  // not its folder
  EXPECT_EQ(run["baselines"][0][0], "raw pixels");
  EXPECT_FALSE(data["retrieval"]["chance"].is_null());
  const std::string before = test::text_of(run_ + "/report.html");
  fs::remove(run_ + "/report.html");
  for (const char* threads : {"1", "2", "3"}) {
    const Outcome outcome = kindred("report " + run_ + " --quiet --threads " + threads);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    EXPECT_EQ(test::text_of(run_ + "/report.html"), before) << threads;
  }
}

TEST_F(ReportCommand, SetsTwoRunsSideBySide) {
  const std::string other = train("other", "--set seed=2");
  const std::string out = folder_ / "both.html";
  const Outcome outcome = kindred("report " + run_ + " --compare " + other + " --out " + out);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "both.html")) << outcome.err;
  const Json data = data_of(out);
  ASSERT_EQ(data["runs"].size(), 2U);
  EXPECT_EQ(data["runs"][1]["name"], "other");
  EXPECT_EQ(data["runs"][0]["series"].size(), data["runs"][1]["series"].size());
  EXPECT_EQ(data["runs"][0]["numbers"].size(), data["runs"][1]["numbers"].size());
  EXPECT_TRUE(data["notes"].empty()) << data["notes"].dump();
  std::vector<std::string> differ;
  for (std::size_t i = 0; i < data["runs"][0]["settings"].size(); ++i) {
    const Json& setting = data["runs"][0]["settings"][i];
    if (setting != data["runs"][1]["settings"][i]) differ.push_back(setting[0]);
  }
  EXPECT_EQ(differ, std::vector<std::string>{"seed"});
}

TEST_F(ReportCommand, ShowsCurvesAndSaysWhyThereIsNoMore) {
  fs::rename(folder_ / "data.h5", folder_ / "elsewhere.h5");
  const Outcome no_data = kindred("report " + run_);
  EXPECT_EQ(no_data.code, 0) << no_data.err;
  EXPECT_TRUE(contains(no_data.err, "data.h5 is not where it was")) << no_data.err;
  Json data = data_of(run_ + "/report.html");
  EXPECT_EQ(data["notes"].size(), 1U);
  EXPECT_FALSE(data.contains("map"));
  EXPECT_EQ(data["runs"][0]["numbers_of"], "24 test samples, as logged");
  fs::rename(folder_ / "elsewhere.h5", folder_ / "data.h5");
  fs::remove(run_ + "/model.kindred");
  const Outcome no_model = kindred("report " + run_);
  EXPECT_EQ(no_model.code, 0) << no_model.err;
  EXPECT_TRUE(contains(no_model.err, "no model was kept yet")) << no_model.err;
}

// The last line of a run that was killed may be half written.
TEST_F(ReportCommand, TakesATornLastLine) {
  const std::string before = test::text_of(run_ + "/report.html");
  EXPECT_EQ(kindred("report " + append_to_log("{\"step\":21,\"lo")).code, 0);
  EXPECT_EQ(test::text_of(run_ + "/report.html"), before);
}

TEST_F(ReportCommand, EndsWithTheDocumentedCodes) {
  const auto expect = [](const std::string& arguments, int code, const std::string& part) {
    const Outcome outcome = kindred(arguments);
    EXPECT_EQ(outcome.code, code) << arguments << "\n" << outcome.err;
    EXPECT_TRUE(contains(outcome.err, part)) << arguments << "\n" << outcome.err;
  };
  expect("report", 64, "run is required");
  expect("report " + (folder_ / "missing"), 66, "is not a run folder");
  EXPECT_EQ(kindred("report ''").code, 64);
  fs::create_directory(folder_ / "empty");
  expect("report " + (folder_ / "empty"), 66, "holds no metrics.jsonl");
  std::ofstream((folder_ / "empty") + "/metrics.jsonl") << "";
  expect("report " + (folder_ / "empty"), 65, "holds no whole line: nothing was trained yet");
  expect("report " + run_ + " --compare " + (folder_ / "missing"), 66, "is not a run folder");
  expect("report " + run_ + " --out " + (folder_ / "missing/page.html"), 73, "cannot create");
  std::ofstream((folder_ / "file")) << "mine";
  expect("report " + run_ + " --tensorboard " + (folder_ / "file"), 73, "cannot create the folder");
  expect("report " + run_ + " --tensorboard " + run_, 64, "name a new folder");
  expect("report " + run_ + " --watch --out " + (folder_ / "page.html"), 64, "excludes");
  expect("report " + run_ + " --port 8080", 64, "--watch");
  expect("report " + run_ + " --watch", 0, "the run has ended; kindred report");
  expect("report " + (folder_ / "missing") + " --watch", 66, "is not a run folder");
  std::ofstream(run_ + "/model.kindred") << "no model";
  expect("report " + run_, 65, "model.kindred");
  expect("report " + append_to_log("not a record\n{\"step\":1}\n"), 65, "metrics.jsonl: line");
}

// The page is a convenience: a run is whole without it.
TEST_F(ReportCommand, NeverCostsTheRun) {
  fs::create_directories((folder_ / "blocked") + "/report.html/in the way");
  const Outcome outcome =
      kindred("train " + (folder_ / "recipe.toml") + " --out " + (folder_ / "blocked"));
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "report.html could not be written")) << outcome.err;
  EXPECT_TRUE(fs::exists((folder_ / "blocked") + "/model.kindred"));
}

TEST_F(ReportCommand, IsMadeOfAnyEmbeddings) {
  test::DataFile data;
  data.images = test::numbered_images(6, 4);
  EmbeddingFile file;
  file.embeddings = Matrix(6, 2);
  for (Index i = 0; i < 6; ++i) {
    file.embeddings(i, i / 3) = 1;
    file.embeddings(i, 1 - i / 3) = 0.1F * static_cast<float>(i);
    file.labels.push_back(i / 3);
    file.paths.push_back("sample " + std::to_string(i));
  }
  write_embedding_file(folder_ / "emb.h5", file);
  Hdf5Writer writer(folder_ / "pictures.h5");
  writer.write<std::uint8_t>("images", {6, 2, 2, 1}, data.images);
  writer.write_strings("paths", file.paths);
  writer.finish();
  const std::string page = folder_ / "page.html";
  const std::string html = (folder_ / "emb.h5") + " --quiet --html " + page;

  const Outcome searched =
      kindred("eval retrieval " + html + " --pictures " + (folder_ / "pictures.h5"));
  EXPECT_EQ(searched.code, 0) << searched.err;
  Json shown = data_of(page);
  EXPECT_EQ(shown["title"], "emb.h5");
  EXPECT_EQ(shown["samples"]["pictures"]["count"], 6);
  EXPECT_TRUE(shown.contains("retrieval"));

  std::ofstream(folder_ / "pairs.csv") << "sample 0,sample 1,1\nsample 0,sample 3,0\n"
                                          "sample 3,sample 4,1\nsample 2,sample 5,0\n";
  const Outcome judged = kindred("eval verify " + html + " --pairs " + (folder_ / "pairs.csv") +
                                 " --pictures " + (folder_ / "pictures.h5"));
  EXPECT_EQ(judged.code, 0) << judged.err;
  shown = data_of(page);
  EXPECT_EQ(shown["pairs"]["same_total"], 2);
  EXPECT_EQ(shown["pairs"]["false_accepts"].size(), 2U);
  EXPECT_EQ(shown["samples"]["pictures"]["count"], shown["samples"]["names"].size());

  const Outcome all =
      kindred("eval verify " + html + " --all-pairs --pictures " + (folder_ / "pictures.h5"));
  EXPECT_EQ(all.code, 0) << all.err;
  shown = data_of(page);
  EXPECT_EQ(shown["pairs"]["different_total"], 9);
  EXPECT_EQ(shown["pairs"]["false_accepts"].size(), 9U);
  EXPECT_EQ(shown["pairs"]["false_rejects"].size(), 6U);
  EXPECT_EQ(shown["pairs"]["rates"].back()[2], 6);
  EXPECT_EQ(shown["samples"]["pictures"]["count"], 6);

  Hdf5Writer others(folder_ / "others.h5");
  others.write<std::uint8_t>("images", {6, 2, 2, 1}, data.images);
  others.write_strings("paths", std::vector<std::string>{"a", "b", "c", "d", "e", "sample 0"});
  others.finish();
  for (const auto& [pictures, part] : {std::pair("data.h5", "holds no /paths"),
                                       std::pair("others.h5", "/paths holds no 'sample")}) {
    const Outcome wrong = kindred("eval retrieval " + html + " --pictures " + (folder_ / pictures));
    EXPECT_EQ(wrong.code, 65);
    EXPECT_TRUE(contains(wrong.err, part)) << wrong.err;
  }
}

// The test split is looked at once, at the end: a page made before shows the validation samples.
TEST_F(ReportCommand, DoesNotLookAtTheTestSplitBeforeTheEnd) {
  const std::string half = train("half", "--set train.steps=5 --set data.validation_classes=2");
  EXPECT_FALSE(fs::exists(half + "/report.html"));
  EXPECT_EQ(kindred("report " + half).code, 0);
  EXPECT_EQ(data_of(half + "/report.html")["runs"][0]["numbers_of"],
            "12 validation samples of 2 classes");
}

}  // namespace
}  // namespace kindred
