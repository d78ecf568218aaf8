#include "nn/onednn/engine.h"

#include "core/kernels.h"
#include "kindred/core/cpu.h"

namespace kindred {
namespace {

dnnl::cpu_isa onednn_isa(Isa level) {
  switch (level) {
    case Isa::v2: return dnnl::cpu_isa::sse41;
    case Isa::v3: return dnnl::cpu_isa::avx2;
    case Isa::v4: return dnnl::cpu_isa::avx512_core;
    case Isa::bf16: return dnnl::cpu_isa::avx512_core_bf16;
    case Isa::amx: break;
  }
  return dnnl::cpu_isa::avx512_core_amx;
}

/// Once. Where nothing is capped, oneDNN's own limit, ONEDNN_MAX_CPU_ISA, holds.
void cap_onednn() {
  static const bool done = [] {
    if (isa() < cpu_isa() || kCompiled < Isa::amx) dnnl::set_max_cpu_isa(onednn_isa(isa()));
    return true;
  }();
  static_cast<void>(done);
}

}  // namespace

dnnl::engine cpu_engine() {
  cap_onednn();
  return dnnl::engine(dnnl::engine::kind::cpu, 0);
}

bool onednn_has(dnnl::cpu_isa wanted) {
  cap_onednn();
  // cpu_isa values are bit sets; AMX includes AVX512_BF16.
  const auto bits = [](dnnl::cpu_isa isa) { return static_cast<unsigned>(isa); };
  return (bits(dnnl::get_effective_cpu_isa()) & bits(wanted)) == bits(wanted);
}

}  // namespace kindred
