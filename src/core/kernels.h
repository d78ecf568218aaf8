#pragma once
#include "kindred/core/cpu.h"

/// How one program serves every CPU. Sources that hold inner loops are kernels: they are compiled
/// once for each level of instruction sets (kindred_kernels in src/CMakeLists.txt), and offer what
/// they compute as a table, a plain struct of functions and constants:
///
///   struct NormKernels {                          // norm_kernels.h
///     static constexpr Isa kHighest = Isa::bf16;  // compiled no higher: no use for more
///     void (*forward)(...);
///   };
///   KINDRED_OFFER(NormKernels, {forward});        // norm_kernels.cc, in namespace kindred
///   kernels<NormKernels>().forward(...);          // whoever calls it
///
/// All objects of a level are joined into one whose only global symbols are the tables
/// (tools/check asks nm): no inline function compiled for a higher level can be taken for all.
/// Kernels may therefore be ordinary C++. They see the same types as everybody: what depends on the
/// level must not be part of a type that crosses the table.
namespace kindred {

template <typename Table, Isa level>
struct KernelsAt {
  static const Table& get();
};

/// The highest level that this build has (KINDRED_HIGHEST in CMakeLists.txt).
#if defined(KINDRED_HIGHEST)
inline constexpr Isa kCompiled = Isa::KINDRED_HIGHEST;
#else
inline constexpr Isa kCompiled = Isa::amx;
#endif

/// The table of a level, or of the highest below it that it is compiled for.
template <typename Table>
const Table& kernels_at(Isa level) {
  constexpr Isa kMost = Table::kHighest < kCompiled ? Table::kHighest : kCompiled;
  if constexpr (kMost >= Isa::amx) {
    if (level >= Isa::amx) return KernelsAt<Table, Isa::amx>::get();
  }
  if constexpr (kMost >= Isa::bf16) {
    if (level >= Isa::bf16) return KernelsAt<Table, Isa::bf16>::get();
  }
  if constexpr (kMost >= Isa::v4) {
    if (level >= Isa::v4) return KernelsAt<Table, Isa::v4>::get();
  }
  if constexpr (kMost >= Isa::v3) {
    if (level >= Isa::v3) return KernelsAt<Table, Isa::v3>::get();
  }
  return KernelsAt<Table, Isa::v2>::get();
}

/// The table that this process computes with.
template <typename Table>
const Table& kernels() {
  static const Table& table = kernels_at<Table>(isa());
  return table;
}

#if defined(KINDRED_LEVEL)  // in a kernel: the level that it is being compiled for
inline constexpr Isa kLevel = Isa::KINDRED_LEVEL;

#define KINDRED_OFFER(Table, ...)                 \
  template <>                                     \
  const Table& KernelsAt<Table, kLevel>::get() {  \
    static constexpr Table offered = __VA_ARGS__; \
    return offered;                               \
  }                                               \
  static_assert(kLevel <= Table::kHighest)
#endif

}  // namespace kindred
