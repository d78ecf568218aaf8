#pragma once
#include "loss/bases/class_products.h"
#include "loss/bases/derived.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

/// What a classification head starts from; a head changes what its paper says otherwise.
struct HeadSettings {
  bool normalize = false;  ///< cosines of unit rows, or the plain product
  double scale = 1;
  bool scale_by_length = false;  ///< the scale of a row is `scale` times ‖x‖
  double label_smoothing = 0;
  double learning_rate_factor = 1;
  Index sub_centers = 1;   ///< rows of weights for each class, class-major: c · sub_centers + k
  double class_share = 1;  ///< of the classes, how many take part in a step
};

/// Base of the losses that classify: cross-entropy of scale · (product with each class's weights),
/// where a head may change the product with the own class (a margin) and the row's loss (focal).
///
///   l_j = scale · (x·w_j),  l_y = scale · target(x·w_y)
///   loss = mean over rows of row_loss(log Σ_j e^(l_j) − Σ_j q_j l_j)
///   q = (1 − label_smoothing) at the own class + label_smoothing / classes everywhere
///
/// The classes are all, or those that take part in the step (class_share); the weights of the
/// others get a gradient of zero.
/// The greatest logit is taken out before the exponential, so no scale overflows. A head with
/// several rows of weights for each class makes one number of their products.
class CrossEntropyHead : public Loss {
 public:
  CrossEntropyHead(const LossContext& context, ParameterTable& table, const HeadSettings& settings);
  void initialise(std::uint64_t seed, std::span<Scalar> parameters) override;
  double compute(const Workers& workers, const LossInput& input, LossOutput& output) override;

 protected:
  /// What is known of a row of the batch and some classes: a part's so far, or all.
  struct Sums {
    double greatest;   // logit
    double sum;        // Σ e^(logit − greatest)
    double logit_sum;  // Σ logit, for label smoothing
    double own;        // the own class's logit; −infinity where it is none of the classes
    double own_slope;  // d target / d product
  };
  static Sums none();

  /// One row of the batch.
  struct Row : Sums {
    Index column;  // of the own class
    double scale;
    double factor;      // d loss / d cross-entropy, weighted
    double diff_scale;  // d loss / d scale, times the scale
  };

  /// What stands for the product with the own class, and its derivative.
  virtual Derived target(double product) const { return {product, 1}; }
  /// The loss of a row of that cross-entropy.
  virtual Derived row_loss(double cross_entropy) const { return {cross_entropy, 1}; }
  /// With sub-centers: values [classes] of the products [sub_centers, classes] of a row;
  /// the greatest, unless a head says otherwise.
  virtual void reduce_row(const Scalar* products, Index classes, Scalar* values) const;
  /// The chain rule of reduce_row: products become d loss / d product.
  virtual void spread_row(const Scalar* gradient, Index classes, Scalar* products) const;

  /// A head may change the scale here, once the rows' sums under the old one are known.
  virtual bool move_scale(Index /*batch*/, const Row* /*rows*/) { return false; }

  const HeadSettings& settings() const { return settings_; }
  void set_scale(double scale) { settings_.scale = scale; }
  ClassProducts& products() { return products_; }

 private:
  void sum_exponentials(const Workers& workers, const LossInput& input, bool multiply);
  void show(const ClassBlock& block, Index batch);
  void forward(const Workers& workers, const LossInput& input, const ClassBlock& block);
  void propagate_back(const Workers& workers, const LossInput& input, LossOutput& output);
  void backward(const Workers& workers, const LossInput& input, const ClassBlock& block,
                LossOutput& output);
  void add_block(const Row& row, Scalar* products, const ClassBlock& block, Sums& sums) const;
  void add_length_gradient(const LossInput& input, LossOutput& output);
  double write_gradient(const Row& row, Scalar* products, const ClassBlock& block) const;

  HeadSettings settings_;
  ClassProducts products_;
  Buffer<Row> rows_;
  Buffer<Sums> sums_;           // [parts, B]
  Buffer<double> diff_scales_;  // [parts, B], with scale_by_length
  Buffer<Scalar> reduced_;      // [B, classes] of the blocks at hand, with sub-centers
  ScalarView block_;            // products of the block at hand
  ScalarView values_;           // one for each class of the block
};

// Settings that several heads have.
void read_scale(Section section, HeadSettings& settings);
void read_label_smoothing(Section section, HeadSettings& settings);
void read_learning_rate_factor(Section section, HeadSettings& settings);
void read_class_share(Section section, HeadSettings& settings);

}  // namespace KINDRED_SCALAR
}  // namespace kindred
