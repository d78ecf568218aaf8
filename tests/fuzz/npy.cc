// NumPy arrays.
#include "data/arrays/npy_array.h"
#include "fuzz.h"

KINDRED_FUZZ_TARGET(npy) {
  const kindred::NpyArray array = kindred::parse_npy(kindred::fuzz::owned(bytes), "it");
  double sum = 0;
  for (kindred::Index i = 0; i < array.count(); ++i) sum += array.element(i);
  if (sum == 0) kindred::fuzz::require(array.count() > 0);
  kindred::whole_numbers(array);
}
