#include "kindred/eval/report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "kindred/core/file.h"
#include "kindred/eval/report_sections.h"
#include "naive_ranking.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

using Json = nlohmann::json;
using Labels = std::vector<std::int64_t>;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// What stands in the page's data element.
Json data_of(const std::string& page) {
  const std::string start = R"(<script type="application/json" id="data">)";
  const std::size_t begin = page.find(start) + start.size();
  return Json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

/// Leave-one-out among `rows`, described.
Report describe(const Matrix& rows, const Labels& labels, int threads = 2,
                const std::vector<std::string>& class_names = {},
                const std::vector<std::string>& names = {},
                Similarity similarity = Similarity::cosine, Index most_samples = 20'000) {
  const Workers workers(threads);
  RetrievalOptions options;
  options.leave_one_out = true;
  options.per_query = true;
  options.bootstrap = 50;
  options.similarity = similarity;
  const RetrievalResult result = evaluate_retrieval(workers, rows, labels, rows, labels, options);
  Report report;
  report.title = "test";
  report.runs.push_back({});
  report.runs.front().numbers = report_numbers(result);
  const DescribedRows described{rows, labels, names};
  describe_retrieval(workers, described, described, options, result, class_names, report,
                     most_samples);
  return report;
}

TEST(Report, IsWholeWithoutAnySection) {
  Report report;
  report.title = "nothing";
  const std::string page = render_report(report);
  EXPECT_TRUE(contains(page, "<title>nothing"));
  EXPECT_FALSE(contains(page, "{{"));
  EXPECT_FALSE(data_of(page).contains("map"));
  EXPECT_TRUE(data_of(page)["runs"].empty());
}

// A page asks for nothing: no address in it but the name of SVG's elements.
TEST(Report, NamesNoAddress) {
  std::string page = render_report({});
  const std::string svg = "http://www.w3.org/2000/svg";
  page.erase(page.find(svg), svg.size());
  EXPECT_FALSE(contains(page, "http:"));
  EXPECT_FALSE(contains(page, "https:"));
  EXPECT_FALSE(contains(page, "src="));
}

TEST(Report, LetsNoTextBecomeMarkup) {
  const std::string hostile =
      "</script><script>alert(1)</script><!-- & \"'\\ \xe5\xad\x97 {{data}}";
  Report report;
  report.title = hostile;
  report.notes = {hostile};
  report.class_names = {hostile, "ends in half a character \xe5\xad"};
  report.samples.classes = {0};
  report.samples.names = {hostile};
  const std::string page = render_report(report);
  // The data element and the script element are all that ends.
  std::size_t ends = 0;
  for (std::size_t at = page.find("</script>"); at != std::string::npos;
       at = page.find("</script>", at + 1)) {
    ++ends;
  }
  EXPECT_EQ(ends, 2U);
  EXPECT_FALSE(contains(page, "<script>alert"));
  EXPECT_FALSE(contains(page, "<!--"));
  const Json data = data_of(page);
  EXPECT_EQ(data["title"], hostile);
  EXPECT_EQ(data["class_names"][0], hostile);
  EXPECT_EQ(data["class_names"][1], "ends in half a character \xef\xbf\xbd");
  EXPECT_EQ(data["samples"]["names"][0], hostile);
}

TEST(Report, PutsPicturesInAsBase64) {
  Report report;
  for (const auto& [bytes, text] : {std::pair<std::string, std::string>{"", ""},
                                    {"f", "Zg=="},
                                    {"fo", "Zm8="},
                                    {"foo", "Zm9v"},
                                    {"\xff\xfe\xfd\xfc", "//79/A=="}}) {
    report.samples.pictures.sheets = {bytes};
    EXPECT_EQ(data_of(render_report(report))["samples"]["pictures"]["sheets"][0], text);
  }
}

TEST(Report, ShowsLongSeriesAsSpans) {
  ReportSeries series{"loss", ReportChart::loss, {}, {}};
  for (int i = 1; i <= 6000; ++i) {
    series.steps.push_back(i);
    series.values.push_back(i % 10);  // ten values a span
  }
  Report report;
  report.runs.push_back({});
  report.runs.front().series = {series};
  const Json json = data_of(render_report(report))["runs"][0]["series"][0];
  EXPECT_EQ(json["steps"].size(), 600U);
  EXPECT_EQ(json["steps"].front(), 1);
  EXPECT_EQ(json["steps"].back(), 6000);
  EXPECT_EQ(json["values"][17], 4.5);
  EXPECT_EQ(json["lows"][17], 0);
  EXPECT_EQ(json["highs"][17], 9);
  report.runs.front().series.front().steps.resize(600);
  report.runs.front().series.front().values.resize(600);
  const Json short_one = data_of(render_report(report))["runs"][0]["series"][0];
  EXPECT_EQ(short_one["values"][8], 9);
  EXPECT_FALSE(short_one.contains("lows"));
}

TEST(Report, IsWrittenWholeOrNotAtAll) {
  const test::TempFolder folder;
  const std::string path = folder / "page.html";
  write_report(path, {});
  const auto bytes = read_file(path);
  EXPECT_EQ(static_cast<Index>(bytes.size()), static_cast<Index>(render_report({}).size()));
  test::expect_error(ErrorKind::cannot_create, "cannot create",
                     [&] { write_report(folder / "missing/page.html", {}); });
}

TEST(DescribedRetrieval, HasTheSameBytesForAnyNumberOfThreads) {
  const Matrix rows = testing_rows::uniform(300, 12, 1);
  const Labels labels = testing_rows::labels(300, 25, 2);
  const std::string page = render_report(describe(rows, labels, 1));
  EXPECT_EQ(page, render_report(describe(rows, labels, 2)));
  EXPECT_EQ(page, render_report(describe(rows, labels, 3)));
}

// Four classes on the axes; the last row of class 3 lies on class 0's axis.
TEST(DescribedRetrieval, ShowsWhatWasTakenForWhat) {
  Matrix rows(12, 4);
  Labels labels;
  for (Index i = 0; i < 12; ++i) {
    labels.push_back(10 * (i / 3));
    rows(i, i / 3) = 1;
    rows(i, (i / 3 + 1) % 4) = 0.01F * static_cast<float>(i % 3);
  }
  rows(11, 3) = 0.5F;
  rows(11, 0) = 1;
  const Report report = describe(rows, labels);
  const ReportClasses& classes = *report.classes;
  ASSERT_EQ(classes.confusions.size(), 1U);
  EXPECT_EQ(classes.confusions[0].actual, 3);
  EXPECT_EQ(classes.confusions[0].taken_for, 0);
  EXPECT_EQ(classes.confusions[0].count, 1);
  EXPECT_EQ(classes.confusions[0].queries, 3);
  EXPECT_EQ(report.samples.rows[static_cast<std::size_t>(classes.confusions[0].sample)], 11);
  EXPECT_EQ(report.class_names,
            (std::vector<std::string>{"class 0", "class 10", "class 20", "class 30"}));
  // Three classes are found whole; of class 3, rows 9 and 10 find each other first.
  const ReportRetrieval& retrieval = *report.retrieval;
  const auto worst = std::find_if(retrieval.queries.begin(), retrieval.queries.end(),
                                  [](const ReportQuery& query) { return query.group == "worst"; });
  ASSERT_NE(worst, retrieval.queries.end());
  EXPECT_EQ(report.samples.rows[static_cast<std::size_t>(worst->sample)], 11);
  EXPECT_FALSE(worst->neighbors.front().right);
  EXPECT_EQ(retrieval.recall_at.front(), 1);
  EXPECT_NEAR(retrieval.recall.front(), 11.0 / 12, 1e-12);
  EXPECT_EQ(retrieval.recall.back(), 1);
  // 3 pairs in each of 4 classes; all 66 less these between them.
  EXPECT_EQ(report.pairs->same_total, 12);
  EXPECT_EQ(report.pairs->different_total, 54);
  const ReportPair& reject = report.pairs->false_rejects[0];
  EXPECT_TRUE(report.samples.rows[static_cast<std::size_t>(reject.first)] == 11 ||
              report.samples.rows[static_cast<std::size_t>(reject.second)] == 11);
  EXPECT_EQ(report.pairs->false_rejects.size(), 4U);  // one of each class: no sample twice
  EXPECT_EQ(report.map->total, 12);
  EXPECT_EQ(report.map->pca.rows(), 12);
  EXPECT_EQ(report.map->tsne.rows(), 12);
}

TEST(DescribedRetrieval, NamesEachSampleOnce) {
  const Matrix rows = testing_rows::uniform(200, 6, 1);
  const Report report = describe(rows, testing_rows::labels(200, 10, 2));
  const std::set<Index> different(report.samples.rows.begin(), report.samples.rows.end());
  EXPECT_EQ(different.size(), 200U);
  EXPECT_EQ(report.samples.rows.size(), 200U);
}

TEST(DescribedRetrieval, BearsOneClass) {
  const Report report =
      describe(testing_rows::uniform(30, 5, 1), Labels(30, 7), 2, {}, {}, Similarity::euclidean);
  EXPECT_EQ(report.pairs->different_total, 0);
  EXPECT_TRUE(report.pairs->numbers.empty());
  EXPECT_TRUE(report.classes->confusions.empty());
  EXPECT_EQ(report.class_names, std::vector<std::string>{"class 7"});
  EXPECT_FALSE(render_report(report).empty());
}

TEST(DescribedRetrieval, BearsClassesWithOneSampleAndFewRows) {
  const Report report = describe(testing_rows::uniform(5, 3, 1), Labels{1, 1, 2, 3, 4});
  EXPECT_EQ(report.classes->classes.size(), 1U);
  EXPECT_EQ(report.map->tsne.rows(), 0);
  EXPECT_FALSE(render_report(report).empty());
}

TEST(DescribedRetrieval, BearsTenThousandClasses) {
  const Index classes = 10'000;
  Labels labels;
  std::vector<std::string> names;
  for (Index i = 0; i < 2 * classes; ++i) labels.push_back(i % classes);
  for (Index i = 0; i < classes; ++i) names.push_back("class number " + std::to_string(i));
  const Report report = describe(testing_rows::uniform(2 * classes, 4, 1), labels, 2, names, {},
                                 Similarity::cosine, 600);
  EXPECT_EQ(report.class_names.size(), 10'000U);
  EXPECT_EQ(report.classes->classes.size(), 10'000U);
  // More samples than the page shows: it says of how many.
  EXPECT_EQ(report.samples.rows.size(), 600U);
  EXPECT_EQ(report.map->total, 20'000);
  EXPECT_LT(render_report(report).size(), 5'000'000U);
}

TEST(DescribedRetrieval, TellsQueriesFromGallery) {
  const Matrix queries = testing_rows::uniform(20, 4, 1);
  const Matrix gallery = testing_rows::uniform(30, 4, 2);
  const Labels query_labels = testing_rows::labels(20, 4, 3);
  const Labels gallery_labels = testing_rows::labels(30, 4, 4);
  RetrievalOptions options;
  options.per_query = true;
  const Workers workers(2);
  const RetrievalResult result =
      evaluate_retrieval(workers, queries, query_labels, gallery, gallery_labels, options);
  Report report;
  describe_retrieval(workers, {queries, query_labels, {}}, {gallery, gallery_labels, {}}, options,
                     result, {}, report);
  EXPECT_EQ(report.samples.rows.size(), 50U);
  for (const ReportQuery& query : report.retrieval->queries) {
    const Index row = report.samples.rows[static_cast<std::size_t>(query.sample)];
    ASSERT_LT(row, 20);
    ASSERT_EQ(query.neighbors.size(), 10U);
    const auto nearest = naive::ranking(queries.row(row), gallery, Similarity::cosine, -1);
    for (std::size_t n = 0; n < 10; ++n) {
      const Index other =
          report.samples.rows[static_cast<std::size_t>(query.neighbors[n].sample)] - 20;
      EXPECT_EQ(other, nearest[n]);
      EXPECT_EQ(query.neighbors[n].right, query_labels[static_cast<std::size_t>(row)] ==
                                              gallery_labels[static_cast<std::size_t>(other)]);
    }
  }
}

// Of 6 rows of 2 classes, the nearest is of the own class in 2 of 5 others.
TEST(DescribedRetrieval, KnowsChance) {
  const Report report = describe(testing_rows::uniform(6, 3, 1), Labels{1, 1, 1, 2, 2, 2});
  EXPECT_NEAR(report.retrieval->chance, 0.4, 1e-12);
  // A class of one has no answer: chance is among the others' queries.
  const Report lone = describe(testing_rows::uniform(5, 3, 1), Labels{1, 1, 2, 2, 3});
  EXPECT_NEAR(lone.retrieval->chance, 0.25, 1e-12);
}

TEST(DescribedRetrieval, ShowsQueriesAtEvenRanks) {
  const Report report =
      describe(testing_rows::uniform(240, 6, 1), testing_rows::labels(240, 12, 2));
  std::vector<double> values;
  std::set<Index> classes;
  for (const ReportQuery& query : report.retrieval->queries) {
    if (query.group != "ranks") continue;
    values.push_back(query.value);
    classes.insert(report.samples.classes[static_cast<std::size_t>(query.sample)]);
  }
  EXPECT_EQ(values.size(), 6U);
  EXPECT_EQ(classes.size(), 6U);
  EXPECT_TRUE(std::is_sorted(values.begin(), values.end()));
}

// Pictures are kept of the first samples: nothing that is shown one by one comes after others.
TEST(DescribedRetrieval, NumbersFirstWhatIsShownOneByOne) {
  const Report report =
      describe(testing_rows::uniform(400, 6, 1), testing_rows::labels(400, 20, 2));
  std::set<Index> shown;
  for (const ReportQuery& query : report.retrieval->queries) {
    shown.insert(query.sample);
    for (const ReportNeighbor& neighbor : query.neighbors) shown.insert(neighbor.sample);
  }
  for (const auto* pairs : {&report.pairs->false_accepts, &report.pairs->false_rejects,
                            &report.pairs->same_examples, &report.pairs->different_examples}) {
    EXPECT_FALSE(pairs->empty());
    for (const ReportPair& pair : *pairs) shown.insert({pair.first, pair.second});
  }
  for (const ReportConfusion& one : report.classes->confusions) {
    shown.insert({one.sample, one.neighbor});
  }
  EXPECT_EQ(*shown.rbegin(), report.samples.close - 1);
  EXPECT_EQ(static_cast<Index>(shown.size()), report.samples.close);
  // Then one of each class that is not among them.
  std::set<Index> classes;
  for (Index i = 0; i < report.samples.close + 20; ++i) {
    classes.insert(report.samples.classes[static_cast<std::size_t>(i)]);
  }
  EXPECT_EQ(classes.size(), 20U);
}

}  // namespace
}  // namespace kindred
