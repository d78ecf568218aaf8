#pragma once
#include "kindred/core/export.h"
#include "kindred/core/matrix.h"

/// The number type losses compute in: float in the library; the test-only library compiles the
/// same loss sources with KINDRED_DOUBLE, in an inline namespace of its own, for exact gradient
/// checks. Everything that mentions Scalar lives in `inline namespace KINDRED_SCALAR`.
#if defined(KINDRED_DOUBLE)
#define KINDRED_SCALAR f64
#else
#define KINDRED_SCALAR f32
#endif

namespace KINDRED_API kindred {
inline namespace KINDRED_SCALAR {

#if defined(KINDRED_DOUBLE)
using Scalar = double;
#else
using Scalar = float;
#endif

using ScalarView = BasicView<Scalar>;
using ConstScalarView = BasicView<const Scalar>;
using ScalarMatrix = BasicMatrix<Scalar>;

}  // namespace KINDRED_SCALAR
}  // namespace kindred
