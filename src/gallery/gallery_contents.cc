// What a gallery holds: pictures and identities, added and removed.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "gallery/gallery_impl.h"
#include "gallery/snapshot_blocks.h"
#include "kindred/core/text.h"

namespace kindred {
namespace {

constexpr std::size_t kMostText = 1 << 16;  // bytes of a path or a name

void count_up(Database& database, std::string_view key) {
  const Index count = meta_number(database, key, 0, Index{1} << 62);
  set_meta(database, key, fmt::format("{}", count + 1));
}

void check_new(const NewGalleryPicture& picture, Index dimension) {
  check_embedding(picture.embedding, dimension, picture.path);
  const bool digest = picture.digest.size() == 64 &&
                      picture.digest.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!digest) fail(ErrorKind::data, picture.path + ": its digest is no SHA-256");
  if (picture.path.size() > kMostText || picture.identity.size() > kMostText) {
    fail(ErrorKind::data, fmt::format("{}...: a path or a name of more than {} bytes",
                                      picture.path.substr(0, 100), kMostText));
  }
  if (static_cast<Index>(picture.thumbnail.size()) > kMostThumbnail) {
    fail(ErrorKind::data, fmt::format("{}: its thumbnail has {} bytes; at most {}", picture.path,
                                      picture.thumbnail.size(), kMostThumbnail));
  }
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

/// Puts pictures in, inside of a transaction.
class Adding {
 public:
  Adding(Database& database, bool keeps_thumbnails)
      : database_(database),
        keeps_thumbnails_(keeps_thumbnails),
        known_(database,
               "SELECT p.id, i.name FROM pictures p LEFT JOIN identities i ON i.id = p.identity "
               "WHERE p.digest = ?"),
        identity_(database, "SELECT id FROM identities WHERE name = ?"),
        new_identity_(database, "INSERT INTO identities (name) VALUES (?)"),
        picture_(database,
                 "INSERT INTO pictures (path, digest, height, width, identity) "
                 "VALUES (?, ?, ?, ?, ?)"),
        embedding_(database, "INSERT INTO embeddings VALUES (?, ?)"),
        thumbnail_(database, "INSERT INTO thumbnails VALUES (?, ?)") {}

  GalleryPlace add(const NewGalleryPicture& picture) {
    known_.bind(1, picture.digest);
    if (known_.step()) {
      const GalleryPlace place{known_.integer(0), true, known_.text(1)};
      known_.reset();
      return place;
    }
    const std::string path = valid_utf8(picture.path);
    picture_.bind(1, path).bind(2, picture.digest).bind(3, picture.height).bind(4, picture.width);
    if (picture.identity.empty()) {
      picture_.bind_null(5);
    } else {
      picture_.bind(5, identity_named(valid_utf8(picture.identity)));
    }
    picture_.run();
    const Index id = database_.last_id();
    embedding_.bind(1, id).bind_bytes(2, std::as_bytes(std::span(picture.embedding))).run();
    if (keeps_thumbnails_ && !picture.thumbnail.empty()) {
      thumbnail_.bind(1, id).bind_bytes(2, bytes_of(picture.thumbnail)).run();
    }
    return {id, false, valid_utf8(picture.identity)};
  }

 private:
  Index identity_named(const std::string& name) {
    identity_.bind(1, name);
    if (identity_.step()) {
      const Index id = identity_.integer(0);
      identity_.reset();
      return id;
    }
    new_identity_.bind(1, name).run();
    return database_.last_id();
  }

