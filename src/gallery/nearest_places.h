#pragma once
#include <span>
#include <vector>

#include "gallery/snapshot_blocks.h"
#include "kindred/core/parallel.h"
#include "kindred/gallery/gallery_snapshot.h"

namespace kindred {

/// GallerySnapshot::nearest(). REQUIRES: queries [Q, D] that are finite.
std::vector<std::vector<GalleryMatch>> nearest_places(const Workers& workers,
                                                      const SnapshotBlocks& blocks,
                                                      ConstMatrixView queries, Index k,
                                                      GalleryAmong among,
                                                      std::span<const Index> own);

}  // namespace kindred
