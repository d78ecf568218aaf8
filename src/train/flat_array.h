#pragma once
#include <Eigen/Core>

#include "kindred/core/index.h"

namespace kindred {

/// Elements [begin, end) of a flat array as an Eigen array. Blocks of the flat arrays begin on
/// 64-byte boundaries wherever they lie, so an element's bits depend on the table alone.
inline Eigen::Map<Eigen::ArrayXf> flat_array(float* data, Index begin, Index end) {
  return {data + begin, end - begin};
}
inline Eigen::Map<const Eigen::ArrayXf> flat_array(const float* data, Index begin, Index end) {
  return {data + begin, end - begin};
}

}  // namespace kindred
