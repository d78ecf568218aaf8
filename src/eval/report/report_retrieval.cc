// What a page says about embeddings that were searched: see report_sections.h.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "eval/report/nearest_lists.h"
#include "eval/report/report_pairs.h"
#include "eval/report/report_queries.h"
#include "eval/report/report_samples.h"
#include "eval/scores/grouped.h"
#include "eval/scores/unit_row.h"
#include "kindred/core/random.h"
#include "kindred/eval/projection.h"
#include "kindred/eval/report_sections.h"

namespace kindred {
namespace {

constexpr Index kQueriesAtRanks = 6;
constexpr Index kQueriesOfAGroup = 4;
constexpr Index kHardestPairs = 8;
constexpr Index kHardestLooked = 500;  // to find so many without a sample twice
constexpr Index kMostConfusions = 30;
constexpr Index kMostPairs = 300'000;  // of a kind
constexpr Index kLeastForTsne = 10;

const char* name_of_row(Similarity similarity) {
  return similarity == Similarity::cosine          ? "cosine"
         : similarity == Similarity::inner_product ? "inner product"
                                                   : "Euclidean distance";
}

// The first pairs that share no sample: one bad picture would fill the page.
std::vector<ReportPair> each_sample_once(const std::vector<ReportPair>& pairs) {
  std::vector<ReportPair> kept;
  std::set<Index> seen;
  for (const ReportPair& pair : pairs) {
    if (static_cast<Index>(kept.size()) == kHardestPairs) break;
    if (seen.contains(pair.first) || seen.contains(pair.second)) continue;
    seen.insert({pair.first, pair.second});
    kept.push_back(pair);
  }
  return kept;
}

std::vector<Index> each_sample_once(const LabelPairs& pairs, const std::vector<Index>& places) {
  std::vector<Index> kept;
  std::set<Index> seen;
  for (const Index place : places) {
    if (static_cast<Index>(kept.size()) == kHardestPairs) break;
    const auto p = static_cast<std::size_t>(place);
    if (seen.contains(pairs.first[p]) || seen.contains(pairs.second[p])) continue;
    seen.insert({pairs.first[p], pairs.second[p]});
    kept.push_back(place);
  }
  return kept;
}

/// Fills a report section by section; each names the samples it needs.
class Description {
 public:
  Description(const Workers& workers, const DescribedRows& queries, const DescribedRows& gallery,
              const RetrievalOptions& options, const RetrievalResult& result, Report& report,
              Index most_samples);

  void retrieval();
  void confusions();
  void classes();
  void hardest_neighbors();
  void choose_set();
  void class_samples();
  void finish_samples(const std::vector<std::string>& class_names);
  void map();
  void pairs();

 private:
  Index rows() const {
    return queries_.embeddings.rows() + (options_.leave_one_out ? 0 : gallery_.embeddings.rows());
  }
  const DescribedRows& side(Index row) const {
    return row < queries_.embeddings.rows() ? queries_ : gallery_;
  }
  Index place(Index row) const {
    return row < queries_.embeddings.rows() ? row : row - queries_.embeddings.rows();
  }
  std::int64_t label(Index row) const {
    return side(row).labels[static_cast<std::size_t>(place(row))];
  }
  Index gallery_row(Index row) const {
    return options_.leave_one_out ? row : row + queries_.embeddings.rows();
  }
  ClassNumbers number_classes() const;
  double chance() const;
  void copy_row(Index row, float* dst) const {
    std::copy_n(side(row).embeddings.row(place(row)), queries_.embeddings.cols(), dst);
  }

