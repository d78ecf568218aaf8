#include "loss/cross_entropy_head.h"

#include <algorithm>
#include <cmath>

#include "loss/lanes.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

constexpr Index kRows = 4;  // rows of the batch a task owns

}  // namespace

CrossEntropyHead::CrossEntropyHead(const LossContext& context, ParameterTable& table,
                                   const HeadSettings& settings)
    : settings_(settings),
      classes_(context.classes),
      products_(context, table, context.classes, settings.normalize, settings.learning_rate_factor),
      rows_(context.batch) {}

void CrossEntropyHead::initialise(std::uint64_t seed, std::span<Scalar> parameters) {
  products_.initialise(seed, parameters);
}

double CrossEntropyHead::compute(const Workers& workers, const LossInput& input,
                                 LossOutput& output) {
  const Index batch = input.embeddings.rows();
  for (Index i = 0; i < batch; ++i) {
    const auto label = static_cast<Index>(input.labels[static_cast<std::size_t>(i)]);
    rows_[i] = {label, -std::numeric_limits<double>::infinity(), 0, 0, 0, 0, 0};
  }

  ScalarView products;
  for (Index block = 0; block < products_.blocks(); ++block) {
    products = products_.forward(workers, input, block);
    workers.for_blocks(batch, kRows, [&](Index begin, Index end, int) {
      for (Index i = begin; i < end; ++i) {
        add_block(rows_[i], products.row(i), products_.first_row(block), products.cols());
      }
    });
  }

  double sum = 0;
  Index right = 0;
  for (Index i = 0; i < batch; ++i) {
    Row& row = rows_[i];
    const double smooth = settings_.label_smoothing;
    const double expected =
        (1 - smooth) * row.own + smooth * row.logit_sum / static_cast<double>(classes_);
    const double cross_entropy = row.greatest + std::log(row.sum) - expected;
    const Derived loss = row_loss(cross_entropy);
    sum += loss.value;
    row.factor = loss.derivative * static_cast<double>(output.weight) / static_cast<double>(batch);
    right += row.own >= row.greatest ? 1 : 0;
  }

  for (Index block = 0; block < products_.blocks(); ++block) {
    if (!products_.kept()) products = products_.forward(workers, input, block);
    workers.for_blocks(batch, kRows, [&](Index begin, Index end, int) {
      for (Index i = begin; i < end; ++i) {
        write_gradient(rows_[i], products.row(i), products_.first_row(block), products.cols());
      }
    });
    products_.backward(workers, input, block, products, output);
  }
  if (output.scalars != nullptr) {
    output.scalars->push_back(
        {"accuracy", static_cast<double>(right) / static_cast<double>(std::max<Index>(batch, 1))});
  }
  return sum / static_cast<double>(std::max<Index>(batch, 1));
}

/// Takes `count` classes from `first` on into the row's running log-sum-exp.
void CrossEntropyHead::add_block(Row& row, Scalar* products, Index first, Index count) const {
  constexpr Scalar kNone = -std::numeric_limits<Scalar>::infinity();
  const auto scale = static_cast<Scalar>(settings_.scale);
  const Index own = row.label - first;
  const bool has_own = own >= 0 && own < count;
  const Scalar own_product = has_own ? products[own] : Scalar{0};
  if (has_own) {
    const Derived derived = target(static_cast<double>(own_product));
    row.own_slope = derived.derivative;
    products[own] = static_cast<Scalar>(derived.value);
    row.own = static_cast<double>(products[own] * scale);
  }
  const Index whole = count / kLanes * kLanes;
  Lanes most = broadcast(kNone);
  for (Index j = 0; j < whole; j += kLanes) most = max(most, load(products + j) * scale);
  if (whole < count) {
    most = max(most, load_part(products + whole, count - whole, kNone) * scale);
  }
  const Scalar block_greatest = largest(most);
  const double greatest = std::max(row.greatest, static_cast<double>(block_greatest));
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
    exponentials.add(exp(load_part(products + whole, rest, kNone) * scale - shift));
    logits.add(load_part(products + whole, rest, 0) * scale);
  }
  row.sum = row.sum * std::exp(row.greatest - greatest) + exponentials.total();
  row.logit_sum += logits.total();
  row.greatest = greatest;
  if (has_own) products[own] = own_product;
}

/// products := d loss / d products, for `count` classes from `first` on.
void CrossEntropyHead::write_gradient(const Row& row, Scalar* products, Index first,
                                      Index count) const {
  const auto scale = static_cast<Scalar>(settings_.scale);
  const auto shift = static_cast<Scalar>(row.greatest);
  const double each = row.factor * settings_.scale;
  const auto share = static_cast<Scalar>(each / row.sum);
  const auto smooth =
      static_cast<Scalar>(each * settings_.label_smoothing / static_cast<double>(classes_));
  const Index own = row.label - first;
  const bool has_own = own >= 0 && own < count;
  Index j = 0;
  for (; j + kLanes <= count; j += kLanes) {
    store(products + j, exp(load(products + j) * scale - shift) * share - smooth);
  }
  if (j < count) {
    const Lanes rest = load_part(products + j, count - j, 0);
    store_part(products + j, count - j, exp(rest * scale - shift) * share - smooth);
  }
  if (has_own) {
    const double probability = std::exp(row.own - row.greatest) / row.sum;
    const double wanted =
        1 - settings_.label_smoothing + settings_.label_smoothing / static_cast<double>(classes_);
    products[own] = static_cast<Scalar>(each * row.own_slope * (probability - wanted));
  }
}

void read_learning_rate_factor(Section section, HeadSettings& settings) {
  section.read("learning_rate_factor", settings.learning_rate_factor,
               "of the class weights, times the optimizer's learning rate", {0, 1e4});
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
