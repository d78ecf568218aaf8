// What samples are worth without a network, beside every evaluation of a run.
#include "train/runs/raw_baseline.h"

#include <gtest/gtest.h>

#include <numeric>

#include "kindred/train/run_report.h"
#include "train/runs/run_folder.h"
#include "train/runs/run_log.h"
#include "train/small_run.h"

namespace kindred {
namespace {

using test::SmallRun;

TEST(RawBaseline, IsRetrievalAmongPixels) {
  const SmallRun runs;
  const Dataset dataset = Dataset::open(runs.path("data.h5"));
  std::vector<Index> samples(static_cast<std::size_t>(dataset.size()));
  std::iota(samples.begin(), samples.end(), Index{0});
  const InputScaling scaling{{100.0F}, {0.02F}};
  const Workers workers(2);
  Matrix pixels(dataset.size(), 64);
  std::vector<std::uint8_t> bytes(64 * samples.size());
  dataset.read(samples, reinterpret_cast<std::byte*>(bytes.data()));
  for (Index i = 0; i < pixels.rows(); ++i) {
    for (Index j = 0; j < 64; ++j) {
      pixels(i, j) =
          (static_cast<float>(bytes[static_cast<std::size_t>(i * 64 + j)]) - 100) * 0.02F;
    }
  }
  const RetrievalResult expected = evaluate_rows(pixels.view(), dataset, samples, workers);
  const RawBaseline found = raw_baseline(dataset, samples, scaling, workers);
  EXPECT_EQ(found.what, "raw pixels");
  EXPECT_EQ(found.result["map@r"], expected["map@r"]);
  EXPECT_EQ(found.result["recall@1"], expected["recall@1"]);
  EXPECT_EQ(raw_baseline(dataset, samples, scaling, Workers(3)).result["map"], expected["map"]);
}

TEST(RawBaseline, AveragesLargeImages) {
  const SmallRun runs({.side = 40, .channels = 3});
  const Dataset dataset = Dataset::open(runs.path("data.h5"));
  std::vector<Index> samples(static_cast<std::size_t>(dataset.size()));
  std::iota(samples.begin(), samples.end(), Index{0});
  const RawBaseline found =
      raw_baseline(dataset, samples, {{100, 100, 100}, {1, 1, 1}}, Workers(1));
  EXPECT_EQ(found.what, "raw pixels, averaged to 14 x 14");  // squares of 3, the last of 1
  EXPECT_GT(found.result["recall@1"], 0.9);  // noise is an eighth of the pattern's range
}

TEST(RawBaseline, StandsInResultLogAndReportOnceASplit) {
  const SmallRun runs({.test_classes = 3});
  const auto recipe = [&] {
    Recipe made = runs.recipe(std::string(test::kMlp) + test::kSoftmax, 6);
    made.set("data.validation_classes=3");
    made.set("train.evaluate_every=1");
    return made;
  };
  for (const bool resume : {false, true}) {
    const RunResult result = runs.run("run", recipe(), 1, resume);
    std::vector<std::string> splits;
    for (const Evaluation& evaluation : result.evaluations) {
      if (evaluation.baseline.empty()) continue;
      splits.push_back(evaluation.split);
      EXPECT_EQ(evaluation.baseline_of, "raw pixels");
      EXPECT_EQ(evaluation.baseline.size(), evaluation.result.metrics.size());
    }
    EXPECT_EQ(splits, (std::vector<std::string>{"validation", "test"}));
    splits.clear();
    for (const Json& line : read_run_log(runs.path("run/metrics.jsonl"))) {
      if (line.contains("baseline_split")) splits.push_back(line["baseline_split"]);
    }
    EXPECT_EQ(splits, (std::vector<std::string>{"validation", "test"}));
  }
  const Report report = describe_run(runs.path("run"), "", Workers(1), [](const std::string&) {});
  const auto& numbers = report.runs.front().numbers;
  for (const char* name : {"recall@1 of raw pixels", "map@r of raw pixels"}) {
    EXPECT_TRUE(
        std::ranges::any_of(numbers, [&](const ReportNumber& n) { return n.name == name; }));
  }
}

}  // namespace
}  // namespace kindred
