#pragma once
#include <filesystem>
#include <string>

namespace kindred {

/// What holds this code: the shared library, or the program it is linked into. Empty where the
/// system does not tell.
std::filesystem::path own_file();

/// The same for every process that runs the same build of Kindred; "" where it cannot be read.
std::string own_checksum();

}  // namespace kindred
