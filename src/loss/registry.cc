#include "kindred/core/error.h"
#include "kindred/loss/loss.h"

#include <fmt/format.h>

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

void Loss::initialise(std::uint64_t /*seed*/, std::span<Scalar> /*parameters*/) {}

std::span<const LossEntry> loss_registry() {
#define KINDRED_ENTRY(name) name##_loss(),
  static const LossEntry entries[] = {KINDRED_LOSSES(KINDRED_ENTRY)};
#undef KINDRED_ENTRY
  return entries;
}

const LossEntry& find_loss(std::string_view name) {
  std::vector<std::string> names;
  for (const LossEntry& entry : loss_registry()) {
    if (entry.name == name) return entry;
    names.emplace_back(entry.name);
  }
  const std::string near = nearest(name, names);
  fail(ErrorKind::recipe,
       fmt::format("unknown loss '{}'; {}", name,
                   near.empty() ? fmt::format("there are {}", fmt::join(names, ", "))
                                : fmt::format("did you mean '{}'?", near)));
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
