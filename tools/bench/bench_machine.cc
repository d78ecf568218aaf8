#include "bench/bench_machine.h"

#include <fmt/format.h>

#include <cstring>

#include "bench/bench_measure.h"
#include "kindred/core/cpu.h"
#include "kindred/core/cpu_name.h"
#include "kindred/core/matmul.h"
#include "kindred/nn/machine.h"

namespace kindred::tools {
namespace {

// Bytes a second of copying more than caches hold, by the system's own memcpy.
double measure_memory_stream(const Workers& workers) {
  constexpr Index kBytes = Index{128} << 20;
  constexpr Index kBlock = Index{4} << 20;
  const Buffer<std::byte> from(kBytes);
  Buffer<std::byte> to(kBytes);
  const auto copy = [&] {
    workers.for_blocks(kBytes, kBlock, [&](Index begin, Index end, int) {
      std::memcpy(to.data() + begin, from.data() + begin, static_cast<std::size_t>(end - begin));
    });
  };
  return 2.0 * kBytes / fastest_of(copy);
}

}  // namespace

double measure_float32_product(const Workers& workers) {
  constexpr Index kSize = 2048;
  Matrix a(kSize, kSize);
  Matrix b(kSize, kSize);
  Matrix dst(kSize, kSize);
  a.fill(0.5f);
  b.fill(0.25f);
  const auto multiply = [&] { multiply_nt<float>(workers, a.view(), b.view(), dst.view()); };
  return 2.0 * kSize * kSize * kSize / fastest_of(multiply);
}

Machine measure_machine(const Workers& workers) {
  Machine machine;
  machine.cpu = cpu_name();
  machine.instruction_set = fmt::format("{} (oneDNN: {})", name_of(isa()), instruction_set());
  machine.cores = Workers::default_threads();
  machine.threads = workers.threads();
  machine.float32_product = measure_float32_product(workers);
  machine.bfloat16_product = measure_bfloat16_product(workers);
  machine.memory_stream = measure_memory_stream(workers);
  return machine;
}

std::string describe(const Machine& machine) {
  std::string product = fmt::format("{:.0f} GFLOP/s in float32", machine.float32_product * 1e-9);
  if (machine.bfloat16_product > 0) {
    product += fmt::format(", {:.0f} in bfloat16", machine.bfloat16_product * 1e-9);
  }
  return fmt::format(
      "Kindred {} ({}, {}), oneDNN {}, oneTBB {}, HDF5 {}\n"
      "{}, {}, {} cores; measured with {} threads\n"
      "its matrix product: {}; copying memory: {:.1f} GB/s read and written\n",
      KINDRED_VERSION, KINDRED_BUILD_TYPE, KINDRED_COMPILER, onednn_version(), KINDRED_TBB_VERSION,
      KINDRED_HDF5_VERSION, machine.cpu, machine.instruction_set, machine.cores, machine.threads,
      product, machine.memory_stream * 1e-9);
}

Json json_of(const Machine& machine) {
  return {{"cpu", machine.cpu},
          {"instruction_set", machine.instruction_set},
          {"cores", machine.cores},
          {"threads", machine.threads},
          {"float32_product_gflops_per_second", machine.float32_product * 1e-9},
          {"bfloat16_product_gflops_per_second", machine.bfloat16_product * 1e-9},
          {"memory_gigabytes_per_second", machine.memory_stream * 1e-9},
          {"kindred", KINDRED_VERSION},
          {"build", KINDRED_BUILD_TYPE},
          {"compiler", KINDRED_COMPILER},
          {"onednn", onednn_version()},
          {"tbb", KINDRED_TBB_VERSION},
          {"hdf5", KINDRED_HDF5_VERSION}};
}

}  // namespace kindred::tools
