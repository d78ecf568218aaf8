#include "kindred/eval/shared_neighbors.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr std::int64_t kNone = -1;  // the query itself

struct Candidate {
  double score;
  std::int64_t index;
};

/// What all ranks have found, rank by rank: [Q, counts[r]] each.
struct Found {
  std::vector<Index> counts;
  std::vector<Index> begins;  // of each rank's numbers, and their end
  std::vector<std::int64_t> index;
  std::vector<double> score;
};

template <typename T>
void gather_all(ProcessGroup& group, std::vector<T>& values, const std::vector<Index>& begins) {
  std::vector<Index> bytes;
  for (const Index begin : begins) bytes.push_back(begin * static_cast<Index>(sizeof(T)));
  group.gather(std::as_writable_bytes(std::span(values)), bytes);
}

/// The k best of a query. Lists are sorted, each by itself.
void merge_lists(const Found& found, Index query, Index k, bool less_is_nearer,
                 std::vector<Candidate>& candidates, Neighbors& neighbors) {
  candidates.clear();
  for (std::size_t r = 0; r < found.counts.size(); ++r) {
    for (Index j = 0; j < found.counts[r]; ++j) {
      const auto at = static_cast<std::size_t>(found.begins[r] + query * found.counts[r] + j);
      if (found.index[at] != kNone) candidates.push_back({found.score[at], found.index[at]});
    }
  }
  std::partial_sort(candidates.begin(), candidates.begin() + k, candidates.end(),
                    [&](const Candidate& a, const Candidate& b) {
                      if (a.score != b.score) return (a.score < b.score) == less_is_nearer;
                      return a.index < b.index;
                    });
  for (Index j = 0; j < k; ++j) {
    neighbors.index(query, j) = candidates[static_cast<std::size_t>(j)].index;
    neighbors.score(query, j) = candidates[static_cast<std::size_t>(j)].score;
  }
}

}  // namespace

Neighbors find_neighbors_together(ProcessGroup& group, const Workers& workers,
                                  ConstMatrixView queries, const GalleryPart& gallery, Index k,
                                  Similarity similarity, bool leave_one_out) {
  const Index most = gallery.all - (leave_one_out ? 1 : 0);
  if (k < 1 || k > most) {
    fail(ErrorKind::usage, fmt::format("k = {}: there are {} rows to find", k, most));
  }
  Found found;
  found.begins.push_back(0);
  for (Index r = 0; r < group.size(); ++r) {
    const Index rows = begin_of_part(gallery.all, r + 1, group.size()) -
                       begin_of_part(gallery.all, r, group.size());
    found.counts.push_back(std::min(k + (leave_one_out ? 1 : 0), rows));
    found.begins.push_back(found.begins.back() + queries.rows() * found.counts.back());
  }
  found.index.resize(static_cast<std::size_t>(found.begins.back()));
  found.score.resize(found.index.size());

  const auto rank = static_cast<std::size_t>(group.rank());
  const Index first = begin_of_part(gallery.all, group.rank(), group.size());
  if (const Index count = found.counts[rank]; count > 0) {
    const Neighbors own = find_neighbors(workers, queries, gallery.rows, count, similarity);
    for (Index i = 0; i < queries.rows(); ++i) {
      for (Index j = 0; j < count; ++j) {
        const auto at = static_cast<std::size_t>(found.begins[rank] + i * count + j);
        const std::int64_t index = own.index(i, j) + first;
        found.index[at] = leave_one_out && index == i ? kNone : index;
        found.score[at] = own.score(i, j);
      }
    }
  }
  gather_all(group, found.index, found.begins);
  gather_all(group, found.score, found.begins);

  Neighbors neighbors{BasicMatrix<std::int64_t>(queries.rows(), k),
                      BasicMatrix<double>(queries.rows(), k)};
  constexpr Index kQueries = 256;  // of a task
  workers.for_blocks(queries.rows(), kQueries, [&](Index begin, Index end, int) {
    std::vector<Candidate> candidates;
    for (Index i = begin; i < end; ++i) {
      merge_lists(found, i, k, similarity == Similarity::euclidean, candidates, neighbors);
    }
  });
  return neighbors;
}

}  // namespace kindred
