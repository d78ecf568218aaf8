#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"
#include "kindred/eval/all_pairs.h"
#include "kindred/eval/report.h"
#include "kindred/eval/retrieval.h"
#include "kindred/eval/verification.h"

namespace KINDRED_API kindred {

/// Embeddings and what is known of each row.
struct DescribedRows {
  ConstMatrixView embeddings;            ///< [N, D]
  std::span<const std::int64_t> labels;  ///< [N]
  std::span<const std::string> names;    ///< [N], or empty: where samples come from
};

/// The metrics with their intervals.
std::vector<ReportNumber> report_numbers(const RetrievalResult& result);

/// Fills samples, map, retrieval, pairs, classes and class_names. `result` is what
/// evaluate_retrieval gave for the same rows and options, with per_query. With leave_one_out,
/// `gallery` is `queries`. Samples number rows of the queries, and of the gallery from Q on.
/// class_names by label, or empty. Of more than `most_samples` a page shows so many, drawn by a
/// fixed seed, and says so; queries beyond as many are not searched for their neighbours. The same
/// for any number of threads.
void describe_retrieval(const Workers& workers, const DescribedRows& queries,
                        const DescribedRows& gallery, const RetrievalOptions& options,
                        const RetrievalResult& result, const std::vector<std::string>& class_names,
                        Report& report, Index most_samples = 20'000);

/// The same without map, pairs and classes, and of the samples that are named only.
void describe_queries(const Workers& workers, const DescribedRows& queries,
                      const DescribedRows& gallery, const RetrievalOptions& options,
                      const RetrievalResult& result, const std::vector<std::string>& class_names,
                      Report& report);

/// Pairs of samples with their scores; the larger the likelier the same class.
struct DescribedPairs {
  std::span<const double> scores;                 ///< [N]
  std::span<const std::uint8_t> same;             ///< [N], 0 or 1
  std::span<const Index> first, second;           ///< [N] rows of `names`
  std::span<const std::string> names;             ///< of each row, or empty
  std::string score;                              ///< "cosine"
  std::span<const std::int64_t> labels = {};      ///< of each row, or empty
  std::span<const std::string> class_names = {};  ///< by label, or empty
};

/// Fills pairs, and the samples that its worst mistakes name.
void describe_verification(const DescribedPairs& pairs, const VerificationResult& result,
                           Report& report);

/// The same of all pairs of rows, none of which was written down; `drawn` are some of them, to
/// show. `result` has a curve and the worst mistakes.
void describe_all_pairs(const DescribedPairs& drawn, const AllPairsResult& result, Report& report);

}  // namespace kindred
