#include "core/files/running_checksum.h"

#include <xxhash.h>

#include <new>

namespace kindred {

struct RunningChecksum::State {
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> of{XXH3_createState(), &XXH3_freeState};
};

RunningChecksum::RunningChecksum() : state_(std::make_unique<State>()) {
  if (!state_->of) throw std::bad_alloc();
  XXH3_64bits_reset(state_->of.get());
}

RunningChecksum::~RunningChecksum() = default;

void RunningChecksum::add(std::span<const std::byte> bytes) {
  XXH3_64bits_update(state_->of.get(), bytes.data(), bytes.size());
}

std::uint64_t RunningChecksum::value() const { return XXH3_64bits_digest(state_->of.get()); }

}  // namespace kindred
