// IDX files (MNIST).
#include "data/arrays/idx_array.h"
#include "fuzz.h"

KINDRED_FUZZ_TARGET(idx) {
  const kindred::IdxArray array = kindred::parse_idx(kindred::fuzz::owned(bytes), "it");
  kindred::Index count = 1;
  for (const kindred::Index extent : array.shape) count *= extent;
  kindred::fuzz::require(array.begin + count == static_cast<kindred::Index>(bytes.size()));
}
