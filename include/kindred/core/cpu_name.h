#pragma once
#include <string>

#include "kindred/core/export.h"

namespace KINDRED_API kindred {

/// What the system calls this machine's CPU, whatever bytes these are; "unknown CPU" where it does
/// not say.
std::string cpu_name();

}  // namespace kindred
