#include "documents/command_tree.h"

#include <sstream>

namespace kindred::tools {

std::vector<const CLI::App*> commands_of(const CLI::App& command) {
  return command.get_subcommands([](const CLI::App* child) {
    return !child->get_group().empty() && !child->get_name().empty();
  });
}

std::vector<const CLI::App*> all_commands(const CLI::App& command) {
  std::vector<const CLI::App*> all{&command};
  for (const CLI::App* child : commands_of(command)) {
    for (const CLI::App* below : all_commands(*child)) all.push_back(below);
  }
  return all;
}

std::string full_name(const CLI::App& command) {
  return command.get_parent() == nullptr
             ? command.get_name()
             : full_name(*command.get_parent()) + " " + command.get_name();
}

Value value_of(const CLI::Option& option) {
  if (option.get_items_expected_max() == 0 || option.get_type_size() == 0) return {};
  const std::string type = option.get_type_name();
  const std::size_t open = type.find('{');
  const std::size_t close = type.find('}');
  if (open != std::string::npos && close != std::string::npos) {
    Value value{ValueKind::choice, {}};
    std::istringstream list(type.substr(open + 1, close - open - 1));
    for (std::string choice; std::getline(list, choice, ',');) value.choices.push_back(choice);
    return value;
  }
  const auto names = [&](const char* part) { return type.find(part) != std::string::npos; };
  if (names("RECIPE")) return {ValueKind::recipe, {}};
  if (names("DIR") || names("RUN")) return {ValueKind::folder, {}};
  if (names("FILE") || names(".")) return {ValueKind::file, {}};
  return {option.get_positional() ? ValueKind::file : ValueKind::other, {}};
}

}  // namespace kindred::tools
