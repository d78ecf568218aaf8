#include "kindred/nn/precision.h"

#include <string>

#include "kindred/core/error.h"
#include "nn/onednn/engine.h"

namespace kindred {

std::string_view name_of(Precision precision) {
  return precision == Precision::bfloat16 ? "bfloat16" : "float32";
}

bool has_bfloat16() { return onednn_has(dnnl::cpu_isa::avx512_core_bf16); }
bool has_amx() { return onednn_has(dnnl::cpu_isa::avx512_core_amx); }

Precision precision_named(std::string_view name) {
  const bool wanted = name == "bfloat16" || (name == "auto" && has_bfloat16());
  return wanted ? Precision::bfloat16 : Precision::float32;
}

void require(Precision precision) {
  if (precision == Precision::float32 || has_bfloat16()) return;
  fail(ErrorKind::recipe,
       "precision = \"bfloat16\": this CPU has neither AVX512_BF16 nor AMX, and would be slower "
       "than in float32; use \"float32\", or \"auto\", which takes bfloat16 where the CPU has it");
}

Precision read_precision(Section model) {
  std::string name = "float32";
  model.read_choice("precision", name, {"float32", "bfloat16", "auto"},
                    "of activations and of the weights layers read; auto: bfloat16 where the CPU "
                    "has it");
  const Precision precision = precision_named(name);
  model.settle("precision", std::string(name_of(precision)));
  return precision;
}

}  // namespace kindred
