#pragma once
#include "loss/class_products.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

/// What a classification head starts from; a head changes what its paper says otherwise.
struct HeadSettings {
  bool normalize = false;  ///< cosines of unit rows, or the plain product
  double scale = 1;
  bool scale_by_length = false;  ///< the scale of a row is `scale` times ‖x‖
  double label_smoothing = 0;
  double learning_rate_factor = 1;
};

/// A number and its derivative.
struct Derived {
  double value;
  double derivative;
};

/// Base of the losses that classify: cross-entropy of scale · (product with each class's weights),
/// where a head may change the product with the own class (a margin) and the row's loss (focal).
///
///   l_j = scale · (x·w_j),  l_y = scale · target(x·w_y)
///   loss = mean over rows of row_loss(log Σ_j e^(l_j) − Σ_j q_j l_j)
///   q = (1 − label_smoothing) at the own class + label_smoothing / classes everywhere
///
/// The greatest logit is taken out before the exponential, so no scale overflows.
class CrossEntropyHead : public Loss {
 public:
  CrossEntropyHead(const LossContext& context, ParameterTable& table, const HeadSettings& settings);
  void initialise(std::uint64_t seed, std::span<Scalar> parameters) override;
  double compute(const Workers& workers, const LossInput& input, LossOutput& output) override;

 protected:
  /// What stands for the product with the own class, and its derivative.
  virtual Derived target(double product) const { return {product, 1}; }
  /// The loss of a row of that cross-entropy.
  virtual Derived row_loss(double cross_entropy) const { return {cross_entropy, 1}; }

 private:
  /// One row of the batch on its way through the blocks of classes.
  struct Row {
    Index label;
    double scale;
    double greatest;    // logit so far
    double sum;         // Σ e^(logit − greatest) so far
    double logit_sum;   // Σ logit, for label smoothing
    double own;         // the own class's logit
    double own_slope;   // d target / d product
    double factor;      // d loss / d cross-entropy, weighted
    double diff_scale;  // d loss / d scale so far, times the scale
  };
  void add_block(Row& row, Scalar* products, Index first, Index count) const;
  void add_length_gradient(const LossInput& input, LossOutput& output) const;
  void write_gradient(Row& row, Scalar* products, Index first, Index count) const;

  HeadSettings settings_;
  Index classes_;
  ClassProducts products_;
  Buffer<Row> rows_;
};

// Settings that several heads have.
void read_scale(Section section, HeadSettings& settings);
void read_label_smoothing(Section section, HeadSettings& settings);
void read_learning_rate_factor(Section section, HeadSettings& settings);

}  // namespace KINDRED_SCALAR
}  // namespace kindred
