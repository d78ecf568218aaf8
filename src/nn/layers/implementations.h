#pragma once
#include <memory>
#include <span>

#include "nn/contract/registry.h"

namespace kindred {

/// One way to compute the first of a chain of pieces, or the first few at once.
struct Implementation {
  const char* name;
  /// How many pieces it takes from the front; 0 where it does not suit. `src`: what the first
  /// reads.
  std::size_t (*takes)(std::span<const FusedSpec> pieces, const Source& src,
                       const Compiler& compiler);
  std::unique_ptr<Layer> (*make)(std::span<const FusedSpec> taken, const Source& src,
                                 Compiler& compiler);
};

/// All of them, as they are asked: the first that takes something computes it. The last is what the
/// registry has for a piece's kind, and takes any.
std::span<const Implementation> implementations();

/// Compiles what the first of `pieces` begin with, and takes it off them.
std::unique_ptr<Layer> make_first(std::span<const FusedSpec>& pieces, const Source& src,
                                  Compiler& compiler);

}  // namespace kindred
