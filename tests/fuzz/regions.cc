// Lists of boxes and of landmarks in pictures; the first byte says which.
#include "fuzz.h"
#include "kindred/data/picture_regions.h"

KINDRED_FUZZ_TARGET(regions) {
  using namespace kindred;
  if (bytes.empty()) return;
  const std::string path = fuzz::scratch("regions.csv");
  fuzz::write(path, bytes.substr(1));
  if (bytes[0] % 2 == 0) {
    PictureRegions::read_boxes(path);
  } else {
    PictureRegions::read_landmarks(path);
  }
}
