#include <fmt/format.h>

#include <cmath>

#include "eval/scores/check_rows.h"
#include "kindred/core/error.h"
#include "kindred/eval/verification.h"

namespace kindred {
namespace {

constexpr Index kPairsPerTask = 256;

double score(const float* a, const float* b, Index size, Similarity similarity) {
  double ab = 0;
  double aa = 0;
  double bb = 0;
  double distance = 0;
  for (Index k = 0; k < size; ++k) {
    const double x = a[k];
    const double y = b[k];
    ab += x * y;
    aa += x * x;
    bb += y * y;
    distance += (x - y) * (x - y);
  }
  switch (similarity) {
    case Similarity::cosine: return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
    case Similarity::inner_product: return ab;
    case Similarity::euclidean: return -std::sqrt(distance);
  }
  return 0;
}

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
    for (Index i = begin; i < end; ++i) {
      scores[static_cast<std::size_t>(i)] = score(a.row(i), b.row(i), a.cols(), similarity);
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
        for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
          scores[i] = score(rows.row(first[i]), rows.row(second[i]), rows.cols(), similarity);
        }
      });
  return scores;
}

}  // namespace kindred
