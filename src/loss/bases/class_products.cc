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
      parts_(context, settings.sub_centers),
      rows_(parts_.own_classes() * settings.sub_centers),
      depth_(context.embedding),
      taking_part_(context, settings.class_share, name_),
      diff_x_(parts_, context.batch * depth_) {
  const Index centers = settings.sub_centers;
  offset_ = table
                .add(name_, {context.classes * centers, depth_}, parts_.segment(centers * depth_),
                     true, settings.learning_rate_factor)
                .offset;
  const Index most = taking_part_.most();
  are_kept_ = context.batch * most * centers <= kKept;
  Index largest = 1;  // part
  for (Index part = 0; part < parts_.count(); ++part) {
    largest = std::max(largest, parts_.class_count(part));
  }
  largest = std::min(largest, most);
  block_classes_ =
      are_kept_
          ? largest
          : std::min(largest, round_up(std::max(kBlock / (context.batch * centers), kLine), kLine));
  const Index own_parts = parts_.end() - parts_.first();
  const Index own_most = std::min(parts_.own_classes(), most);
  slots_ = are_kept_ ? own_most + own_parts * kLine : round_up(block_classes_, kLine);
  blocks_.reserve(
      static_cast<std::size_t>(own_parts + own_most / std::max<Index>(block_classes_, 1)));
  products_ = Buffer<Scalar>(context.batch * slots_ * centers);
  const Index block_rows = block_classes_ * centers;
  if (centers > 1 || !taking_part_.all()) rows_of_block_ = Buffer<Index>(block_rows);
  if (reads_in_place()) return;
  block_weights_ = ScalarMatrix(slots_ * centers, depth_);
  diff_block_weights_ = ScalarMatrix(block_rows, depth_);
  lengths_ = Buffer<Scalar>(slots_ * centers);
}

void ClassProducts::initialise(std::uint64_t seed, std::span<Scalar> parameters) const {
  Random random(seed, Purpose::initialise, stream_of(name_));
  random.skip(static_cast<std::uint64_t>(parts_.own_first_class() * settings_.sub_centers *
                                         depth_));  // those of other ranks
  const auto bound = static_cast<float>(1 / std::sqrt(static_cast<double>(depth_)));
  for (Scalar& w : parameters.subspan(static_cast<std::size_t>(offset_),
                                      static_cast<std::size_t>(rows_ * depth_))) {
    w = random.uniform(-bound, bound);
  }
}

void ClassProducts::begin(const LossInput& input) {
  taking_part_.choose(input);
  blocks_.clear();
  for (Index part = parts_.first(); part < parts_.end(); ++part) add_blocks(part);
}

void ClassProducts::add_blocks(Index part) {
  const Index begin = column_of(parts_.first_class(part));
  const Index end = column_of(parts_.first_class(part + 1));
  for (Index first = begin; first < end; first += block_classes_) {
    ClassBlock block{part, first, std::min(block_classes_, end - first), 0, false};
    block.ends_part = first + block.count == end;
    if (are_kept_ && !blocks_.empty()) {
      block.slot = round_up(blocks_.back().slot + blocks_.back().count, kLine);
    }
    blocks_.push_back(block);
  }
}

/// Which of this rank's rows of the weights a block's are.
void ClassProducts::find_rows(const ClassBlock& block) {
  for (Index k = 0; k < settings_.sub_centers; ++k) {
    for (Index c = 0; c < block.count; ++c) {
      rows_of_block_[k * block.count + c] = row_of(taking_part_.label_at(block.first + c)) + k;
    }
  }
}

ScalarView ClassProducts::products_of(const ClassBlock& block, Index batch) {
  const Index count = block.count * settings_.sub_centers;
  return {products_.data() + products_.size() / slots_ * block.slot, batch, count,
          round_up(count, kLine)};
}

ScalarView ClassProducts::weights_of(const ClassBlock& block) {
  return block_weights_.view().rows_from(block.slot * settings_.sub_centers,
                                         block.count * settings_.sub_centers);
}

std::span<Scalar> ClassProducts::lengths_of(const ClassBlock& block) {
  return lengths_.span().subspan(static_cast<std::size_t>(block.slot * settings_.sub_centers));
}

