#pragma once
#include "kindred/core/parallel.h"
#include "kindred/gallery/gallery.h"
#include "serve/gallery_service.h"

namespace kindred::serve {

/// A gallery's file, as handlers ask it.
class ServedGallery final : public GalleryService {
 public:
  /// Fails as PictureGallery does. REQUIRES: workers outlive it.
  ServedGallery(const std::string& path, const Workers& workers);

  /// Fails with data where the gallery's pictures were embedded by another model.
  void check_model(const Model& model, const std::string& where) const;

  std::vector<std::vector<Match>> find(Queries queries, Index k) override;
  std::vector<Identified> identify(Queries queries, bool by_centroid,
                                   std::optional<double> threshold) override;
  std::vector<Added> add(std::span<const NewPicture> pictures,
                         const std::string& identity) override;
  bool remove(Index id) override;
  std::string thumbnail(Index id) override;
  GallerySummary summary() override;
  std::optional<double> compare_threshold() override;
  Index size() override;

 private:
  PictureGallery gallery_;
  const Workers& workers_;
};

}  // namespace kindred::serve
