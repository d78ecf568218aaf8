#pragma once
#include <memory>
#include <string>

#include "kindred/core/buffer.h"
#include "kindred/loss/loss.h"
#include "loss/bases/taking_part.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

/// What the rows of weights are.
struct ClassProductsSettings {
  bool normalize = false;
  double learning_rate_factor = 1;
  Index sub_centers = 1;   ///< rows of weights for each class, class-major: c · sub_centers + k
  double class_share = 1;  ///< of the classes, how many take part in a step
};

/// The products of a batch with rows of trainable weights (class weights or proxies), the
/// weights a block of classes at a time, and the chain rule back to both.
///
///   forward:   product = x Wᵀ                 [B, rows of the block]
///   backward:  diff_x += G W,  diff_W = Gᵀ x   with G = d loss / d product
///
/// With `normalize`, x and W are unit rows (then a product is a cosine); a zero row gives 0.
/// Columns are the classes that take part in the step, in the order of their labels; with several
/// sub-centers a block holds sub-center 0 of all its classes, then sub-center 1, and so on.
/// All rows are one block while B x rows stays below kKept numbers; beyond, every forward computes
/// its block again and B x rows numbers are never kept. Blocks follow from the configuration only.
class ClassProducts {
 public:
  static constexpr Index kKept = Index{1} << 23;   ///< numbers of all products kept at once
  static constexpr Index kBlock = Index{1} << 20;  ///< numbers of a block beyond that

  /// Adds the segment "NAME.weights" [classes · sub_centers, D].
  ClassProducts(const LossContext& context, ParameterTable& table,
                const ClassProductsSettings& settings);

  /// Uniform in ±1 / sqrt(D).
  void initialise(std::uint64_t seed, std::span<Scalar> parameters) const;

  /// Before all else of a step: which classes take part.
  void begin(const LossInput& input) { taking_part_.choose(input); }
  /// How many of them; a class's column is its place among them.
  Index classes() const { return taking_part_.count(); }
  /// The column of a label of the batch.
  Index column_of(std::int64_t label) const { return taking_part_.place_of(label); }

  /// Of the weights in the flat array.
  Index offset() const { return offset_; }
  Index blocks() const { return blocks_of(classes(), block_classes_); }
  Index first_class(Index block) const { return block * block_classes_; }
  Index class_count(Index block) const {
    return std::min(block_classes_, classes() - first_class(block));
  }
  /// The most columns a block of one sub-center has.
  Index most_classes() const { return block_classes_; }

  /// The block's products, in a buffer of this object's that stands until the next forward().
  ScalarView forward(const Workers& workers, const LossInput& input, Index block);
  /// `gradient` is d loss / d product, weighted: usually written over forward()'s buffer, whose
  /// block it must be the last of. Adds to output's embeddings, writes the weights' gradient; each
  /// block once a step.
  void backward(const Workers& workers, const LossInput& input, Index block,
                ConstScalarView gradient, LossOutput& output);

 private:
  bool reads_in_place() const { return !settings_.normalize && rows_of_block_.size() == 0; }
  void find_rows(Index block);
  void clear_others(const Workers& workers, Index block, ScalarView diff_weights) const;
  ConstScalarView weights(const LossInput& input) const {
    return {input.parameters.data() + offset_, rows_, depth_};
  }

  ClassProductsSettings settings_;
  std::string name_;
  Index offset_;
  Index rows_;
  Index depth_;
  TakingPart taking_part_;
  Index block_classes_;
  Buffer<Scalar> products_;
  Buffer<Index> rows_of_block_;  // of the weights, where they are not one after the other
  ScalarMatrix block_weights_;   // of the block at hand, unless they are read in place
  ScalarMatrix diff_block_weights_;
  Buffer<Scalar> lengths_;
};

}  // namespace KINDRED_SCALAR
}  // namespace kindred
