#pragma once
#include <memory>
#include <string>
#include <vector>

#include "kindred/core/buffer.h"
#include "kindred/loss/loss.h"
#include "loss/bases/class_parts.h"
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

/// Columns that are computed with at once: classes of one part.
struct ClassBlock {
  Index part;
  Index first;  ///< column
  Index count;
  Index slot;      ///< where it lies in what is kept, in columns
  bool ends_part;  ///< backward() begins with it
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
/// A block is a part's columns, and all blocks' products are kept, while B x rows stays below
/// kKept numbers. Beyond, parts are cut into blocks, and every forward computes its block again:
/// B x rows numbers are never kept. Blocks follow from the configuration only; a rank has those of
/// its parts.
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
  void begin(const LossInput& input);
  /// How many of them; a class's column is its place among them.
  Index classes() const { return taking_part_.count(); }
  /// The column of a label of the batch.
  Index column_of(std::int64_t label) const { return taking_part_.place_of(label); }

  ClassParts& parts() { return parts_; }
  /// Of the own classes' weights in the flat array.
  Index offset() const { return offset_; }
  /// This rank's, in the order of their columns.
  std::span<const ClassBlock> blocks() const { return blocks_; }
  /// Products stand until the step's end, and are not to be computed again.
  bool are_kept() const { return are_kept_; }
  /// The most slots that blocks take at once.
  Index slots() const { return slots_; }

  /// The block's products: those that forward() has made.
  ScalarView products_of(const ClassBlock& block, Index batch);
  /// They stand until the next forward(), or the step's end.
  ScalarView forward(const Workers& workers, const LossInput& input, const ClassBlock& block);
  /// `gradient` is d loss / d product, weighted: usually written over forward()'s, which must be
  /// the last unless products are kept. Writes the weights' gradient. Each block once a step, the
  /// last first.
  void backward(const Workers& workers, const LossInput& input, const ClassBlock& block,
                ConstScalarView gradient, LossOutput& output);
  /// After all blocks: adds the embeddings' gradient of all ranks' blocks.
  void finish(const Workers& workers, const LossInput& input, LossOutput& output);

 private:
  bool reads_in_place() const { return !settings_.normalize && rows_of_block_.size() == 0; }
  Index row_of(Index label) const {
    return (label - parts_.own_first_class()) * settings_.sub_centers;
  }
  void add_blocks(Index part);
  void find_rows(const ClassBlock& block);
  void clear_others(const Workers& workers, Index part, ScalarView diff_weights) const;
  ScalarView weights_of(const ClassBlock& block);
  std::span<Scalar> lengths_of(const ClassBlock& block);
  ConstScalarView weights(const LossInput& input) const {
    return {input.parameters.data() + offset_, rows_, depth_};
  }

  ClassProductsSettings settings_;
  std::string name_;
  ClassParts parts_;
  Index offset_;
  Index rows_;  // of this rank's weights
  Index depth_;
  TakingPart taking_part_;
  bool are_kept_;
  Index block_classes_;  // the most of a block
  Index slots_;
  std::vector<ClassBlock> blocks_;
  Buffer<Scalar> products_;
  Buffer<Index> rows_of_block_;  // of the weights, where they are not one after the other
  ScalarMatrix block_weights_;   // of the blocks at hand, unless they are read in place
  ScalarMatrix diff_block_weights_;
  Buffer<Scalar> lengths_;
  PartSums diff_x_;
};

}  // namespace KINDRED_SCALAR
}  // namespace kindred
