#pragma once
#include <memory>
#include <string>

#include "kindred/core/buffer.h"
#include "kindred/loss/loss.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

/// The products of a batch with rows of trainable weights (class weights or proxies), the
/// weights a block of rows at a time, and the chain rule back to both.
///
///   forward:   product = x Wᵀ                 [B, rows of the block]
///   backward:  diff_x += G W,  diff_W = Gᵀ x   with G = d loss / d product
///
/// With `normalize`, x and W are unit rows (then a product is a cosine); a zero row gives 0.
/// All rows are one block while B x rows stays below kKept numbers; beyond, every forward computes
/// its block again and B x rows numbers are never kept. Blocks follow from the configuration only.
class ClassProducts {
 public:
  static constexpr Index kKept = Index{1} << 22;   ///< numbers of all products kept at once
  static constexpr Index kBlock = Index{1} << 20;  ///< numbers of a block beyond that

  /// Adds the segment "NAME.weights" [rows, D]. A block's rows are a multiple of `unit`.
  ClassProducts(const LossContext& context, ParameterTable& table, Index rows, bool normalize,
                double learning_rate_factor, Index unit = 1);

  /// Uniform in ±1 / sqrt(D).
  void initialise(std::uint64_t seed, std::span<Scalar> parameters) const;

  Index rows() const { return rows_; }
  /// Of the weights in the flat array.
  Index offset() const { return offset_; }
  Index blocks() const { return blocks_of(rows_, block_rows_); }
  Index first_row(Index block) const { return block * block_rows_; }
  Index row_count(Index block) const { return std::min(block_rows_, rows_ - first_row(block)); }
  /// Whether what forward() gave stays valid until the backward of that block.
  bool kept() const { return blocks() == 1; }

  /// The block's products, in a buffer of this object's.
  ScalarView forward(const Workers& workers, const LossInput& input, Index block);
  /// `gradient` is d loss / d product, weighted: usually written over forward()'s buffer, whose
  /// block it must be the last of. Adds to output's embeddings, writes the weights' gradient.
  void backward(const Workers& workers, const LossInput& input, Index block,
                ConstScalarView gradient, LossOutput& output);

 private:
  ConstScalarView weights(const LossInput& input, Index block) const;

  std::string name_;
  Index offset_;
  Index rows_;
  Index depth_;
  Index block_rows_;
  bool normalize_;
  Buffer<Scalar> products_;
  ScalarMatrix unit_weights_;  // of the block at hand, with `normalize`
  ScalarMatrix diff_unit_weights_;
  Buffer<Scalar> lengths_;
};

}  // namespace KINDRED_SCALAR
}  // namespace kindred
