#pragma once
#include "kindred/eval/neighbors.h"

namespace kindred {

/// Whether scan_rows() is the faster way. Of 10^6 rows of 128 numbers on two cores of a Xeon (Ice
/// Lake) the first query takes 30 ms, which is what reading them takes, each other one 13 ms in
/// cache; nearest_rows(), which makes its own copy first, 760 ms for 16 and 910 for 97.
bool is_faster_scanned(Index queries);

/// find_neighbors() of a few queries that are checked: the gallery is read once, each row checked
/// and scored in float64 with every query, by all workers. Fails as check_rows() does.
Neighbors scan_rows(const Workers& workers, ConstMatrixView queries, ConstMatrixView gallery,
                    Index k, Similarity similarity);

}  // namespace kindred
