#pragma once
#include "eval/scores/score_blocks.h"

namespace kindred {

/// The gallery packed for a search of the k nearest: as bytes where that is quicker, which a sample
/// of the queries says, else as floats. What is found is the same. `room`: of BestNeighbors, for
/// bytes.
Gallery gallery_to_search(const Workers& workers, const RowsView& queries, const RowsView& rows,
                          const Screen& screen, Index k, Index room);

/// How many of a gallery's rows a query of `queries` has to look at exactly, a mean over `sample`
/// of them: what the screen's bound leaves open.
double open_candidates(const Gallery& gallery, const RowsView& queries, Index k, Index sample);

}  // namespace kindred
