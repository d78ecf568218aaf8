#include "serve/served_gallery.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "kindred/core/error.h"

namespace kindred::serve {
namespace {

// A server does not wait long for who keeps a gallery locked: clients are told to come again.
constexpr double kWaitSeconds = 5;

Matrix rows_of(GalleryService::Queries queries) {
  Matrix rows(static_cast<Index>(queries.size()),
              queries.empty() ? 0 : static_cast<Index>(queries.front().size()));
  for (std::size_t i = 0; i < queries.size(); ++i) {
    std::ranges::copy(queries[i], rows.row(static_cast<Index>(i)));
  }
  return rows;
}

}  // namespace

ServedGallery::ServedGallery(const std::string& path, const Workers& workers)
    : gallery_(path, GalleryAccess::write, kWaitSeconds), workers_(workers) {}

void ServedGallery::check_model(const Model& model, const std::string& where) const {
  if (gallery_.facts().model_fingerprint == model.fingerprint) return;
  fail(ErrorKind::data,
       fmt::format("{}: its pictures were embedded by another model than {}: {}, not {}; make a "
                   "gallery for this one: kindred gallery new G {}",
                   gallery_.path(), where, gallery_.facts().model_fingerprint, model.fingerprint,
                   where));
}

std::vector<std::vector<Match>> ServedGallery::find(Queries queries, Index k) {
  const Matrix rows = rows_of(queries);
  std::vector<std::vector<Match>> all;
  for (const std::vector<FoundPicture>& found : gallery_.find(workers_, rows.view(), k)) {
    std::vector<Match>& matches = all.emplace_back();
    for (const FoundPicture& one : found) {
      matches.push_back({one.picture.id, one.picture.path, one.picture.identity,
                         one.picture.has_thumbnail, one.score});
    }
  }
  return all;
}

std::vector<Identified> ServedGallery::identify(Queries queries, bool by_centroid,
                                                std::optional<double> threshold) {
  const Matrix rows = rows_of(queries);
  std::vector<Identified> all;
  const IdentifyBy by = by_centroid ? IdentifyBy::centroid : IdentifyBy::best;
  for (Identification& one : gallery_.identify(workers_, rows.view(), by, threshold)) {
    all.push_back({one.known, std::move(one.identity), one.score, one.picture});
  }
  return all;
}

std::vector<Added> ServedGallery::add(std::span<const NewPicture> pictures,
                                      const std::string& identity) {
  std::vector<NewGalleryPicture> added;
  for (const NewPicture& one : pictures) {
    added.push_back({one.path, one.picture->digest, one.picture->height, one.picture->width,
                     identity, one.picture->thumbnail, one.picture->embedding});
  }
  std::vector<Added> places;
  for (GalleryPlace& place : gallery_.add(added)) {
    places.push_back({place.id, place.was_there, std::move(place.identity)});
  }
  return places;
}

bool ServedGallery::remove(Index id) { return gallery_.remove(std::array{id}) > 0; }

std::string ServedGallery::thumbnail(Index id) { return gallery_.thumbnail(id); }

GallerySummary ServedGallery::summary() {
  GallerySummary summary;
  summary.pictures = gallery_.size();
  for (GalleryIdentity& one : gallery_.identities()) {
    summary.identities.push_back({std::move(one.name), one.pictures});
  }
  const GalleryThresholds thresholds = gallery_.thresholds();
  summary.identify_threshold = thresholds.identify;
  summary.centroid_threshold = thresholds.identify_centroid;
  summary.compare_threshold = thresholds.compare;
  return summary;
}

std::optional<double> ServedGallery::compare_threshold() { return gallery_.thresholds().compare; }

Index ServedGallery::size() { return gallery_.size(); }

}  // namespace kindred::serve