  const Workers& workers_;
  const DescribedRows& queries_;
  const DescribedRows& gallery_;
  const RetrievalOptions& options_;
  const RetrievalResult& result_;
  Report& report_;
  const Index most_samples_;
  NearestLists lists_;
  SampleNumbers samples_;
  ClassNumbers class_numbers_;
  std::vector<ReportPair> false_accepts_;
  std::vector<Index> set_;  // rows that are shown, before they have numbers
  Matrix shown_;            // the embeddings of all samples
};

ClassNumbers Description::number_classes() const {
  std::vector<std::int64_t> labels(queries_.labels.begin(), queries_.labels.end());
  labels.insert(labels.end(), gallery_.labels.begin(), gallery_.labels.end());
  return ClassNumbers(std::move(labels));
}

Description::Description(const Workers& workers, const DescribedRows& queries,
                         const DescribedRows& gallery, const RetrievalOptions& options,
                         const RetrievalResult& result, Report& report, Index most_samples)
    : workers_(workers),
      queries_(queries),
      gallery_(gallery),
      options_(options),
      result_(result),
      report_(report),
      most_samples_(most_samples),
      lists_(nearest_lists(workers, queries, gallery, options, result, most_samples)),
      class_numbers_(number_classes()) {}

void Description::retrieval() {
  ReportRetrieval& section = report_.retrieval.emplace();
  section.metric = query_order_metric(result_);
  section.score = name_of_row(options_.similarity);
  for (const ChosenQuery& chosen :
       choose_queries(lists_, queries_.labels, result_, kQueriesAtRanks, kQueriesOfAGroup)) {
    ReportQuery query;
    query.group = chosen.group;
    query.sample = samples_.of(lists_.queries[chosen.list]);
    query.value = chosen.value;
    for (const auto& neighbor : lists_.neighbors[chosen.list]) {
      query.neighbors.push_back(
          {samples_.of(gallery_row(neighbor.row)), neighbor.score, neighbor.right});
    }
    section.queries.push_back(std::move(query));
  }
  fill_recall_curve(result_, section);
  section.chance = chance();
  section.asked = result_.queries_used;
  section.tied = result_.queries_with_ties;
}

// Of queries with an answer: the mean share of the gallery that is of their class.
double Description::chance() const {
  std::map<std::int64_t, Index> sizes;
  for (const std::int64_t label : gallery_.labels) ++sizes[label];
  const Index own = options_.leave_one_out ? 1 : 0;
  const Index others = gallery_.embeddings.rows() - own;
  double sum = 0;
  Index answered = 0;
  for (const std::int64_t label : queries_.labels) {
    const auto found = sizes.find(label);
    const Index right = found == sizes.end() ? 0 : found->second - own;
    if (right < 1) continue;
    ++answered;
    sum += static_cast<double>(right) / static_cast<double>(others);
  }
  return answered > 0 && options_.query_groups.empty() ? sum / static_cast<double>(answered)
                                                       : std::nan("");
}

void Description::confusions() {
  struct Count {
    Index count = 0;
    Index query = -1, row = -1;
  };
  std::map<std::pair<Index, Index>, Count> counts;
  std::map<Index, Index> asked;  // queries by class
  for (std::size_t i = 0; i < lists_.queries.size(); ++i) {
    const Index actual = class_numbers_.of(label(lists_.queries[i]));
    ++asked[actual];
    if (lists_.neighbors[i].empty() || lists_.neighbors[i].front().right) continue;
    const Index row = gallery_row(lists_.neighbors[i].front().row);
    Count& count = counts[{actual, class_numbers_.of(label(row))}];
    if (count.count++ == 0) {
      count.query = lists_.queries[i];
      count.row = row;
    }
  }
  ReportClasses& section = report_.classes.emplace();
  section.confusion_note = fmt::format(
      "nearest neighbours of {}{} queries",
      static_cast<Index>(lists_.queries.size()) < result_.queries_used ? "a sample of " : "all ",
      grouped(static_cast<Index>(lists_.queries.size())));
  for (const auto& [pair, count] : counts) {
    section.confusions.push_back(
        {pair.first, pair.second, count.count, asked[pair.first], count.query, count.row});
  }
  const auto share = [](const ReportConfusion& c) {
    return static_cast<double>(c.count) / static_cast<double>(c.queries);
  };
  std::stable_sort(section.confusions.begin(), section.confusions.end(),
                   [&](const ReportConfusion& a, const ReportConfusion& b) {
                     return a.count != b.count ? a.count > b.count : share(a) > share(b);
                   });
  if (static_cast<Index>(section.confusions.size()) > kMostConfusions) {
    section.confusions.resize(kMostConfusions);
  }
  for (ReportConfusion& confusion : section.confusions) {
    confusion.sample = samples_.of(confusion.sample);
    confusion.neighbor = samples_.of(confusion.neighbor);
  }
}

void Description::classes() {
  ReportClasses& section = *report_.classes;
  std::vector<std::size_t> columns;
  for (std::size_t i = 0; i < result_.metrics.size(); ++i) {
    const std::string& name = result_.metrics[i].name;
    if (name == "recall@1" || name == "r_precision" || name == "map@r" || name == "mrr") {
      columns.push_back(i);
      section.columns.push_back(name);
    }
  }
  for (const ClassResult& one : result_.classes) {
    section.classes.push_back(class_numbers_.of(one.label));
    section.queries.push_back(one.queries);
    auto& values = section.values.emplace_back();
    for (const std::size_t column : columns) values.push_back(one.values[column]);
  }
}

void Description::hardest_neighbors() {
  std::vector<ReportPair> rows;
  for (const WrongNeighbor& wrong :
       nearest_mistakes(lists_, options_.similarity, options_.leave_one_out, kHardestLooked)) {
    rows.push_back({wrong.query, gallery_row(wrong.row), wrong.score});
  }
  for (const ReportPair& pair : each_sample_once(rows)) {
    false_accepts_.push_back({samples_.of(pair.first), samples_.of(pair.second), pair.score});
  }
}

// What has a number, and others as long as there is room.
void Description::choose_set() {
  set_ = samples_.rows();
  std::vector<bool> in(static_cast<std::size_t>(rows()), false);
  for (const Index row : set_) in[static_cast<std::size_t>(row)] = true;
  std::vector<Index> others(static_cast<std::size_t>(rows()));
  for (Index i = 0; i < rows(); ++i) others[static_cast<std::size_t>(i)] = i;
  Random random(1, Purpose::projection, 3);
  shuffle(others.data(), rows(), random);
  for (const Index row : others) {
    if (static_cast<Index>(set_.size()) >= most_samples_) break;
    if (!in[static_cast<std::size_t>(row)]) set_.push_back(row);
  }
}

// One of each class, the worst found first: pictures are kept for the first samples.
void Description::class_samples() {
  report_.samples.close = static_cast<Index>(samples_.rows().size());
  std::map<Index, Index> row_of;
  for (const Index row : set_) row_of.try_emplace(class_numbers_.of(label(row)), row);
  const ReportClasses& section = *report_.classes;
  std::vector<std::size_t> order(section.classes.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  if (!section.columns.empty()) {
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return section.values[a].front() < section.values[b].front();
    });
  }
  for (const std::size_t i : order) {
    const auto found = row_of.find(section.classes[i]);
    if (found != row_of.end()) samples_.of(found->second);
  }
  for (const Index row : set_) samples_.of(row);
}

void Description::finish_samples(const std::vector<std::string>& class_names) {
  report_.class_names = class_numbers_.names(class_names);
  report_.samples.rows = samples_.rows();
  const auto count = static_cast<Index>(samples_.rows().size());
  shown_ = Matrix(count, queries_.embeddings.cols());
  for (Index i = 0; i < count; ++i) {
    const Index row = samples_.rows()[static_cast<std::size_t>(i)];
    copy_row(row, shown_.row(i));
    report_.samples.classes.push_back(class_numbers_.of(label(row)));
    if (queries_.names.empty() || gallery_.names.empty()) continue;
    report_.samples.names.push_back(side(row).names[static_cast<std::size_t>(place(row))]);
  }
}

void Description::map() {
  ReportMap& section = report_.map.emplace();
  section.total = rows();
  const bool euclidean = options_.similarity == Similarity::euclidean;
  const Matrix units = euclidean ? Matrix() : unit_rows(workers_, shown_);
  const ConstMatrixView rows = euclidean ? shown_.view() : units.view();
  PcaProjection pca = project_pca(workers_, rows);
  section.pca = std::move(pca.points);
  section.variance_share = pca.variance_share[0] + pca.variance_share[1];
  TsneOptions tsne;
  tsne.similarity = Similarity::euclidean;  // of unit rows: cosine
  if (rows.rows() >= kLeastForTsne) section.tsne = project_tsne(workers_, rows, tsne);
}

// Before all samples have numbers: those of the pairs shown come early.
void Description::pairs() {
  std::vector<std::int64_t> labels;
  Matrix rows(static_cast<Index>(set_.size()), queries_.embeddings.cols());
  for (std::size_t i = 0; i < set_.size(); ++i) {
    labels.push_back(label(set_[i]));
    copy_row(set_[i], rows.row(static_cast<Index>(i)));
  }
  const LabelPairs drawn = draw_pairs(labels, kMostPairs, Random(1, Purpose::projection, 4));
  const std::vector<double> scores =
      score_pairs(workers_, rows, drawn.first, drawn.second, options_.similarity);
  if (scores.empty()) return;
  ReportPairs& section = report_.pairs.emplace(summarise_pairs(scores, drawn.same));
  const auto of = [](Index some, Index all) {
    return some == all ? "all " + grouped(all) : grouped(some) + " of " + grouped(all);
  };
  section.note = fmt::format(
      "{} same pairs and {} different pairs among the {} samples shown{}",
      of(section.same_total, drawn.same_total), of(section.different_total, drawn.different_total),
      grouped(rows.rows()),
      section.same_total < drawn.same_total || section.different_total < drawn.different_total
          ? ", drawn at random"
          : "");
  section.score = options_.similarity == Similarity::euclidean ? "minus Euclidean distance"
                                                               : name_of_row(options_.similarity);
  section.false_accepts = std::move(false_accepts_);
  const bool both = section.same_total > 0 && section.different_total > 0;
  if (!both) return;
  const auto numbered = [&](Index pair) {
    const auto p = static_cast<std::size_t>(pair);
    return ReportPair{samples_.of(set_[static_cast<std::size_t>(drawn.first[p])]),
                      samples_.of(set_[static_cast<std::size_t>(drawn.second[p])]), scores[p]};
  };
  std::vector<Index> rejects =
      each_sample_once(drawn, hardest_pairs(scores, drawn.same, kHardestLooked).false_rejects);
  for (const Index pair : rejects) section.false_rejects.push_back(numbered(pair));
  for (const bool same : {true, false}) {
    auto& examples = same ? section.same_examples : section.different_examples;
    for (const Index pair : example_pairs(scores, drawn.same, drawn.first, drawn.second, same,
                                          section.low, section.high)) {
      examples.push_back(numbered(pair));
    }
  }
}

}  // namespace

