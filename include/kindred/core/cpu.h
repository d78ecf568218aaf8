#pragma once
#include <string_view>

#include "kindred/core/export.h"

namespace KINDRED_API kindred {

/// A level of x86-64 instruction sets, each with all of the one before. The library's loops are
/// compiled once for each (core/kernels.h); bits are promised per level.
enum class Isa {
  v2,    ///< x86-64-v2: SSE4.2. Everything runs, and slowly.
  v3,    ///< x86-64-v3: AVX2, FMA, F16C
  v4,    ///< x86-64-v4: AVX-512 F, BW, CD, DQ, VL
  bf16,  ///< AVX512_BF16 as well
  amx,   ///< AMX's tiles of bfloat16 as well
};
inline constexpr Isa kAllIsas[] = {Isa::v2, Isa::v3, Isa::v4, Isa::bf16, Isa::amx};

/// "v2", "v3", "v4", "bf16", "amx": what KINDRED_MAX_ISA takes.
std::string_view name_of(Isa isa);

/// The highest level that this CPU has, the operating system lets programs use, and this build has.
/// Fails with ErrorKind::internal on a CPU below v2.
Isa cpu_isa();

/// What KINDRED_MAX_ISA=`wanted` stands for here; nothing wanted: cpu_isa(). Fails with
/// ErrorKind::usage when it names no level, or one that the CPU lacks.
Isa capped_isa(std::string_view wanted);

/// The level that this process computes at: capped_isa() of the environment variable
/// KINDRED_MAX_ISA. It is chosen at the first call and stays. Thread-safe.
Isa isa();

/// Whether the CPU multiplies 8-bit numbers (AVX512_VNNI), which some of v4 and all of bf16 do.
/// Only what gives the same bits without may ask. Thread-safe.
bool multiplies_bytes();

/// Floats of a vector register at a level, at least 8: what channels come in blocks of.
constexpr int vector_floats(Isa isa) { return isa >= Isa::v4 ? 16 : 8; }

}  // namespace kindred
