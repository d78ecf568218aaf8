#pragma once
#include <span>
#include <vector>

#include "kindred/core/parallel.h"
#include "kindred/eval/report_sections.h"

namespace kindred {

/// The first neighbours of some queries, as the page shows them.
struct NearestLists {
  struct Neighbor {
    Index row;  ///< of the gallery
    double score;
    bool right;
  };
  std::vector<Index> queries;                    ///< rising
  std::vector<std::vector<Neighbor>> neighbors;  ///< nearest first, at most ten
};

/// Of all answered queries where these are at most `most`, else of as many that are drawn.
NearestLists nearest_lists(const Workers& workers, const DescribedRows& queries,
                           const DescribedRows& gallery, const RetrievalOptions& options,
                           const RetrievalResult& result, Index most);

/// A row twice: one query's wrong neighbour. The highest scores first, each pair of rows once.
struct WrongNeighbor {
  Index query;
  Index row;
  double score;
};
std::vector<WrongNeighbor> nearest_mistakes(const NearestLists& lists, Similarity similarity,
                                            bool leave_one_out, Index count);

}  // namespace kindred
