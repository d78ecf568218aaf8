#include <fmt/format.h>

#include "eval/scores/check_rows.h"
#include "eval/scores/exact_scores.h"
#include "eval/verification/pair_score.h"
#include "kindred/core/error.h"
#include "kindred/eval/verification.h"

namespace kindred {
namespace {

constexpr Index kPairsPerTask = 256;

/// Scores one pair after the other.
class PairScorer {
 public:
  PairScorer(const RowsView& a, const RowsView& b, Similarity similarity)
      : a_(a), b_(b), similarity_(similarity), first_(a.cols()), second_(a.cols()) {}

  double score(Index i, Index j) {
    a_.widen(i, first_.data());
    double aa = 0;
    double bb = 0;
    if (similarity_ == Similarity::cosine) {
      b_.widen(j, second_.data());
      aa = a_.dot(first_.data(), i);
      bb = b_.dot(second_.data(), j);
    }
    return pair_score(exact_score(first_.data(), aa, b_, j, bb, similarity_), similarity_);
  }

 private:
  RowsView a_;
  RowsView b_;
  Similarity similarity_;
  Buffer<double> first_;
  Buffer<double> second_;
};

}  // namespace

std::vector<double> score_pairs(const Workers& workers, ConstMatrixView a, ConstMatrixView b,
                                Similarity similarity) {
  if (a.rows() != b.rows() || a.cols() != b.cols()) {
    fail(ErrorKind::data,
         fmt::format("the two sides of the pairs are {} x {} and {} x {}; both must have the same "
                     "shape",
                     a.rows(), a.cols(), b.rows(), b.cols()));
  }
  check_rows(workers, a, "first side of the pairs");
  check_rows(workers, b, "second side of the pairs");
  std::vector<double> scores(static_cast<std::size_t>(a.rows()));
  workers.for_blocks(a.rows(), kPairsPerTask, [&](Index begin, Index end, int) {
    PairScorer scorer(a, b, similarity);
    for (Index i = begin; i < end; ++i) {
      scores[static_cast<std::size_t>(i)] = scorer.score(i, i);
    }
  });
  return scores;
}

std::vector<double> score_pairs(const Workers& workers, ConstMatrixView rows,
                                std::span<const Index> first, std::span<const Index> second,
                                Similarity similarity) {
  check_count(static_cast<Index>(second.size()), "second rows", static_cast<Index>(first.size()),
              "first rows");
  for (std::size_t i = 0; i < first.size(); ++i) {
    for (const Index row : {first[i], second[i]}) {
      if (row >= 0 && row < rows.rows()) continue;
      fail(ErrorKind::data,
           fmt::format("pair {} names row {}, but there are {} embeddings", i, row, rows.rows()));
    }
  }
  check_rows(workers, rows, "embeddings");
  std::vector<double> scores(first.size());
  workers.for_blocks(
      static_cast<Index>(first.size()), kPairsPerTask, [&](Index begin, Index end, int) {
        PairScorer scorer(rows, rows, similarity);
        for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
          scores[i] = scorer.score(first[i], second[i]);
        }
      });
  return scores;
}

}  // namespace kindred
