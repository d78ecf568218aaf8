#include <algorithm>
#include <cmath>

#include "core/lanes.h"
#include "kindred/core/matmul.h"
#include "kindred/loss/loss.h"
#include "loss/bases/batch_classes.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// The rows of a class are taken two by two, an anchor a and its positive p; the k-th pairs of all
/// classes stand against each other:
///   mean over pairs i of log(1 + Σ_j≠i e^(a_i·p_j − a_i·p_i)) + l2 · mean over their rows of ‖x‖²
/// on raw embeddings. An odd row of a class takes no part.
class NPairs : public Loss {
 public:
  NPairs(const LossContext& context, double l2)
      : l2_(l2),
        classes_(context.batch),
        pairs_(context.batch),
        anchors_(context.batch, context.embedding),
        positives_(context.batch, context.embedding),
        diff_anchors_(context.batch, context.embedding),
        diff_positives_(context.batch, context.embedding),
        products_(context.batch, context.batch) {}

  double compute(const Workers& workers, const LossInput& input, LossOutput& output) override {
    classes_.group(input.labels);
    Index all = 0;
    for (Index c = 0; c < classes_.count(); ++c) {
      all += static_cast<Index>(classes_.members(c).size()) / 2;
    }
    if (all == 0) return 0;
    const double factor = static_cast<double>(output.weight) / static_cast<double>(all);
    double value = 0;
    double squares = 0;
    for (Index k = 0; gather(input, k) > 0; ++k) {
      value += compare(workers, factor);
      for (Index i = 0; i < count_; ++i) {
        squares += add_row(anchors_.row(i), diff_anchors_.row(i), factor,
                           output.diff_embeddings.row(pairs_[i].anchor));
        squares += add_row(positives_.row(i), diff_positives_.row(i), factor,
                           output.diff_embeddings.row(pairs_[i].positive));
      }
    }
    return (value + l2_ / 2 * squares) / static_cast<double>(all);
  }

 private:
  struct Pair {
    Index anchor;
    Index positive;
  };

  /// The k-th pair of every class that has one; returns how many.
  Index gather(const LossInput& input, Index k) {
    count_ = 0;
    const auto first = static_cast<std::size_t>(2 * k);
    for (Index c = 0; c < classes_.count(); ++c) {
      const std::span<const Index> members = classes_.members(c);
      if (members.size() < first + 2) continue;
      pairs_[count_] = {members[first], members[first + 1]};
      std::copy_n(input.embeddings.row(pairs_[count_].anchor), anchors_.cols(),
                  anchors_.row(count_));
      std::copy_n(input.embeddings.row(pairs_[count_].positive), anchors_.cols(),
                  positives_.row(count_));
      ++count_;
    }
    return count_;
  }

  /// The sum of the terms of the gathered pairs, and factor times the gradient of their rows.
  double compare(const Workers& workers, double factor) {
    const ConstScalarView a = anchors_.view().rows_from(0, count_);
    const ConstScalarView p = positives_.view().rows_from(0, count_);
    const ScalarView s(products_.data(), count_, count_, products_.stride());
    multiply_nt<Scalar>(workers, a, p, s);
    double value = 0;
    for (Index i = 0; i < count_; ++i) value += turn_to_gradient(s.row(i), i, factor);
    multiply_nn<Scalar>(workers, s, p, diff_anchors_.view().rows_from(0, count_));
    multiply_tn<Scalar>(workers, s, a, diff_positives_.view().rows_from(0, count_));
    return value;
  }

  /// −log softmax of the own product; the row of products becomes its gradient.
  double turn_to_gradient(Scalar* row, Index own, double factor) const {
    const Scalar greatest = *std::max_element(row, row + count_);
    const double own_product = row[own];
    double sum = 0;
    for (Index j = 0; j < count_; ++j) sum += std::exp(static_cast<double>(row[j] - greatest));
    for (Index j = 0; j < count_; ++j) {
      const double share = std::exp(static_cast<double>(row[j] - greatest)) / sum;
      row[j] = static_cast<Scalar>(factor * (share - (j == own ? 1 : 0)));
    }
    return static_cast<double>(greatest) + std::log(sum) - own_product;
  }

  /// Adds a row's gradient and that of its length; returns ‖x‖².
  double add_row(const Scalar* x, const Scalar* gradient, double factor, Scalar* to) const {
    const auto shrink = static_cast<Scalar>(l2_ * factor);
    for (Index k = 0; k < anchors_.cols(); ++k) to[k] += gradient[k] + shrink * x[k];
    return dot(x, x, anchors_.cols());
  }

  double l2_;
  BatchClasses classes_;
  Index count_ = 0;  // pairs gathered
  Buffer<Pair> pairs_;
  ScalarMatrix anchors_;
  ScalarMatrix positives_;
  ScalarMatrix diff_anchors_;
  ScalarMatrix diff_positives_;
  ScalarMatrix products_;
};

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& /*table*/,
                           State& /*state*/) {
  double l2 = 0.02;
  section.read("l2", l2, "weight of the mean squared length of the embeddings", {0, 1e3});
  return std::make_unique<NPairs>(context, l2);
}

}  // namespace

LossEntry n_pairs_loss() {
  return {"n_pairs", "one pair a class against those of all others (Sohn 2016)", LearnsFrom::pairs,
          make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
