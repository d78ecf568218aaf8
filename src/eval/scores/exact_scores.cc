#include "eval/scores/exact_scores.h"

#include <vector>

namespace kindred {
namespace {

constexpr Index kScoredRows = 256;
constexpr int kGridBits = 43;

/// `score` on a grid whose steps are a share 2^-43 of the power of two above `magnitude`, which
/// |score| does not pass by more than roundings.
double snapped(double score, double magnitude) {
  if (!(magnitude > 0)) return 0;
  // Where numbers as large as this are added, the sum's last bit is the step.
  const double large = std::ldexp(1.5, std::ilogb(magnitude) + 1 + 52 - kGridBits);
  return (score + large) - large;
}

}  // namespace

ExactScores::ExactScores(const Workers& workers, RowsView rows, Similarity similarity)
    : rows_(rows),
      similarity_(similarity),
      squares_(similarity == Similarity::euclidean ? 0 : rows.rows()) {
  if (similarity == Similarity::euclidean) return;
  workers.for_blocks(rows.rows(), kScoredRows, [&](Index begin, Index end, int) {
    std::vector<double> numbers(static_cast<std::size_t>(rows.cols()));
    for (Index i = begin; i < end; ++i) {
      rows.widen(i, numbers.data());
      squares_[i] = rows.dot(numbers.data(), i);
    }
  });
}

void ExactQuery::load(const RowsView& queries, Index query) {
  queries.widen(query, numbers_.data());
  square_ = scores_.similarity() == Similarity::euclidean ? 0 : queries.dot(numbers_.data(), query);
}

double ExactQuery::tie_level(Index row) const {
  const double exact = score(row);
  switch (scores_.similarity()) {
    case Similarity::cosine: return snapped(exact, 0.75);
    case Similarity::inner_product: return snapped(exact, std::sqrt(square_ * scores_.square(row)));
    case Similarity::euclidean: return snapped(exact, -exact);
  }
  return exact;
}

}  // namespace kindred
