#include "kindred/loss/loss.h"

#include <fmt/format.h>

#include "core/texts/did_you_mean.h"
#include "kindred/core/error.h"
#include "loss/loss_kernels.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

void Loss::initialise(std::uint64_t /*seed*/, std::span<Scalar> /*parameters*/) {}

std::span<const LossEntry> loss_registry() { return kernels<LossKernels>().losses(); }

const LossEntry& find_loss(std::string_view name) {
  std::vector<std::string> names;
  for (const LossEntry& entry : loss_registry()) {
    if (entry.name == name) return entry;
    names.emplace_back(entry.name);
  }
  fail(ErrorKind::recipe,
       fmt::format(
           "unknown loss '{}'{}", name,
           did_you_mean(name, names, fmt::format("; there are {}", fmt::join(names, ", ")))));
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
