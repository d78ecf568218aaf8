#include "eval/neighbors/search_detail.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "eval/neighbors/best_neighbors.h"

namespace kindred {
namespace {

constexpr Index kLeastRows = 8192;  // a search of fewer takes no time
constexpr Index kLeastDimension = 32;
constexpr Index kSample = 8;  // queries, which are searched for twice
constexpr Index kLeastQueries = 64;

}  // namespace

double open_candidates(const Gallery& gallery, const RowsView& queries, Index k, Index sample) {
  const ComputeScope scope;
  sample = std::min(sample, queries.rows());
  std::vector<Index> rows;
  for (Index i = 0; i < sample; ++i) rows.push_back(i * queries.rows() / sample);
  QueryBlock block(gallery);
  block.load(queries, rows, 0, sample);
  std::vector<std::vector<float>> scores(static_cast<std::size_t>(sample));
  for (Index b = 0; b < gallery.blocks(); ++b) {
    const ScoreTile tile = block.score(b);
    for (Index i = 0; i < sample; ++i) {
      const float* const row = tile.scores.row(i);
      scores[static_cast<std::size_t>(i)].insert(scores[static_cast<std::size_t>(i)].end(), row,
                                                 row + tile.scores.cols());
    }
  }
  double open = 0;
  for (Index i = 0; i < sample; ++i) {
    std::vector<float>& own = scores[static_cast<std::size_t>(i)];
    std::vector<float> best = own;
    const auto last = best.begin() + std::min(k, gallery.size()) - 1;
    std::nth_element(best.begin(), last, best.end(), std::greater<>());
    const float least = *last - gallery.width(block.error(i));
    open += static_cast<double>(
        std::count_if(own.begin(), own.end(), [&](float score) { return score >= least; }));
  }
  return open / static_cast<double>(sample);
}

Gallery gallery_to_search(const Workers& workers, const RowsView& queries, const RowsView& rows,
                          const Screen& screen, Index k, Index room) {
  if (rows.rows() >= kLeastRows && queries.rows() >= kLeastQueries &&
      rows.cols() >= kLeastDimension && Gallery::may_be_bytes(screen, rows.cols())) {
    Gallery bytes(workers, rows, screen, {}, Detail::bytes);
    // More would not find room, and be looked at as they come.
    const double most = static_cast<double>(room) / 2;
    if (open_candidates(bytes, queries, k, kSample) <= most) return bytes;
  }
  return Gallery(workers, rows, screen);
}

}  // namespace kindred