std::vector<ReportNumber> report_numbers(const RetrievalResult& result) {
  std::vector<ReportNumber> numbers;
  for (const MetricValue& metric : result.metrics) numbers.push_back({metric.name, metric.value});
  for (std::size_t i = 0; i < result.intervals.size(); ++i) {
    numbers[i].low = result.intervals[i].low;
    numbers[i].high = result.intervals[i].high;
  }
  return numbers;
}

void describe_retrieval(const Workers& workers, const DescribedRows& queries,
                        const DescribedRows& gallery, const RetrievalOptions& options,
                        const RetrievalResult& result, const std::vector<std::string>& class_names,
                        Report& report, Index most_samples) {
  Description description(workers, queries, gallery, options, result, report, most_samples);
  description.retrieval();
  description.confusions();
  description.classes();
  description.hardest_neighbors();
  description.choose_set();
  description.pairs();
  description.class_samples();
  description.finish_samples(class_names);
  description.map();
}

void describe_queries(const Workers& workers, const DescribedRows& queries,
                      const DescribedRows& gallery, const RetrievalOptions& options,
                      const RetrievalResult& result, const std::vector<std::string>& class_names,
                      Report& report) {
  Description description(workers, queries, gallery, options, result, report,
                          queries.embeddings.rows());
  description.retrieval();
  description.finish_samples(class_names);
  report.samples.close = static_cast<Index>(report.samples.rows.size());
}

}  // namespace kindred
