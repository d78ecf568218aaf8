#include "kindred/core/cpu.h"

#include <cpuid.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "core/kernels.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

// Bits as in Intel's manual, volume 2A, CPUID; levels as in the x86-64 psABI, 3.1.1.
struct Leaf {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  explicit Leaf(unsigned leaf, unsigned subleaf = 0) {
    __get_cpuid_count(leaf, subleaf, &eax, &ebx, &ecx, &edx);
  }
};

constexpr bool has_all(unsigned found, unsigned wanted) { return (found & wanted) == wanted; }

/// The registers that the operating system saves: bits of XCR0.
std::uint64_t saved_registers(const Leaf& features) {
  if ((features.ecx & bit_OSXSAVE) == 0) return 0;
  unsigned low = 0;
  unsigned high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return std::uint64_t{high} << 32 | low;
}

/// Linux gives a process AMX's registers when it asks.
bool may_use_tiles() {
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

Isa find_isa() {
  const Leaf basic(1);
  const Leaf extended(7);
  const Leaf further(7, 1);
  const Leaf amd(0x80000001);
  constexpr unsigned kLahf = 1U << 0;
  constexpr unsigned kLzcnt = 1U << 5;
  const bool v2 = has_all(basic.ecx, bit_SSE3 | bit_SSSE3 | bit_SSE4_1 | bit_SSE4_2 | bit_POPCNT |
                                         bit_CMPXCHG16B) &&
                  has_all(amd.ecx, kLahf);
  if (!v2) {
    fail(ErrorKind::internal,
         "this CPU lacks SSE4.2 or POPCNT; Kindred needs x86-64-v2, which CPUs have since 2009");
  }
  constexpr std::uint64_t kAvxRegisters = 0x6;       // XMM, YMM
  constexpr std::uint64_t kAvx512Registers = 0xe6;   // and masks, ZMM
  constexpr std::uint64_t kTileRegisters = 0x60000;  // tile configuration and data
  const std::uint64_t saved = saved_registers(basic);
  const auto saves = [&](std::uint64_t registers) { return (saved & registers) == registers; };
  const bool v3 = saves(kAvxRegisters) &&
                  has_all(basic.ecx, bit_AVX | bit_FMA | bit_F16C | bit_MOVBE) &&
                  has_all(extended.ebx, bit_AVX2 | bit_BMI | bit_BMI2) && has_all(amd.ecx, kLzcnt);
  if (!v3) return Isa::v2;
  const bool v4 = saves(kAvx512Registers) &&
                  has_all(extended.ebx,
                          bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL);
  if (!v4) return Isa::v3;
  constexpr unsigned kBfloat16 = 1U << 5;
  if (!has_all(further.eax, kBfloat16)) return Isa::v4;
  constexpr unsigned kTiles = 1U << 24;
  constexpr unsigned kTilesOfBfloat16 = 1U << 22;
  const bool amx =
      saves(kTileRegisters) && has_all(extended.edx, kTiles | kTilesOfBfloat16) && may_use_tiles();
  return amx ? Isa::amx : Isa::bf16;
}

}  // namespace

std::string_view name_of(Isa isa) {
  switch (isa) {
    case Isa::v2: return "v2";
    case Isa::v3: return "v3";
    case Isa::v4: return "v4";
    case Isa::bf16: return "bf16";
    case Isa::amx: return "amx";
  }
  return "?";
}

Isa cpu_isa() {
  static const Isa found = std::min(find_isa(), kCompiled);
  return found;
}

bool multiplies_bytes() {
  static const bool found = cpu_isa() >= Isa::v4 && has_all(Leaf(7).ecx, bit_AVX512VNNI);
  return found;
}

Isa capped_isa(std::string_view wanted) {
  const Isa found = cpu_isa();
  if (wanted.empty()) return found;
  for (const Isa isa : kAllIsas) {
    if (wanted != name_of(isa)) continue;
    if (isa <= found) return isa;
    fail(ErrorKind::usage,
         fmt::format("KINDRED_MAX_ISA={}: this CPU has no more than {}; unset the variable, or set "
                     "it to {} or lower",
                     wanted, name_of(found), name_of(found)));
  }
  fail(ErrorKind::usage,
       fmt::format("KINDRED_MAX_ISA={}: no such level; expected v2, v3, v4, bf16 or amx", wanted));
}

Isa isa() {
  static const Isa chosen = [] {
    const char* const wanted = std::getenv("KINDRED_MAX_ISA");
    return capped_isa(wanted == nullptr ? "" : wanted);
  }();
  return chosen;
}

}  // namespace kindred
