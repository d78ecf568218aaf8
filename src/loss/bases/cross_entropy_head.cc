#include "loss/bases/cross_entropy_head.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/lanes.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

constexpr Index kHeadRows = 4;  // rows of the batch a task owns

}  // namespace

CrossEntropyHead::CrossEntropyHead(const LossContext& context, ParameterTable& table,
                                   const HeadSettings& settings)
    : settings_(settings),
      products_(context, table,
                {settings.normalize, settings.learning_rate_factor, settings.sub_centers,
                 settings.class_share}),
      rows_(context.batch),
      sums_(products_.parts().count() * context.batch) {
  if (settings.scale_by_length) {
    diff_scales_ = Buffer<double>(products_.parts().count() * context.batch);
  }
  if (settings.sub_centers > 1) {
    reduced_ = Buffer<Scalar>(context.batch * products_.slots());
  }
}

CrossEntropyHead::Sums CrossEntropyHead::none() {
  constexpr double kNone = -std::numeric_limits<double>::infinity();
  return {kNone, 0, 0, kNone, 0};
}

void CrossEntropyHead::initialise(std::uint64_t seed, std::span<Scalar> parameters) {
  products_.initialise(seed, parameters);
}

double CrossEntropyHead::compute(const Workers& workers, const LossInput& input,
                                 LossOutput& output) {
  const Index batch = input.embeddings.rows();
  const auto count = static_cast<double>(std::max<Index>(batch, 1));
  products_.begin(input);
  sum_exponentials(workers, input, true);
  if (move_scale(batch, rows_.data())) sum_exponentials(workers, input, !products_.are_kept());
  double sum = 0;
  Index right = 0;
  for (Index i = 0; i < batch; ++i) {
    Row& row = rows_[i];
    const double smooth = settings_.label_smoothing;
    const double expected =
        (1 - smooth) * row.own + smooth * row.logit_sum / static_cast<double>(products_.classes());
    const Derived loss = row_loss(row.greatest + std::log(row.sum) - expected);
    sum += loss.value;
    row.factor = loss.derivative * static_cast<double>(output.weight) / count;
    right += row.own >= row.greatest ? 1 : 0;
  }
  propagate_back(workers, input, output);
  if (settings_.scale_by_length) add_length_gradient(input, output);
  if (output.scalars != nullptr) {
    output.scalars->push_back({"accuracy", static_cast<double>(right) / count});
  }
  return sum / count;
}

/// Every row's log-sum-exp over the classes; without `multiply` from the products that stand.
void CrossEntropyHead::sum_exponentials(const Workers& workers, const LossInput& input,
                                        bool multiply) {
  const Index batch = input.embeddings.rows();
  for (Index i = 0; i < batch; ++i) {
    Row& row = rows_[i];
    row = {};
    row.column = products_.column_of(input.labels[static_cast<std::size_t>(i)]);
    row.scale = settings_.scale;
    if (settings_.scale_by_length) {
      row.scale *= dot(input.embeddings.row(i), input.unit.row(i), input.unit.cols());
    }
  }
  sums_.fill(none());
  for (const ClassBlock& block : products_.blocks()) {
    if (multiply) {
      forward(workers, input, block);
    } else {
      show(block, batch);
    }
    Sums* const sums = sums_.data() + block.part * batch;
    workers.for_blocks(batch, kHeadRows, [&](Index begin, Index end, int) {
      for (Index i = begin; i < end; ++i) add_block(rows_[i], values_.row(i), block, sums[i]);
    });
  }
  ClassParts& parts = products_.parts();
  parts.gather(sums_.span().first(static_cast<std::size_t>(parts.count() * batch)));
  for (Index i = 0; i < batch; ++i) {
    Sums all = none();
    for (Index part = 0; part < parts.count(); ++part) {
      const Sums& one = sums_[part * batch + i];
      if (one.sum == 0) continue;  // no class of it takes part
      const double greatest = std::max(all.greatest, one.greatest);
      all.sum =
          all.sum * std::exp(all.greatest - greatest) + one.sum * std::exp(one.greatest - greatest);
      all.greatest = greatest;
      all.logit_sum += one.logit_sum;
      if (one.own == none().own) continue;
      all.own = one.own;
      all.own_slope = one.own_slope;
    }
    static_cast<Sums&>(rows_[i]) = all;
  }
}

