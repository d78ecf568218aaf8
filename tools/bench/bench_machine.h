#pragma once
#include <string>

#include "command.h"
#include "kindred/core/parallel.h"

namespace kindred::tools {

/// What the figures were measured on, and what it can do at most.
struct Machine {
  std::string cpu;
  std::string instruction_set;
  int cores = 0;                ///< that the process may use
  int threads = 0;              ///< that it was measured with
  double float32_product = 0;   ///< operations a second
  double bfloat16_product = 0;  ///< likewise; 0: the CPU has none
  double memory_stream = 0;     ///< bytes a second, read and written, of copying memory

  double product(bool bfloat16) const { return bfloat16 ? bfloat16_product : float32_product; }
};

/// Measures with all workers.
Machine measure_machine(const Workers& workers);

/// Operations a second of a product of 2048 x 2048 x 2048 floats: the best of a few.
double measure_float32_product(const Workers& workers);

/// Three lines: versions, CPU, what it can do.
std::string describe(const Machine& machine);
Json json_of(const Machine& machine);

}  // namespace kindred::tools
