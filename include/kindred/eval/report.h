#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/index.h"
#include "kindred/core/matrix.h"

namespace KINDRED_API kindred {

/// A line of what a page is about: "seed", "1".
struct ReportFact {
  std::string name;
  std::string value;
};

/// A final number, with its interval where there is one (else NaN).
struct ReportNumber {
  std::string name;  ///< as in JSON: "recall@1"
  double value = 0;
  double low = std::numeric_limits<double>::quiet_NaN();
  double high = std::numeric_limits<double>::quiet_NaN();
};

enum class ReportChart { loss, evaluation, learning_rate };

/// Values over training steps. Runs of any length: the page shows long ones as mean, least and
/// greatest of equal spans.
struct ReportSeries {
  std::string name;  ///< "triplet", "validation recall@1"
  ReportChart chart = ReportChart::loss;
  std::vector<double> steps;  ///< rising
  std::vector<double> values;
};

/// Samples of a data set that are used for one thing.
struct ReportDataRow {
  std::string name;  ///< "training", "left out: classes of fewer than 2 samples"
  Index samples = 0;
  Index classes = 0;
};

/// One training run, or one file of embeddings.
struct ReportRun {
  std::string name;
  std::string numbers_of;  ///< what `numbers` were measured on: "13,180 test samples"
  std::vector<ReportFact> facts;
  std::vector<ReportNumber> numbers;
  std::vector<ReportNumber> baselines;  ///< recall@1 of what needs no training: "raw pixels"
  std::vector<ReportSeries> series;
  double kept_step = -1;  ///< the step whose model was kept; below 0: unknown
  std::vector<ReportDataRow> data;
  std::vector<std::string> data_notes;  ///< what was guessed or changed in reading it
  std::vector<ReportFact> settings;     ///< the recipe's keys and values, by key
  std::string recipe;                   ///< as text, to copy
  std::string command;                  ///< that trains it, to copy
};

/// Sample i's picture is cell i of the sheets, row by row, `columns` cells a row, `per_sheet` a
/// sheet. Samples from `count` on have none.
struct ReportPictures {
  Index width = 0, height = 0;  ///< of a cell, pixels
  Index columns = 0, per_sheet = 0, count = 0;
  bool ink = false;                 ///< one channel on black: shown inverted on a light page
  std::vector<std::string> sheets;  ///< whole PNG or JPEG files
};

/// The samples that the page shows one by one; the sections below name them by their number here.
struct ReportSamples {
  std::vector<Index> rows;         ///< of the embeddings they were taken from
  std::vector<Index> classes;      ///< numbers in Report::class_names; -1: unknown
  std::vector<std::string> names;  ///< paths; empty, or one each
  Index close = 0;                 ///< the first so many are shown large
  ReportPictures pictures;         ///< small ones
  ReportPictures large;            ///< of the first; empty where the small ones are whole
};

/// Samples 0, 1, ... in the plane.
struct ReportMap {
  Index total = 0;            ///< samples there were to choose from
  Matrix pca;                 ///< [n, 2]
  double variance_share = 0;  ///< of the two components, in [0, 1]
  Matrix tsne;                ///< [n, 2], or empty
};

struct ReportNeighbor {
  Index sample = 0;
  double score = 0;
  bool right = false;  ///< of the query's class
};

/// A query with its nearest neighbours.
struct ReportQuery {
  std::string group;  ///< "ranks" (at even ranks, from hard to easy), "best", "median", "worst"
  Index sample = 0;
  double value = 0;  ///< of ReportRetrieval::metric
  std::vector<ReportNeighbor> neighbors;
};

struct ReportRetrieval {
  std::string metric;  ///< by which queries were ordered
  std::string score;   ///< what a neighbour's score is: "cosine"
  std::vector<ReportQuery> queries;
  Index asked = 0;  ///< queries with an answer
  Index tied = 0;   ///< of these, with samples of other classes as near as the right ones
  std::vector<Index> recall_at;  ///< rising
  std::vector<double> recall;
  double chance = std::numeric_limits<double>::quiet_NaN();  ///< recall@1 of a neighbour drawn
};

/// Two samples that were judged wrongly.
struct ReportPair {
  Index first = 0;
  Index second = 0;
  double score = 0;
};

/// How many pairs score above a threshold.
struct ReportRate {
  double threshold = 0;
  Index different = 0;  ///< falsely accepted
  Index same = 0;       ///< rightly accepted
};

/// Scores of pairs of samples: of one class ("same") and of two.
struct ReportPairs {
  std::string note;   ///< which pairs these are, and how many of all
  std::string score;  ///< "cosine"
  Index same_total = 0, different_total = 0;
  double low = 0, high = 1;                              ///< the histograms' first and last edge
  std::vector<Index> same, different;                    ///< counts in equal bins
  std::vector<ReportNumber> numbers;                     ///< auc, eer, tar@far=...
  std::vector<ReportRate> rates;                         ///< by falling threshold; from none to all
  std::vector<ReportNumber> thresholds;                  ///< worth setting: "equal error rate"
  std::vector<ReportPair> false_accepts, false_rejects;  ///< worst first
  std::vector<ReportPair> same_examples, different_examples;  ///< over all scores, falling
};

/// Queries of one class whose nearest neighbour was of another.
struct ReportConfusion {
  Index actual = 0, taken_for = 0;   ///< classes
  Index count = 0, queries = 0;      ///< of `actual`
  Index sample = -1, neighbor = -1;  ///< an example
};

/// One row a class.
struct ReportClasses {
  std::vector<std::string> columns;         ///< "recall@1"
  std::vector<Index> classes, queries;      ///< one each a row
  std::vector<std::vector<double>> values;  ///< [rows][columns]
  std::vector<ReportConfusion> confusions;  ///< most frequent first
  std::string confusion_note;               ///< among which queries they were counted
};

/// A page about one training run (and one it is compared with) or one file of embeddings. Whatever
/// is empty is left out of the page.
struct Report {
  std::string title;
  bool live = false;               ///< of a run that goes on: the page asks its server for news
  std::vector<std::string> notes;  ///< what is missing and why; shown on top
  std::vector<ReportRun> runs;     ///< one, or two that are compared; all below is of the first
  std::vector<std::string> class_names;
  ReportSamples samples;
  std::optional<ReportMap> map;
  std::optional<ReportRetrieval> retrieval;
  std::optional<ReportPairs> pairs;
  std::optional<ReportClasses> classes;
};

/// One HTML page that needs nothing but itself: no network, no other file. Text from the report
/// cannot become markup or script, whatever it holds. Equal reports give equal bytes.
std::string render_report(const Report& report);

/// Writes the page as an OutputFile; returns its bytes. Fails with cannot_create or io.
Index write_report(const std::string& path, const Report& report);

}  // namespace kindred
