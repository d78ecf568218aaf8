#include "kindred/train/profile.h"

namespace kindred {

Profile sum_of(std::span<const Profile> profiles) {
  Profile sum;
  for (const Profile& one : profiles) {
    sum.layers.resize(one.layers.size());
    for (std::size_t i = 0; i < one.layers.size(); ++i) {
      sum.layers[i].forward += one.layers[i].forward;
      sum.layers[i].backward += one.layers[i].backward;
      sum.layers[i].backward_weights += one.layers[i].backward_weights;
    }
    sum.read += one.read;
    sum.input += one.input;
  }
  return sum;
}

}  // namespace kindred
