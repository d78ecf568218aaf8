#pragma once
#include <string>

namespace kindred {

/// How this process was started.
struct Launch {
  int rank = 0;
  int size = 1;
  std::string library;  ///< of the MPI that its launcher belongs to: "openmpi" or "mpich"
  int here = 1;         ///< ranks on this host; all of them where the launcher does not say
};

/// By the environment: of mpirun (Open MPI, MPICH's Hydra) and srun. KINDRED_MPI = off, openmpi or
/// mpich has the last word. Fails with usage where that is something else, with system where the
/// ranks of a launcher could not find each other.
Launch find_launch();

}  // namespace kindred
