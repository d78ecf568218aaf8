#pragma once
#include "kindred/core/export.h"
#include "kindred/core/process_group.h"
#include "kindred/eval/neighbors.h"

namespace KINDRED_API kindred {

/// A rank's rows of a gallery that several ranks share out: those that are its part of all
/// (begin_of_part).
struct GalleryPart {
  ConstMatrixView rows;
  Index all = 0;  ///< rows of the gallery
};

/// find_neighbors() by all ranks of a group, each searching its part of the gallery: the same
/// neighbours and scores, at every rank. Queries are the same at all ranks; with `leave_one_out`
/// they are the whole gallery. A rank holds its part, the queries, and size() x k neighbours a
/// query. k <= gallery.all (leave-one-out: less one), else usage error.
Neighbors find_neighbors_together(ProcessGroup& group, const Workers& workers,
                                  ConstMatrixView queries, const GalleryPart& gallery, Index k,
                                  Similarity similarity, bool leave_one_out = false);

}  // namespace kindred
