#pragma once
#include <string_view>

#include "kindred/core/export.h"
#include "kindred/core/recipe.h"

namespace KINDRED_API kindred {

/// Of a network's activations and of the weights that its layers read. The weights that are
/// trained, their gradients, batch statistics, embeddings, losses and optimizers are float32 in
/// both.
enum class Precision { float32, bfloat16 };

/// "float32", "bfloat16".
std::string_view name_of(Precision precision);

/// True when this CPU computes with bfloat16 itself: AVX512_BF16 or AMX, within what the
/// environment variable ONEDNN_MAX_CPU_ISA leaves of it.
bool has_bfloat16();
/// True when it does so on AMX, within the same.
bool has_amx();

/// Of "float32", "bfloat16", or "auto": bfloat16 where the CPU has it.
/// REQUIRES: name is one of these.
Precision precision_named(std::string_view name);

/// Fails with ErrorKind::recipe when this CPU does not compute in `precision`.
void require(Precision precision);

/// Reads `precision` of [model]. The recipe keeps what "auto" became.
Precision read_precision(Section model);

}  // namespace kindred