  Database& database_;
  bool keeps_thumbnails_;
  Statement known_;
  Statement identity_;
  Statement new_identity_;
  Statement picture_;
  Statement embedding_;
  Statement thumbnail_;
};

constexpr std::string_view kColumns =
    "SELECT p.id, p.path, p.digest, p.height, p.width, p.identity, i.name, "
    "EXISTS (SELECT 1 FROM thumbnails t WHERE t.picture = p.id) "
    "FROM pictures p LEFT JOIN identities i ON i.id = p.identity ";

GalleryPicture picture_of(const Database& database, const Statement& row) {
  GalleryPicture picture;
  picture.id = row.integer(0);
  picture.path = row.text(1);
  picture.digest = row.text(2);
  picture.height = row.integer(3);
  picture.width = row.integer(4);
  picture.identity = row.text(6);
  picture.has_thumbnail = row.integer(7) != 0;
  if (picture.id < 1 || picture.height < 0 || picture.width < 0 || !is_utf8(picture.path) ||
      !is_utf8(picture.identity) || (!row.is_null(5) && row.is_null(6))) {
    fail_gallery(database, fmt::format("its picture {} is not as a gallery has it", picture.id));
  }
  return picture;
}

std::vector<Index> ids_by(Database& database, std::string_view sql, const std::string& text) {
  Statement statement(database, sql);
  statement.bind(1, text);
  std::vector<Index> ids;
  while (statement.step()) ids.push_back(statement.integer(0));
  return ids;
}

void write_anew(Database& database) {
  database.check_place();
  // Deleted cells are zeros already (secure_delete), but SQLite moves cells from page to page and
  // leaves copies of them where they were: only new pages have none.
  database.run("VACUUM");
  // The pages of before wait in the WAL, too. While somebody reads them, they stay.
  if (database.number("PRAGMA wal_checkpoint(TRUNCATE)") != 0) {
    fail(ErrorKind::cannot_create,
         fmt::format("{}: other processes read it; wait for them", database.path()));
  }
  Transaction transaction(database, Transaction::Kind::writes);
  remove_meta(database, kToScrub);
  transaction.commit();
}

}  // namespace

void check_embedding(std::span<const float> embedding, Index dimension, const std::string& where) {
  constexpr double kShortest = 1e-15;  // products of such stay far from float's limits
  if (static_cast<Index>(embedding.size()) != dimension) {
    fail(ErrorKind::data, fmt::format("{}: its embedding has {} numbers; the gallery's have {}",
                                      where, embedding.size(), dimension));
  }
  const double length = std::sqrt(square_of(embedding.data(), dimension));
  if (length == 0 || (length >= kShortest && length <= 1 / kShortest)) return;
  fail(ErrorKind::data, fmt::format("{}: its embedding has length {}; expected {} to {}, or 0",
                                    where, length, kShortest, 1 / kShortest));
}

bool scrub(Database& database) {
  if (!meta_text(database, kToScrub)) return false;
  try {
    write_anew(database);
  } catch (const Error& error) {
    fail(error.kind(), fmt::format("{}: what was to go is removed and found no more, but its bytes "
                                   "stay in the file until the same `kindred gallery remove` is "
                                   "run again ({})",
                                   database.path(), error.what()));
  }
  return true;
}

Index PictureGallery::size() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->database->number("SELECT count(*) FROM pictures");
}

std::vector<GalleryPicture> PictureGallery::pictures() const {
  const std::lock_guard lock(impl_->mutex);
  Statement statement(*impl_->database, std::string(kColumns) + "ORDER BY p.id");
  std::vector<GalleryPicture> found;
  while (statement.step()) found.push_back(picture_of(*impl_->database, statement));
  return found;
}

std::vector<GalleryPicture> PictureGallery::pictures(std::span<const Index> ids) const {
  const std::lock_guard lock(impl_->mutex);
  Statement statement(*impl_->database, std::string(kColumns) + "WHERE p.id = ?");
  std::vector<GalleryPicture> found;
  for (const Index id : ids) {
    statement.bind(1, id);
    while (statement.step()) found.push_back(picture_of(*impl_->database, statement));
  }
  return found;
}

std::vector<GalleryIdentity> PictureGallery::identities() const {
  const std::lock_guard lock(impl_->mutex);
  Statement statement(*impl_->database,
                      "SELECT i.id, i.name, count(p.id) FROM identities i LEFT JOIN pictures p ON "
                      "p.identity = i.id GROUP BY i.id ORDER BY i.name");
  std::vector<GalleryIdentity> found;
  while (statement.step()) {
    found.push_back({statement.integer(0), statement.text(1), statement.integer(2)});
    if (!is_utf8(found.back().name)) fail_gallery(*impl_->database, "a name in it is no UTF-8");
  }
  return found;
}

