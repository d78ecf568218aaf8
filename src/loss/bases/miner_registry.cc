#include "loss/bases/miner.h"
#include "loss/loss_kernels.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

std::span<const MinerEntry> miner_registry() { return kernels<LossKernels>().miners(); }

void read_miner_settings(const MinerEntry& entry, Section section) { entry.make(section); }

}  // namespace KINDRED_SCALAR
}  // namespace kindred