ScalarView ClassProducts::forward(const Workers& workers, const LossInput& input,
                                  const ClassBlock& block) {
  const Index count = block.count * settings_.sub_centers;
  const ConstScalarView x = settings_.normalize ? input.unit : input.embeddings;
  const ScalarView products = products_of(block, x.rows());
  const bool scattered = rows_of_block_.size() > 0;
  const ConstScalarView from =
      scattered ? weights(input) : weights(input).rows_from(row_of(block.first), count);
  if (reads_in_place()) {
    multiply_nt<Scalar>(workers, x, from, products);
    return products;
  }
  const ScalarView mine = weights_of(block);
  if (scattered) find_rows(block);
  const std::span<const Index> rows = rows_of_block_.span();
  if (settings_.normalize) {
    unit_rows(workers, from, mine, lengths_of(block), rows);
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

void ClassProducts::backward(const Workers& workers, const LossInput& input,
                             const ClassBlock& block, ConstScalarView gradient,
                             LossOutput& output) {
  const Index count = block.count * settings_.sub_centers;
  const ConstScalarView x = settings_.normalize ? input.unit : input.embeddings;
  const ScalarView diff_x(diff_x_.of_part(block.part), x.rows(), depth_);
  const Accumulate accumulate = block.ends_part ? Accumulate::no : Accumulate::yes;
  const bool scattered = rows_of_block_.size() > 0;
  const ScalarView all(output.diff_parameters.data() + offset_, rows_, depth_);
  const ScalarView diff = scattered ? all : all.rows_from(row_of(block.first), count);
  if (reads_in_place()) {
    multiply_nn<Scalar>(workers, gradient, weights(input).rows_from(row_of(block.first), count),
                        diff_x, accumulate);
    multiply_tn<Scalar>(workers, gradient, x, diff);
    return;
  }
  const ScalarView mine = weights_of(block);
  const ScalarView diff_mine = diff_block_weights_.view().rows_from(0, count);
  multiply_nn<Scalar>(workers, gradient, mine, diff_x, accumulate);
  multiply_tn<Scalar>(workers, gradient, x, diff_mine);
  if (scattered) find_rows(block);
  const std::span<const Index> rows = rows_of_block_.span();
  if (settings_.normalize) {
    unit_rows_backward(workers, mine, lengths_of(block), diff_mine, diff, true, rows);
    return;
  }
  workers.for_blocks(count, kCopiedRows, [&](Index begin, Index end, int) {
    for (Index r = begin; r < end; ++r) {
      std::copy_n(diff_mine.row(r), depth_, diff.row(rows[static_cast<std::size_t>(r)]));
    }
  });
}

void ClassProducts::finish(const Workers& workers, const LossInput& input, LossOutput& output) {
  const Index batch = input.embeddings.rows();
  const ScalarView diff(output.diff_parameters.data() + offset_, rows_, depth_);
  auto block = blocks_.begin();
  for (Index part = parts_.first(); part < parts_.end(); ++part) {
    if (block == blocks_.end() || block->part != part) {  // none of its classes takes part
      std::fill_n(diff_x_.of_part(part), batch * depth_, Scalar{0});
    }
    while (block != blocks_.end() && block->part == part) ++block;
    if (!taking_part_.all()) clear_others(workers, part, diff);
  }
  const std::span<const Scalar> sum = diff_x_.sum(workers);
  const ScalarView to = settings_.normalize ? output.diff_unit : output.diff_embeddings;
  for (Index i = 0; i < batch; ++i) {
    for (Index k = 0; k < depth_; ++k) {
      to.row(i)[k] += sum[static_cast<std::size_t>(i * depth_ + k)];
    }
  }
}

/// Zeros for the classes of a part that take none in the step.
void ClassProducts::clear_others(const Workers& workers, Index part, ScalarView diff) const {
  const Index end_label = parts_.first_class(part + 1);
  const Index begin_column = column_of(parts_.first_class(part));
  const Index end_column = column_of(end_label);
  const auto clear = [&](Index label, Index end) {
    diff.rows_from(row_of(label), (end - label) * settings_.sub_centers).fill(0);
  };
  const auto label_at = [&](Index column) {
    return column < end_column ? taking_part_.label_at(column) : end_label;
  };
  clear(parts_.first_class(part), label_at(begin_column));
  workers.for_blocks(end_column - begin_column, kCopiedRows, [&](Index begin, Index end, int) {
    for (Index column = begin_column + begin; column < begin_column + end; ++column) {
      clear(taking_part_.label_at(column) + 1, label_at(column + 1));
    }
  });
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
