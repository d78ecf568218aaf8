// What a gallery answers: its embeddings in memory, and what is near to a query.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "gallery/gallery_impl.h"
#include "gallery/snapshot_blocks.h"
#include "kindred/core/text.h"

namespace kindred {
namespace {

using Rows = GallerySnapshot::Rows;

// Somebody may remove what was found before its path and name are read: then it is asked again. Who
// is removed all the time is left out.
constexpr int kTries = 10;

/// Pictures above `after` with their identities, by rising id. Read of the index, which is small.
std::vector<std::pair<Index, Index>> pictures_above(Database& database, Index after) {
  Statement statement(database,
                      "SELECT id, identity FROM pictures INDEXED BY pictures_of_identity "
                      "WHERE id > ?");
  statement.bind(1, after);
  std::vector<std::pair<Index, Index>> found;
  while (statement.step()) found.emplace_back(statement.integer(0), statement.integer(1));
  std::ranges::sort(found);
  return found;
}

/// The snapshot with all pictures that are new to it, a block at a time: memory holds them once.
std::shared_ptr<const GallerySnapshot> with_new(Database& database,
                                                std::shared_ptr<const GallerySnapshot> snapshot) {
  const Index dimension = snapshot->dimension();
  const Index after = snapshot->size() > 0 ? snapshot->id(snapshot->size() - 1) : 0;
  const std::vector<std::pair<Index, Index>> pictures = pictures_above(database, after);
  Statement statement(database,
                      "SELECT picture, vector FROM embeddings WHERE picture > ? ORDER BY picture");
  statement.bind(1, after);
  Rows rows;
  std::vector<float> row(static_cast<std::size_t>(dimension));
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    const auto& [id, identity] = pictures[i];
    if (!statement.step() || statement.integer(0) != id) {
      fail_gallery(database, fmt::format("its picture {} has no embedding", id));
    }
    const std::span<const std::byte> bytes = statement.bytes(1);
    if (bytes.size() != row.size() * sizeof(float)) {
      fail_gallery(database, fmt::format("the embedding of picture {} has {} bytes, expected {}",
                                         id, bytes.size(), row.size() * sizeof(float)));
    }
    std::memcpy(row.data(), bytes.data(), bytes.size());
    check_embedding(row, dimension, database.path());
    rows.ids.push_back(id);
    rows.identities.push_back(identity);
    rows.embeddings.insert(rows.embeddings.end(), row.begin(), row.end());
    const Index now = snapshot->size() + static_cast<Index>(rows.ids.size());
    if (now % SnapshotBlock::kRows == 0 || i + 1 == pictures.size()) {
      snapshot = snapshot->with(rows);
      rows = {};
    }
  }
  if (statement.step()) fail_gallery(database, "it has an embedding of no picture");
  return snapshot;
}

/// Those of the snapshot that are there no more.
std::vector<Index> gone(Database& database, const GallerySnapshot& snapshot) {
  const std::vector<std::pair<Index, Index>> left = pictures_above(database, 0);
  std::vector<Index> removed;
  auto at = left.begin();
  for (Index place = 0; place < snapshot.size(); ++place) {
    const Index id = snapshot.id(place);
    while (at != left.end() && at->first < id) ++at;
    if (at == left.end() || at->first != id) removed.push_back(id);
  }
  return removed;
}

std::string name_of(Database& database, Index identity) {
  Statement statement(database, "SELECT name FROM identities WHERE id = ?");
  statement.bind(1, identity);
  const std::string name = statement.step() ? statement.text(0) : "";
  if (!is_utf8(name)) fail_gallery(database, "a name in it is no UTF-8");
  return name;
}

}  // namespace

std::shared_ptr<const GallerySnapshot> PictureGallery::snapshot() const {
  const std::lock_guard lock(impl_->mutex);
  Database& database = *impl_->database;
  Transaction transaction(database, Transaction::Kind::reads);
  constexpr Index kMost = Index{1} << 62;
  const Index additions = meta_number(database, kAdditions, 0, kMost);
  const Index removals = meta_number(database, kRemovals, 0, kMost);
  std::shared_ptr<const GallerySnapshot> now = impl_->snapshot;
  if (!now) now = std::make_shared<GallerySnapshot>(impl_->facts.dimension);
  if (removals != impl_->removals && now->size() > 0) now = now->without(gone(database, *now));
  if (additions != impl_->additions) now = with_new(database, now);
  transaction.commit();
  impl_->snapshot = now;
  impl_->additions = additions;
  impl_->removals = removals;
  return now;
}

std::vector<std::vector<FoundPicture>> PictureGallery::find(const Workers& workers,
                                                            ConstMatrixView queries,
                                                            Index k) const {
  std::vector<std::vector<FoundPicture>> found;
  for (int i = 0; i < kTries; ++i) {
    bool complete = true;
    found.clear();
    for (const std::vector<GalleryMatch>& matches : snapshot()->nearest(workers, queries, k)) {
      std::vector<Index> ids;
      std::unordered_map<Index, double> scores;
      for (const GalleryMatch& match : matches) {
        ids.push_back(match.id);
        scores[match.id] = match.score;
      }
      found.emplace_back();
      for (GalleryPicture& picture : pictures(ids)) {
        const double score = scores[picture.id];
        found.back().push_back({std::move(picture), score});
      }
      complete = complete && found.back().size() == matches.size();
    }
    if (complete) break;
  }
  return found;
}

std::vector<Identification> PictureGallery::identify(const Workers& workers,
                                                     ConstMatrixView queries, IdentifyBy by,
                                                     std::optional<double> threshold) const {
  const bool centroid = by == IdentifyBy::centroid;
  if (!threshold) {
    const GalleryThresholds own = thresholds();
    threshold = centroid ? own.identify_centroid : own.identify;
  }
  std::vector<Identification> answers;
  for (int i = 0; i < kTries; ++i) {
    const std::shared_ptr<const GallerySnapshot> now =
        centroid ? snapshot()->centroids() : snapshot();
    const auto nearest = now->nearest(workers, queries, 1, GalleryAmong::named);
    const std::lock_guard lock(impl_->mutex);
    bool complete = true;
    answers.clear();
    for (const std::vector<GalleryMatch>& matches : nearest) {
      Identification answer;
      if (!matches.empty()) {
        const GalleryMatch& match = matches.front();
        answer.identity = name_of(*impl_->database, match.identity);
        answer.score = match.score;
        answer.picture = centroid ? 0 : match.id;
        answer.known = !answer.identity.empty() && (!threshold || match.score >= *threshold);
        complete = complete && !answer.identity.empty();
      }
      answers.push_back(std::move(answer));
    }
    if (complete) break;
  }
  return answers;
}

}  // namespace kindred