/// A block's products and values, as they stand.
void CrossEntropyHead::show(const ClassBlock& block, Index batch) {
  block_ = products_.products_of(block, batch);
  values_ = block_;
  if (settings_.sub_centers == 1) return;
  values_ = ScalarView(reduced_.data() + rows_.size() * block.slot, batch, block.count,
                       round_up(block.count, kLanes));
}

/// Makes them.
void CrossEntropyHead::forward(const Workers& workers, const LossInput& input,
                               const ClassBlock& block) {
  products_.forward(workers, input, block);
  show(block, input.embeddings.rows());
  if (settings_.sub_centers == 1) return;
  workers.for_blocks(block_.rows(), kHeadRows, [&](Index begin, Index end, int) {
    for (Index i = begin; i < end; ++i) reduce_row(block_.row(i), block.count, values_.row(i));
  });
}

/// The gradient of all blocks; the last one's products stand, or all.
void CrossEntropyHead::propagate_back(const Workers& workers, const LossInput& input,
                                      LossOutput& output) {
  const std::span<const ClassBlock> blocks = products_.blocks();
  for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) {
    if (products_.are_kept() || block == blocks.rbegin()) {
      show(*block, input.embeddings.rows());
    } else {
      forward(workers, input, *block);
    }
    backward(workers, input, *block, output);
  }
  products_.finish(workers, input, output);
}

/// The gradient of a block, from the values that stand.
void CrossEntropyHead::backward(const Workers& workers, const LossInput& input,
                                const ClassBlock& block, LossOutput& output) {
  const Index batch = block_.rows();
  workers.for_blocks(batch, kHeadRows, [&](Index begin, Index end, int) {
    for (Index i = begin; i < end; ++i) {
      const double along = write_gradient(rows_[i], values_.row(i), block);
      if (settings_.scale_by_length) {
        double& sum = diff_scales_[block.part * batch + i];
        sum = block.ends_part ? along : sum + along;
      }
      if (settings_.sub_centers > 1) spread_row(values_.row(i), values_.cols(), block_.row(i));
    }
  });
  products_.backward(workers, input, block, block_, output);
}

void CrossEntropyHead::reduce_row(const Scalar* products, Index classes, Scalar* values) const {
  for (Index c = 0; c < classes; c += kLanes) {
    Lanes greatest = load_most(products + c, classes - c);
    for (Index k = 1; k < settings_.sub_centers; ++k) {
      greatest = max(greatest, load_most(products + k * classes + c, classes - c));
    }
    store_most(values + c, classes - c, greatest);
  }
}

/// To the first of the greatest.
void CrossEntropyHead::spread_row(const Scalar* gradient, Index classes, Scalar* products) const {
  for (Index c = 0; c < classes; c += kLanes) {
    Lanes greatest = load_most(products + c, classes - c);
    for (Index k = 1; k < settings_.sub_centers; ++k) {
      greatest = max(greatest, load_most(products + k * classes + c, classes - c));
    }
    Lanes left = load_most(gradient + c, classes - c);
    for (Index k = 0; k < settings_.sub_centers; ++k) {
      Scalar* here = products + k * classes + c;
      const IntLanes takes = load_most(here, classes - c) == greatest;
      store_most(here, classes - c, select(takes, left, Lanes{}));
      left = select(takes, Lanes{}, left);
    }
  }
}

/// The scale of a row is scale · ‖x‖, and d ‖x‖ / dx = x̂.
void CrossEntropyHead::add_length_gradient(const LossInput& input, LossOutput& output) {
  const Index batch = input.unit.rows();
  ClassParts& parts = products_.parts();
  parts.gather(diff_scales_.span().first(static_cast<std::size_t>(parts.count() * batch)));
  for (Index i = 0; i < batch; ++i) {
    Row& row = rows_[i];
    if (row.scale == 0) continue;  // a zero row
    for (Index part = 0; part < parts.count(); ++part) {
      if (sums_[part * batch + i].sum == 0) continue;
      row.diff_scale += diff_scales_[part * batch + i];
    }
    const auto along = static_cast<Scalar>(row.diff_scale / row.scale * settings_.scale);
    const Scalar* direction = input.unit.row(i);
    Scalar* to = output.diff_embeddings.row(i);
    for (Index k = 0; k < input.unit.cols(); ++k) to[k] += along * direction[k];
  }
}

