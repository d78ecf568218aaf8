#pragma once
#include "kindred/core/export.h"
#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"
#include "kindred/eval/neighbors.h"

namespace KINDRED_API kindred {

/// A graph of small worlds (HNSW; Malkov and Yashunin 2018).
struct ApproximateOptions {
  int links = 32;   ///< of each row, at least 2
  int build = 80;   ///< candidates looked at when a row is linked, at least 1
  int search = 96;  ///< candidates looked at for a query, at least k is taken
};

/// Whether this library was built with FAISS (CMake: -DKINDRED_FAISS=ON).
bool has_approximate_neighbors();

/// As find_neighbors, by FAISS's HNSW index: for galleries so large that exact search takes too
/// long. Some neighbours are missed; scores and order of those found are exact. Built by one
/// thread, so that the graph and the answers are the same for any number of threads. A place for
/// which nothing was found holds index -1 and the lowest score. Fails with usage where there is no
/// FAISS or an option cannot be, and as find_neighbors does.
Neighbors find_neighbors_approximately(const Workers& workers, ConstMatrixView queries,
                                       ConstMatrixView gallery, Index k, Similarity similarity,
                                       const ApproximateOptions& options = {});

}  // namespace kindred
