#pragma once
#include "kindred/eval/neighbors.h"

namespace kindred {

/// Whether search_itself() may be used: the queries are the gallery's rows, bit for bit, and what
/// it holds beside the result, 8 bytes for each candidate of every row (BestNeighbors::room), is at
/// most 512 MiB (up to three times as much where all candidates need exact scores).
bool may_search_itself(ConstMatrixView queries, ConstMatrixView gallery, Index k);

/// find_neighbors() of rows among themselves, with half of the products: a score depends on its two
/// rows only, whichever is the query, so that each pair of rows is multiplied once, for both of
/// them.
Neighbors search_itself(const Workers& workers, ConstMatrixView rows, Index k,
                        Similarity similarity, bool leave_one_out);

}  // namespace kindred
