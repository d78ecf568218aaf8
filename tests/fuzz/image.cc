// The images that we decode ourselves: PGM, PPM, BMP; and EXIF's orientation in a JPEG.
#include "data/image/image.h"

#include "fuzz.h"

KINDRED_FUZZ_TARGET(image) {
  using namespace kindred;
  const std::vector<std::byte> file = fuzz::owned(bytes);
  const int orientation = exif_orientation(file);
  fuzz::require(orientation >= 1 && orientation <= 8);
  Image image = bytes.starts_with('P') ? decode_pnm(file, "it") : decode_bmp(file, "it");
  fuzz::require(image.shape.size() == static_cast<Index>(image.pixels.size()));
  if (image.shape.size() > 1'000'000) return;  // what follows is slow for fuzzing
  image = upright(std::move(image), 1 + static_cast<int>(bytes.size() % 8));
  resize(image, 1 + image.shape.height / 3, 2 * image.shape.width);
}
