#include "eval/neighbors/best_neighbors.h"

#include <cmath>

namespace kindred {
namespace {

/// Below `number` by more than float32 rounds.
float below(double number) {
  return static_cast<float>(number - 0x1p-22 * std::abs(number) - 0x1p-120);
}

}  // namespace

void BestNeighbors::shrink(Index query, Rescoring& rescoring) {
  if (best_.empty()) {
    drop_hopeless(rescoring);
    if (2 * keys_.size() <= keys_.capacity() + k_) return;
  }
  for (const std::uint64_t key : keys_) rescoring.exact.prefetch(index_of_key(key));
  score_all(query, rescoring);
}

/// The best k by their screen scores have exact ones of at least the least of their lower bounds.
void BestNeighbors::drop_hopeless(const Rescoring& rescoring) {
  const Gallery& gallery = rescoring.gallery;
  const auto behind = keys_.begin() + static_cast<std::ptrdiff_t>(k_);
  if (behind == keys_.end()) return;
  std::nth_element(keys_.begin(), behind - 1, keys_.end());
  float least = score_of_key(*(behind - 1));
  if (gallery.screen().measures_distances()) {
    for (auto key = keys_.begin(); key != behind; ++key) {
      least = std::min(least, score_of_key(*key) - gallery.below(query_error_, index_of_key(*key)));
    }
  } else {
    least -= gallery.below(query_error_, 0);  // one for all
  }
  threshold_ = std::max(threshold_, least - gallery.above(query_error_));
  keys_.erase(std::remove_if(behind, keys_.end(),
                             [&](std::uint64_t key) { return score_of_key(key) < threshold_; }),
              keys_.end());
}

void BestNeighbors::score_all(Index query, Rescoring& rescoring) {
  const Gallery& gallery = rescoring.gallery;
  best_.reserve(best_.size() + keys_.size());
  rescoring.exact.load(rescoring.queries, query);
  for (const std::uint64_t key : keys_) {
    const std::uint32_t row = index_of_key(key);
    best_.push_back({rescoring.exact.score(row), row});
  }
  keys_.clear();
  if (best_.size() <= k_) return;
  const auto last = best_.begin() + static_cast<std::ptrdiff_t>(k_) - 1;
  std::nth_element(best_.begin(), last, best_.end(), is_nearer);
  best_.resize(k_);
  threshold_ = std::max(threshold_, below(gallery.screen().from_exact(best_.back().score) -
                                          static_cast<double>(gallery.above(query_error_))));
}

void BestNeighbors::close(const Rescoring& rescoring) {
  if (best_.empty() && keys_.size() > k_) drop_hopeless(rescoring);
  for (const std::uint64_t key : keys_) rescoring.exact.prefetch(index_of_key(key));
}

std::span<const ScoredRow> BestNeighbors::finish(Index query, Rescoring& rescoring) {
  close(rescoring);
  score_all(query, rescoring);
  std::sort(best_.begin(), best_.end(), is_nearer);
  return best_;
}

}  // namespace kindred
