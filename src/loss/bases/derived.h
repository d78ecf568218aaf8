#pragma once
#include "kindred/core/scalar.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

/// A number and its derivative.
struct Derived {
  double value;
  double derivative;
};

}  // namespace KINDRED_SCALAR
}  // namespace kindred
