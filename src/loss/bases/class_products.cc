#include "loss/bases/class_products.h"

#include <algorithm>
#include <cmath>

#include "kindred/core/matmul.h"
#include "kindred/core/random.h"
#include "loss/unit_rows.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

constexpr Index kLine = kAlignment / static_cast<Index>(sizeof(Scalar));
constexpr Index kCopiedRows = 32;  // rows a task copies or clears

}  // namespace

ClassProducts::ClassProducts(const LossContext& context, ParameterTable& table,
                             const ClassProductsSettings& settings)
    : settings_(settings),
      name_(context.name + ".weights"),
      rows_(context.classes * settings.sub_centers),
      depth_(context.embedding),
      taking_part_(context, settings.class_share, name_) {
  offset_ = table.add(name_, {rows_, depth_}, true, settings.learning_rate_factor).offset;
  const Index most = taking_part_.most();
  const Index centers = settings.sub_centers;
  const Index wanted =
      context.batch * most * centers <= kKept ? most : kBlock / (context.batch * centers);
  block_classes_ = std::min(most, round_up(std::max(wanted, kLine), kLine));
  const Index block_rows = block_classes_ * centers;
  products_ = Buffer<Scalar>(context.batch * round_up(block_rows, kLine));
  if (centers > 1 || !taking_part_.all()) rows_of_block_ = Buffer<Index>(block_rows);
  if (reads_in_place()) return;
  block_weights_ = ScalarMatrix(block_rows, depth_);
  diff_block_weights_ = ScalarMatrix(block_rows, depth_);
  lengths_ = Buffer<Scalar>(block_rows);
}

void ClassProducts::initialise(std::uint64_t seed, std::span<Scalar> parameters) const {
  Random random(seed, Purpose::initialise, stream_of(name_));
  const auto bound = static_cast<float>(1 / std::sqrt(static_cast<double>(depth_)));
  for (Scalar& w : parameters.subspan(static_cast<std::size_t>(offset_),
                                      static_cast<std::size_t>(rows_ * depth_))) {
    w = random.uniform(-bound, bound);
  }
}

/// Which rows of the weights a block's are.
void ClassProducts::find_rows(Index block) {
  const Index count = class_count(block);
  for (Index k = 0; k < settings_.sub_centers; ++k) {
    for (Index c = 0; c < count; ++c) {
      rows_of_block_[k * count + c] =
          taking_part_.label_at(first_class(block) + c) * settings_.sub_centers + k;
    }
  }
}

ScalarView ClassProducts::forward(const Workers& workers, const LossInput& input, Index block) {
  const Index count = class_count(block) * settings_.sub_centers;
  const Index first = first_class(block) * settings_.sub_centers;
  const ConstScalarView x = settings_.normalize ? input.unit : input.embeddings;
  const ScalarView products(products_.data(), x.rows(), count, round_up(count, kLine));
  if (reads_in_place()) {
    multiply_nt<Scalar>(workers, x, weights(input).rows_from(first, count), products);
    return products;
  }
  const ScalarView mine = block_weights_.view().rows_from(0, count);
  const bool scattered = rows_of_block_.size() > 0;
  if (scattered) find_rows(block);
  const std::span<const Index> rows = rows_of_block_.span();
  const ConstScalarView from = scattered ? weights(input) : weights(input).rows_from(first, count);
  if (settings_.normalize) {
    unit_rows(workers, from, mine, lengths_.span(), rows);
  } else {
    workers.for_blocks(count, kCopiedRows, [&](Index begin, Index end, int) {
      for (Index r = begin; r < end; ++r) {
        std::copy_n(from.row(rows[static_cast<std::size_t>(r)]), depth_, mine.row(r));
      }
    });
  }
  multiply_nt<Scalar>(workers, x, mine, products);
  return products;
}

void ClassProducts::backward(const Workers& workers, const LossInput& input, Index block,
                             ConstScalarView gradient, LossOutput& output) {
  const Index count = class_count(block) * settings_.sub_centers;
  const Index first = first_class(block) * settings_.sub_centers;
  const ScalarView diff(output.diff_parameters.data() + offset_, rows_, depth_);
  const ConstScalarView x = settings_.normalize ? input.unit : input.embeddings;
  const ScalarView diff_x = settings_.normalize ? output.diff_unit : output.diff_embeddings;
  if (reads_in_place()) {
    multiply_nn<Scalar>(workers, gradient, weights(input).rows_from(first, count), diff_x,
                        Accumulate::yes);
    multiply_tn<Scalar>(workers, gradient, x, diff.rows_from(first, count));
    return;
  }
  if (!taking_part_.all()) clear_others(workers, block, diff);
  const ScalarView mine = block_weights_.view().rows_from(0, count);
  const ScalarView diff_mine = diff_block_weights_.view().rows_from(0, count);
  multiply_nn<Scalar>(workers, gradient, mine, diff_x, Accumulate::yes);
  multiply_tn<Scalar>(workers, gradient, x, diff_mine);
  const bool scattered = rows_of_block_.size() > 0;
  const std::span<const Index> rows = rows_of_block_.span();
  if (settings_.normalize) {
    unit_rows_backward(workers, mine, lengths_.span(), diff_mine,
                       scattered ? diff : diff.rows_from(first, count), true, rows);
    return;
  }
  workers.for_blocks(count, kCopiedRows, [&](Index begin, Index end, int) {
    for (Index r = begin; r < end; ++r) {
      std::copy_n(diff_mine.row(r), depth_, diff.row(rows[static_cast<std::size_t>(r)]));
    }
  });
}

/// Zeros for the classes that take no part, from each of the block's to the next that does.
void ClassProducts::clear_others(const Workers& workers, Index block, ScalarView diff) const {
  const Index centers = settings_.sub_centers;
  const Index first = first_class(block);
  const auto clear = [&](Index label, Index end) {
    diff.rows_from(label * centers, (end - label) * centers).fill(0);
  };
  if (first == 0) clear(0, taking_part_.label_at(0));
  workers.for_blocks(class_count(block), kCopiedRows, [&](Index begin, Index end, int) {
    for (Index place = first + begin; place < first + end; ++place) {
      const Index next = place + 1 < classes() ? taking_part_.label_at(place + 1) : rows_ / centers;
      clear(taking_part_.label_at(place) + 1, next);
    }
  });
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
