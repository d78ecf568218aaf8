// ONNX files: what a network of others is, as layers of ours.
#include <algorithm>

#include "fuzz.h"
#include "train/exchange/converted_network.h"

// Without other files: a name of one is refused.
KINDRED_FUZZ_TARGET(onnx) {
  using namespace kindred;
  const ConvertedNetwork network = convert_onnx(bytes, "", {});
  fuzz::require(!network.layers.empty() && network.channels >= 1 && network.height >= 1);
  fuzz::require(std::ssize(network.mean) == network.channels);
  fuzz::require(std::ssize(network.scale) == network.channels);
  for (const ConvertedArray& array : network.arrays) {
    Index size = 1;
    for (const Index extent : array.shape) size *= extent;
    fuzz::require(std::ssize(array.values) == size && !array.name.empty());
  }
}
