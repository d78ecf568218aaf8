#pragma once
#include <CLI/CLI.hpp>
#include <string>

namespace kindred::tools {

/// A script that completes the program's commands, options, their choices, and recipes' names (it
/// asks `kindred list recipes`), for "bash", "zsh" or "fish"; made of the commands' own
/// description. REQUIRES: shell is one of these.
std::string completion_script(const CLI::App& program, const std::string& shell);

}  // namespace kindred::tools
