#include "loss/loss_kernels.h"
#include "loss/unit_rows.h"

// clang-format off
// One line a loss: loss(NAME) stands for the function `LossEntry NAME_loss()` of NAME.cc.
#define KINDRED_LOSSES(loss) \
  loss(adacos) \
  loss(arcface) \
  loss(binary_cross_entropy) \
  loss(center) \
  loss(circle) \
  loss(combined_margin) \
  loss(contrastive) \
  loss(cosface) \
  loss(focal) \
  loss(histogram) \
  loss(island) \
  loss(lifted_structure) \
  loss(margin) \
  loss(mse) \
  loss(multi_similarity) \
  loss(n_pairs) \
  loss(normalized_softmax) \
  loss(ntxent) \
  loss(proxy_anchor) \
  loss(proxy_nca) \
  loss(smooth_ap) \
  loss(soft_triple) \
  loss(softmax) \
  loss(sphereface) \
  loss(subcenter_arcface) \
  loss(supcon) \
  loss(triplet)
// clang-format on

namespace kindred {
inline namespace KINDRED_SCALAR {

#define KINDRED_DECLARE(name) LossEntry name##_loss();
KINDRED_LOSSES(KINDRED_DECLARE)
#undef KINDRED_DECLARE

namespace {

std::span<const LossEntry> losses() {
#define KINDRED_ENTRY(name) name##_loss(),
  static const LossEntry entries[] = {KINDRED_LOSSES(KINDRED_ENTRY)};
#undef KINDRED_ENTRY
  return entries;
}

}  // namespace
}  // namespace KINDRED_SCALAR

KINDRED_OFFER(LossKernels, {losses, miners, unit_rows, unit_rows_backward, mine});

}  // namespace kindred
