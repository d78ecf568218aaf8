#pragma once
#include <memory>
#include <span>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"

namespace KINDRED_API kindred {

/// A picture of a gallery, by its number there, and how near it is.
struct GalleryMatch {
  Index id = 0;
  Index identity = 0;  ///< its number; 0: nobody said who it is
  double score = 0;    ///< cosine
};

/// Which pictures are looked at.
enum class GalleryAmong {
  all,
  named,   ///< those with an identity
  others,  ///< those with another identity than the query's own
};

/// The embeddings of a gallery at one moment, in memory. It never changes, and may be asked by any
/// number of threads at once.
///
/// Scores are the cosines of `find_neighbors` (kindred/eval/neighbors.h), in float64: what is
/// found is the same for any number of threads and at every level of instruction sets. A scan in
/// float32, whose error is bounded, only says which pictures can be among the nearest.
class GallerySnapshot {
 public:
  explicit GallerySnapshot(Index dimension);
  ~GallerySnapshot();
  GallerySnapshot(const GallerySnapshot&) = delete;
  GallerySnapshot& operator=(const GallerySnapshot&) = delete;

  Index size() const;
  Index dimension() const;
  /// Of picture `place` in [0, size()), by rising number.
  Index id(Index place) const;
  Index identity(Index place) const;
  const float* embedding(Index place) const;

  /// The k nearest pictures of each query, nearest first, ties to the lower number; fewer where
  /// there are fewer. `own` [queries] are the queries' identities, for GalleryAmong::others.
  /// Fails with data on queries of another length or that are not finite.
  std::vector<std::vector<GalleryMatch>> nearest(const Workers& workers, ConstMatrixView queries,
                                                 Index k, GalleryAmong among = GalleryAmong::all,
                                                 std::span<const Index> own = {}) const;

  /// One row for each identity, the mean of its unit embeddings: a snapshot in which `id` and
  /// `identity` are both the identity's number.
  std::shared_ptr<const GallerySnapshot> centroids() const;

  /// Another snapshot: without the pictures whose numbers `keeps` does not have, with those of
  /// `added`, whose numbers are above all others. Both rise. What stays is shared, not copied.
  struct Rows {
    std::vector<Index> ids;
    std::vector<Index> identities;
    std::vector<float> embeddings;  ///< [ids, D], one after the other
  };
  std::shared_ptr<const GallerySnapshot> with(const Rows& added) const;
  std::shared_ptr<const GallerySnapshot> without(std::span<const Index> removed) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kindred
