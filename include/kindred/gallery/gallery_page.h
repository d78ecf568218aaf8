#pragma once
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/index.h"

namespace KINDRED_API kindred {

/// A picture that was found.
struct GalleryPageMatch {
  std::string path;
  std::string identity;  ///< "": nobody said
  double score = 0;
  std::string thumbnail;  ///< a JPEG file; "": none
};

/// What was asked, and what was found.
struct GalleryPageQuery {
  std::string path;
  std::string thumbnail;
  std::string error;  ///< why there is nothing found; "" otherwise
  std::vector<GalleryPageMatch> matches;
};

struct GalleryPage {
  std::string title;
  Index pictures = 0;  ///< of the gallery
  std::vector<GalleryPageQuery> queries;
};

/// One HTML page that needs nothing but itself: no network, no script, no other file. Names in it
/// cannot become markup. Equal contents give equal bytes.
std::string render_gallery_page(const GalleryPage& page);

}  // namespace kindred
