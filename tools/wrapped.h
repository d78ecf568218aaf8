#pragma once
#include <string>

namespace kindred::tools {

/// The words of `text` on lines of at most `columns`, each begun with `indent`, those after the
/// first with `further` where it is given. A word longer than a line has a line of its own.
std::string wrapped(const std::string& text, std::size_t columns, const std::string& indent,
                    const std::string& further = "");

}  // namespace kindred::tools
