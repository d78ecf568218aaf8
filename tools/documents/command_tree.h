#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace kindred::tools {

/// The commands directly below one, in the order they were added, without hidden ones.
std::vector<const CLI::App*> commands_of(const CLI::App& command);
/// The command, its commands, theirs, and so on.
std::vector<const CLI::App*> all_commands(const CLI::App& command);
/// "kindred eval retrieval".
std::string full_name(const CLI::App& command);

/// What may stand behind an option, or as an argument.
enum class ValueKind {
  none,    ///< a flag
  choice,  ///< one of choices
  recipe,  ///< a recipe's name, or a file
  folder,
  file,
  other,  ///< a number, a name
};
struct Value {
  ValueKind kind = ValueKind::none;
  std::vector<std::string> choices;
};
/// Read off the option's type name and its check, which --help shows as well.
Value value_of(const CLI::Option& option);

}  // namespace kindred::tools
