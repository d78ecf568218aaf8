#pragma once
#include "data/image/image.h"
#include "kindred/data/picture_region.h"

namespace kindred {

/// The part of the image that the region names: its box, as far as it lies in the image, or its
/// landmarks moved to the face template, black where the image ends. Fails with data, naming
/// `where`, on boxes beside the image and landmarks that tell of no face.
Image cut_out(const Image& image, const PictureRegion& region, const std::string& where);

}  // namespace kindred
