#pragma once
#include "kindred/core/function_ref.h"
#include "kindred/core/process_group.h"

namespace kindred::tools {

/// What ranks that read other files, or compute at another level, are told.
inline constexpr const char* kSameFiles =
    "give all ranks the same files, and KINDRED_MAX_ISA the lower level";

/// Does a command's work as one process, or as one of the ranks that a launcher (mpirun, srun) has
/// started: all do it, and rank 0 alone prints and writes. Where one fails, all end, and rank 0
/// says why.
void together(FunctionRef<void(ProcessGroup& group)> work);

}  // namespace kindred::tools
