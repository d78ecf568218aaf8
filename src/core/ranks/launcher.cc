#include "core/ranks/launcher.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "kindred/core/error.h"

namespace kindred {
namespace {

std::string_view environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

/// -1 where it is no number.
int number_of_variable(const char* name) {
  const std::string_view text = environment(name);
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : -1;
}

/// Where a launcher says both, in these variables.
bool is_told(const char* rank, const char* size, const char* library, Launch& launch) {
  const int r = number_of_variable(rank);
  const int n = number_of_variable(size);
  if (r < 0 || n <= r) return false;
  launch = {r, n, library, n};
  return true;
}

}  // namespace

Launch find_launch() {
  const std::string_view asked = environment("KINDRED_MPI");
  Launch launch;
  if (asked == "off") return launch;
  if (!asked.empty() && asked != "openmpi" && asked != "mpich") {
    fail(ErrorKind::usage,
         fmt::format("KINDRED_MPI = '{}': expected openmpi, mpich or off", asked));
  }
  const bool told = is_told("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "openmpi", launch) ||
                    is_told("PMIX_RANK", "SLURM_STEP_NUM_TASKS", "openmpi", launch) ||
                    is_told("PMI_RANK", "PMI_SIZE", "mpich", launch);
  if (!told && is_told("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "", launch) && launch.size > 1) {
    fail(ErrorKind::system,
         fmt::format("srun started {} tasks that do not know of each other; use srun --mpi=pmix "
                     "(srun --mpi=list shows what there is) or mpirun inside of sbatch, or ask for "
                     "one task; KINDRED_MPI=off lets each work by itself",
                     launch.size));
  }
  if (launch.size == 1) return {};
  for (const char* const name : {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"}) {
    const int here = number_of_variable(name);
    if (here >= 1 && here <= launch.size) launch.here = here;
  }
  if (!asked.empty()) launch.library = asked;
  return launch;
}

}  // namespace kindred