std::vector<Index> PictureGallery::ids_of_path(const std::string& path) const {
  const std::lock_guard lock(impl_->mutex);
  return ids_by(*impl_->database, "SELECT id FROM pictures WHERE path = ? ORDER BY id",
                valid_utf8(path));
}

std::vector<Index> PictureGallery::ids_of_identity(const std::string& name) const {
  const std::lock_guard lock(impl_->mutex);
  return ids_by(*impl_->database,
                "SELECT p.id FROM identities i JOIN pictures p ON p.identity = i.id "
                "WHERE i.name = ? ORDER BY p.id",
                valid_utf8(name));
}

std::string PictureGallery::thumbnail(Index id) const {
  const std::lock_guard lock(impl_->mutex);
  Statement statement(*impl_->database, "SELECT jpeg FROM thumbnails WHERE picture = ?");
  statement.bind(1, id);
  if (!statement.step()) return "";
  const std::span<const std::byte> jpeg = statement.bytes(0);
  if (static_cast<Index>(jpeg.size()) > kMostThumbnail) {
    fail_gallery(*impl_->database,
                 fmt::format("the thumbnail of picture {} has {} bytes; at most {}", id,
                             jpeg.size(), kMostThumbnail));
  }
  return {reinterpret_cast<const char*>(jpeg.data()), jpeg.size()};
}

std::vector<Index> PictureGallery::ids_of_digests(std::span<const std::string> digests) const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<Index> ids;
  for (const std::string& digest : digests) {
    const std::vector<Index> found =
        ids_by(*impl_->database, "SELECT id FROM pictures WHERE digest = ?", digest);
    ids.push_back(found.empty() ? 0 : found.front());
  }
  return ids;
}

std::vector<GalleryPlace> PictureGallery::add(std::span<const NewGalleryPicture> pictures) {
  for (const NewGalleryPicture& picture : pictures) check_new(picture, impl_->facts.dimension);
  const std::lock_guard lock(impl_->mutex);
  Database& database = *impl_->database;
  Transaction transaction(database, Transaction::Kind::writes);
  std::vector<GalleryPlace> places;
  {
    Adding adding(database, impl_->facts.keeps_thumbnails);
    for (const NewGalleryPicture& picture : pictures) places.push_back(adding.add(picture));
  }
  const bool added =
      std::ranges::any_of(places, [](const GalleryPlace& place) { return !place.was_there; });
  if (added) count_up(database, kAdditions);
  transaction.commit();
  return places;
}

Index PictureGallery::remove(std::span<const Index> ids) {
  const std::lock_guard lock(impl_->mutex);
  Database& database = *impl_->database;
  Index removed = 0;
  {
    Transaction transaction(database, Transaction::Kind::writes);
    Statement picture(database, "DELETE FROM pictures WHERE id = ? RETURNING identity");
    Statement embedding(database, "DELETE FROM embeddings WHERE picture = ?");
    Statement thumbnail(database, "DELETE FROM thumbnails WHERE picture = ?");
    Statement identity(database,
                       "DELETE FROM identities WHERE id = ?1 AND NOT EXISTS "
                       "(SELECT 1 FROM pictures WHERE identity = ?1)");
    for (const Index id : ids) {
      Index shown = 0;
      picture.bind(1, id);
      while (picture.step()) {
        ++removed;
        shown = picture.integer(0);
      }
      embedding.bind(1, id).run();
      thumbnail.bind(1, id).run();
      if (shown != 0) identity.bind(1, shown).run();
    }
    if (removed > 0) {
      count_up(database, kRemovals);
      set_meta(database, kToScrub, "1");
    }
    transaction.commit();
  }
  scrub(database);
  return removed;
}

}  // namespace kindred