/// Takes a block's classes into the row's running log-sum-exp.
void CrossEntropyHead::add_block(const Row& row, Scalar* products, const ClassBlock& block,
                                 Sums& sums) const {
  constexpr Scalar kNone = -std::numeric_limits<Scalar>::infinity();
  const auto scale = static_cast<Scalar>(row.scale);
  const Index count = block.count;
  const Index own = row.column - block.first;
  const bool has_own = own >= 0 && own < count;
  const Scalar own_product = has_own ? products[own] : Scalar{0};
  if (has_own) {
    const Derived derived = target(static_cast<double>(own_product));
    sums.own_slope = derived.derivative;
    products[own] = static_cast<Scalar>(derived.value);
    sums.own = static_cast<double>(products[own] * scale);
  }
  const Index whole = count / kLanes * kLanes;
  Lanes most = broadcast(kNone);
  for (Index j = 0; j < whole; j += kLanes) most = max(most, load(products + j) * scale);
  if (whole < count) {
    const Index rest = count - whole;
    most = max(most, first_lanes(load_part(products + whole, rest, 0) * scale, rest, kNone));
  }
  const Scalar block_greatest = largest(most);
  const double greatest = std::max(sums.greatest, static_cast<double>(block_greatest));
  const auto shift = static_cast<Scalar>(greatest);
  LaneSum exponentials;
  LaneSum logits;
  for (Index j = 0; j < whole; j += kLanes) {
    const Lanes logit = load(products + j) * scale;
    exponentials.add(exp(logit - shift));
    logits.add(logit);
  }
  if (whole < count) {
    const Index rest = count - whole;
    const Lanes logit = load_part(products + whole, rest, 0) * scale;
    exponentials.add(exp(first_lanes(logit, rest, kNone) - shift));
    logits.add(logit);
  }
  sums.sum = sums.sum * std::exp(sums.greatest - greatest) + exponentials.total();
  sums.logit_sum += logits.total();
  sums.greatest = greatest;
  if (has_own) products[own] = own_product;
}

/// products := d loss / d products; returns d loss / d scale by them, times the scale.
double CrossEntropyHead::write_gradient(const Row& row, Scalar* products,
                                        const ClassBlock& block) const {
  const auto scale = static_cast<Scalar>(row.scale);
  const auto shift = static_cast<Scalar>(row.greatest);
  const double each = row.factor * row.scale;
  const auto share = static_cast<Scalar>(each / row.sum);
  const auto smooth = static_cast<Scalar>(each * settings_.label_smoothing /
                                          static_cast<double>(products_.classes()));
  const Index count = block.count;
  const Index own = row.column - block.first;
  const bool has_own = own >= 0 && own < count;
  LaneSum diff_scale;
  if (has_own) products[own] = 0;  // comes from row.own; the only exponent that may be above 0
  Index j = 0;
  for (; j + kLanes <= count; j += kLanes) {
    const Lanes product = load(products + j);
    const Lanes gradient = exp(min(product * scale - shift, Lanes{})) * share - smooth;
    diff_scale.add_product(product, gradient);
    store(products + j, gradient);
  }
  if (j < count) {
    const Lanes product = load_part(products + j, count - j, 0);
    const Lanes gradient = exp(min(product * scale - shift, Lanes{})) * share - smooth;
    diff_scale.add_product(product, gradient);
    store_part(products + j, count - j, gradient);
  }
  double along = diff_scale.total();
  if (has_own) {
    const double probability = std::exp(row.own - row.greatest) / row.sum;
    const double wanted = 1 - settings_.label_smoothing +
                          settings_.label_smoothing / static_cast<double>(products_.classes());
    products[own] = static_cast<Scalar>(each * row.own_slope * (probability - wanted));
    along += row.factor * row.own * (probability - wanted);
  }
  return along;
}

void read_scale(Section section, HeadSettings& settings) {
  section.read("scale", settings.scale, "factor of the products (s of the papers)", {1e-6, 1e4});
}

void read_label_smoothing(Section section, HeadSettings& settings) {
  section.read("label_smoothing", settings.label_smoothing,
               "probability spread evenly over all classes", {0, 1});
}

void read_learning_rate_factor(Section section, HeadSettings& settings) {
  section.read("learning_rate_factor", settings.learning_rate_factor,
               "of the class weights, times the optimizer's learning rate", {0, 1e4});
}

void read_class_share(Section section, HeadSettings& settings) {
  section.read("class_share", settings.class_share,
               "of all classes, how many take part in a step: the batch's, the rest drawn anew; "
               "1 for all (Partial FC, An et al. 2021)",
               {1e-6, 1});
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
