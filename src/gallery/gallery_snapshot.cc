#include "kindred/gallery/gallery_snapshot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>

#include "eval/scores/check_rows.h"
#include "eval/scores/exact_scores.h"
#include "gallery/nearest_places.h"
#include "gallery/snapshot_blocks.h"
#include "kindred/core/error.h"

namespace kindred {

struct KINDRED_HIDDEN GallerySnapshot::Impl {
  SnapshotBlocks blocks;
  std::once_flag once;
  std::shared_ptr<const GallerySnapshot> centroids;
};

GallerySnapshot::GallerySnapshot(Index dimension) : impl_(std::make_unique<Impl>()) {
  impl_->blocks.dimension = dimension;
}
GallerySnapshot::~GallerySnapshot() = default;

Index GallerySnapshot::size() const { return impl_->blocks.size; }
Index GallerySnapshot::dimension() const { return impl_->blocks.dimension; }
Index GallerySnapshot::id(Index place) const {
  const auto [block, row] = impl_->blocks.at(place);
  return block->ids[static_cast<std::size_t>(row)];
}
Index GallerySnapshot::identity(Index place) const {
  const auto [block, row] = impl_->blocks.at(place);
  return block->identities[static_cast<std::size_t>(row)];
}
const float* GallerySnapshot::embedding(Index place) const {
  const auto [block, row] = impl_->blocks.at(place);
  return block->rows.row(row);
}

std::vector<std::vector<GalleryMatch>> GallerySnapshot::nearest(const Workers& workers,
                                                                ConstMatrixView queries, Index k,
                                                                GalleryAmong among,
                                                                std::span<const Index> own) const {
  if (queries.cols() != dimension()) {
    fail(ErrorKind::data, fmt::format("queries of {} numbers; the gallery's embeddings have {}",
                                      queries.cols(), dimension()));
  }
  check_rows(workers, queries, "query embeddings");
  return nearest_places(workers, impl_->blocks, queries, k, among, own);
}

std::shared_ptr<const GallerySnapshot> GallerySnapshot::centroids() const {
  std::call_once(impl_->once, [this] {
    const SnapshotBlocks& blocks = impl_->blocks;
    Rows rows;
    for (const auto& block : blocks.blocks) {
      for (const Index identity : block->identities) {
        if (identity != 0) rows.ids.push_back(identity);
      }
    }
    std::ranges::sort(rows.ids);
    rows.ids.erase(std::unique(rows.ids.begin(), rows.ids.end()), rows.ids.end());
    rows.identities = rows.ids;
    const auto size = static_cast<std::size_t>(blocks.dimension);
    std::vector<double> sums(rows.ids.size() * size);
    for (const auto& block : blocks.blocks) {
      for (Index i = 0; i < block->count(); ++i) {
        const Index identity = block->identities[static_cast<std::size_t>(i)];
        if (identity == 0) continue;
        const auto place = std::ranges::lower_bound(rows.ids, identity) - rows.ids.begin();
        double* const sum = sums.data() + static_cast<std::size_t>(place) * size;
        const double scale = block->scale_of(i, blocks.dimension);
        for (std::size_t n = 0; n < size; ++n) {
          sum[n] += scale * static_cast<double>(block->rows(i, static_cast<Index>(n)));
        }
      }
    }
    // A mean's length is no matter to a cosine; without it none is so short that float loses it.
    rows.embeddings.resize(sums.size());
    for (std::size_t i = 0; i < rows.ids.size(); ++i) {
      double square = 0;
      for (std::size_t n = 0; n < size; ++n) square += sums[i * size + n] * sums[i * size + n];
      const double scale = square > 0 ? 1 / std::sqrt(square) : 0;
      for (std::size_t n = 0; n < size; ++n) {
        rows.embeddings[i * size + n] = static_cast<float>(scale * sums[i * size + n]);
      }
    }
    impl_->centroids = GallerySnapshot(blocks.dimension).with(rows);
  });
  return impl_->centroids;
}

std::shared_ptr<const GallerySnapshot> GallerySnapshot::with(const Rows& added) const {
  auto next = std::make_shared<GallerySnapshot>(dimension());
  next->impl_->blocks = impl_->blocks;
  next->impl_->blocks.append(added.ids, added.identities, added.embeddings);
  return next;
}

std::shared_ptr<const GallerySnapshot> GallerySnapshot::without(
    std::span<const Index> removed) const {
  auto next = std::make_shared<GallerySnapshot>(dimension());
  next->impl_->blocks = impl_->blocks;
  next->impl_->blocks.remove(removed);
  return next;
}

}  // namespace kindred
