#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kindred/core/index.h"
#include "serve/picture_service.h"

namespace kindred::serve {

/// A picture that was found.
struct Match {
  Index id = 0;
  std::string path;
  std::string identity;  ///< "": nobody said who it is
  bool has_thumbnail = false;
  double score = 0;
};

struct Identified {
  bool known = false;
  std::string identity;  ///< the nearest one
  double score = 0;
  Index picture = 0;  ///< the nearest one; 0: not asked for
};

struct Added {
  Index id = 0;
  bool was_there = false;
  std::string identity;  ///< of one that was there, as it was; "": nobody said
};

/// What `POST /v1/gallery` adds.
struct NewPicture {
  std::string path;
  const ServedPicture* picture;
};

struct GallerySummary {
  Index pictures = 0;
  struct Identity {
    std::string name;
    Index pictures = 0;
  };
  std::vector<Identity> identities;
  std::optional<double> identify_threshold;
  std::optional<double> centroid_threshold;
  std::optional<double> compare_threshold;
};

/// What handlers ask of a gallery. Thread-safe.
class GalleryService {
 public:
  virtual ~GalleryService() = default;
  using Queries = std::span<const std::vector<float>>;
  virtual std::vector<std::vector<Match>> find(Queries queries, Index k) = 0;
  virtual std::vector<Identified> identify(Queries queries, bool by_centroid,
                                           std::optional<double> threshold) = 0;
  virtual std::vector<Added> add(std::span<const NewPicture> pictures,
                                 const std::string& identity) = 0;
  /// False where there is no such picture.
  virtual bool remove(Index id) = 0;
  /// A JPEG file; "" where there is none.
  virtual std::string thumbnail(Index id) = 0;
  virtual GallerySummary summary() = 0;
  virtual std::optional<double> compare_threshold() = 0;
  virtual Index size() = 0;
};

}  // namespace kindred::serve
