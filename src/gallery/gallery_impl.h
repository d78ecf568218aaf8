#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gallery/database.h"
#include "gallery/gallery_schema.h"
#include "kindred/gallery/gallery.h"

namespace kindred {

/// What all members share. Each locks `mutex` for as long as it uses the database.
struct KINDRED_HIDDEN PictureGallery::Impl {
  std::string path;
  std::unique_ptr<Database> database;
  GalleryFacts facts;
  bool finished_remove = false;
  mutable std::mutex mutex;

  /// The embeddings as they were read last, and which state of the file that was.
  std::shared_ptr<const GallerySnapshot> snapshot;
  Index additions = -1;
  Index removals = -1;
};

/// How often pictures were added, and removed, since the gallery was made.
constexpr std::string_view kAdditions = "additions";
constexpr std::string_view kRemovals = "removals";
/// Stands in `meta` while bytes of what was removed may still be in the file.
constexpr std::string_view kToScrub = "to_scrub";

/// Writes the file anew where bytes of removed pictures are left in it; says whether there were.
bool scrub(Database& database);

/// A picture's embedding of `dimension` numbers; fails with data where it is another, or none that
/// can be compared: not finite, or with a length outside of 1e-15 to 1e15 that is not 0.
void check_embedding(std::span<const float> embedding, Index dimension, const std::string& where);

}  // namespace kindred
