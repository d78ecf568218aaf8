#include "loss/class_products.h"

#include <algorithm>
#include <cmath>

#include "kindred/core/matmul.h"
#include "kindred/core/random.h"
#include "loss/unit_rows.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

constexpr Index kLine = kAlignment / static_cast<Index>(sizeof(Scalar));

// FNV-1a: a stream of random numbers for each name.
std::uint64_t hash(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325u;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return h;
}

}  // namespace

ClassProducts::ClassProducts(const LossContext& context, ParameterTable& table, Index rows,
                             bool normalize, double learning_rate_factor, Index unit)
    : name_(context.name + ".weights"),
      rows_(rows),
      depth_(context.embedding),
      normalize_(normalize) {
  offset_ = table.add(name_, {rows, depth_}, true, learning_rate_factor).offset;
  const Index wanted = context.batch * rows <= kKept ? rows : kBlock / context.batch;
  block_rows_ = std::min(rows, round_up(std::max(wanted, kLine), unit * kLine));
  products_ = Buffer<Scalar>(context.batch * round_up(block_rows_, kLine));
  if (normalize_) {
    unit_weights_ = ScalarMatrix(block_rows_, depth_);
    diff_unit_weights_ = ScalarMatrix(block_rows_, depth_);
    lengths_ = Buffer<Scalar>(block_rows_);
  }
}

void ClassProducts::initialise(std::uint64_t seed, std::span<Scalar> parameters) const {
  Random random(seed, Purpose::initialise, hash(name_));
  const auto bound = static_cast<float>(1 / std::sqrt(static_cast<double>(depth_)));
  for (Scalar& w : parameters.subspan(static_cast<std::size_t>(offset_),
                                      static_cast<std::size_t>(rows_ * depth_))) {
    w = random.uniform(-bound, bound);
  }
}

ConstScalarView ClassProducts::weights(const LossInput& input, Index block) const {
  return {input.parameters.data() + offset_ + first_row(block) * depth_, row_count(block), depth_};
}

ScalarView ClassProducts::forward(const Workers& workers, const LossInput& input, Index block) {
  const Index count = row_count(block);
  ConstScalarView w = weights(input, block);
  if (normalize_) {
    const ScalarView unit = unit_weights_.view().rows_from(0, count);
    unit_rows(workers, w, unit, lengths_.span());
    w = unit;
  }
  const ConstScalarView x = normalize_ ? input.unit : input.embeddings;
  const ScalarView products(products_.data(), x.rows(), count, round_up(count, kLine));
  multiply_nt<Scalar>(workers, x, w, products);
  return products;
}

void ClassProducts::backward(const Workers& workers, const LossInput& input, Index block,
                             ConstScalarView gradient, LossOutput& output) {
  const Index count = row_count(block);
  const ConstScalarView raw = weights(input, block);
  const ScalarView diff_raw(output.diff_parameters.data() + (raw.data() - input.parameters.data()),
                            count, depth_);
  if (!normalize_) {
    multiply_nn<Scalar>(workers, gradient, raw, output.diff_embeddings, Accumulate::yes);
    multiply_tn<Scalar>(workers, gradient, input.embeddings, diff_raw);
    return;
  }
  const ScalarView unit = unit_weights_.view().rows_from(0, count);
  const ScalarView diff_unit = diff_unit_weights_.view().rows_from(0, count);
  multiply_nn<Scalar>(workers, gradient, unit, output.diff_unit, Accumulate::yes);
  multiply_tn<Scalar>(workers, gradient, input.unit, diff_unit);
  unit_rows_backward(workers, unit, lengths_.span(), diff_unit, diff_raw, true);
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
