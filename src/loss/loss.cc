#include "kindred/loss/loss.h"

#include <fmt/format.h>

#include "kindred/core/error.h"
#include "loss/loss_kernels.h"
#include "loss/bases/miner.h"

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
  const std::string near = nearest(name, names);
  fail(ErrorKind::recipe,
       fmt::format("unknown loss '{}'; {}", name,
                   near.empty() ? fmt::format("there are {}", fmt::join(names, ", "))
                                : fmt::format("did you mean '{}'?", near)));
}

std::span<const MinerEntry> miner_registry() { return kernels<LossKernels>().miners(); }

void read_miner_settings(const MinerEntry& entry, Section section) { entry.make(section); }

}  // namespace KINDRED_SCALAR
}  // namespace kindred
