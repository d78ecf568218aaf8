#include "loss/bases/elementwise.h"

#include <fmt/format.h>

#include <algorithm>

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

constexpr Index kElementRows = 16;  // rows a task owns

}  // namespace

Elementwise::Elementwise(Section section, const LossContext& context) : row_sums_(context.batch) {
  if (context.targets == 0) section.fail("needs /targets, and the data set has none");
  if (context.targets != context.embedding) {
    section.fail(
        fmt::format("/targets has {} columns but the network gives {} numbers; set "
                    "model.embedding = {}",
                    context.targets, context.embedding, context.targets));
  }
}

double Elementwise::compute(const Workers& workers, const LossInput& input, LossOutput& output) {
  const ConstScalarView x = input.embeddings;
  const auto count = static_cast<double>(std::max<Index>(x.rows() * x.cols(), 1));
  const double factor = static_cast<double>(output.weight) / count;
  workers.for_blocks(x.rows(), kElementRows, [&](Index begin, Index end, int) {
    for (Index i = begin; i < end; ++i) {
      row_sums_[i] = 0;
      for (Index k = 0; k < x.cols(); ++k) {
        const Derived one =
            term(static_cast<double>(x(i, k)), static_cast<double>(input.targets(i, k)));
        row_sums_[i] += one.value;
        output.diff_embeddings(i, k) += static_cast<Scalar>(factor * one.derivative);
      }
    }
  });
  double sum = 0;
  for (Index i = 0; i < x.rows(); ++i) sum += row_sums_[i];
  return sum / count;
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
