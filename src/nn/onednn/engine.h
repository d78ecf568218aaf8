#pragma once
#include "nn/onednn/dnnl_compat.h"

namespace kindred {

/// oneDNN's engine of this CPU, which may use what isa() allows (KINDRED_MAX_ISA). Whatever asks
/// oneDNN for something begins here: it takes a limit before its first use only.
dnnl::engine cpu_engine();

/// True when oneDNN may use all of `wanted`, within ONEDNN_MAX_CPU_ISA, too.
bool onednn_has(dnnl::cpu_isa wanted);

}  // namespace kindred
