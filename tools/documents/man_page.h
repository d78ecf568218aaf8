#pragma once
#include <CLI/CLI.hpp>
#include <string>

namespace kindred::tools {

/// "kindred-eval-retrieval": the name of a command's manual page.
std::string man_page_name(const CLI::App& command);

/// The manual page of a command, in man(7): the texts that --help prints, and whatever is beside,
/// above and below the command. `version` and `date` stand at the page's foot.
std::string man_page(const CLI::App& command, const std::string& version, const std::string& date);

}  // namespace kindred::tools
