#pragma once
#include <string>

#include "kindred/core/export.h"
#include "kindred/core/parallel.h"

namespace KINDRED_API kindred {

/// The oneDNN that this program runs with: "2.6.3".
std::string onednn_version();

/// The best instruction set that oneDNN may use here, within isa() and what the environment
/// variable ONEDNN_MAX_CPU_ISA leaves: "avx2", "avx512_core_bf16", "avx512_core_amx", ...
std::string instruction_set();

/// Floating-point operations a second of oneDNN's bfloat16 matrix product, [512, 2048] by
/// [2048, 2048] in each task, with all workers at once: the best of a few. 0 on a CPU that does not
/// compute with bfloat16 itself.
double measure_bfloat16_product(const Workers& workers);

}  // namespace kindred
