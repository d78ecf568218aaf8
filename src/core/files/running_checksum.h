#pragma once
#include <cstdint>
#include <memory>
#include <span>

namespace kindred {

/// checksum() (kindred/core/file.h) of what comes piece by piece.
class RunningChecksum {
 public:
  RunningChecksum();
  ~RunningChecksum();
  void add(std::span<const std::byte> bytes);
  std::uint64_t value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kindred
