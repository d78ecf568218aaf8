#pragma once
#include <string>

#include "command.h"

namespace kindred::tools {

/// What an earlier `kindred bench BENCHMARK --json PATH` wrote. Fails with no_input, or with data
/// where the file is nothing of that.
Json read_comparison(const std::string& path, const std::string& benchmark);

/// Sets `numbers` against `old`, which is of `path`: a line for each figure of both with new / old,
/// the settings that differ, and what only one of them has. Adds numbers["ratios"].
std::string compare(const Json& old, const std::string& path, Json& numbers);

}  // namespace kindred::tools
