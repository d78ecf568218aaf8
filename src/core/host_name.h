#pragma once
#include <string>

namespace kindred {

/// What this machine is called; "this machine" where the system does not say.
std::string host_name();

}  // namespace kindred
