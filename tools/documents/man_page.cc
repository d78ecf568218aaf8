#include "documents/man_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <sstream>

#include "documents/command_tree.h"

namespace kindred::tools {
namespace {

// As troff shows it: a hyphen is typed for copying, no line begins with a command of its own.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char letter : text) {
    if (letter == '\\') {
      out += "\\e";
    } else if (letter == '-') {
      out += "\\-";
    } else {
      if ((out.empty() || out.back() == '\n') && (letter == '.' || letter == '\'')) out += "\\&";
      out += letter;
    }
  }
  return out;
}

std::string upper(std::string text) {
  for (char& letter : text) letter = static_cast<char>(std::toupper(letter));
  return text;
}

std::string bold(const std::string& text) { return "\\fB" + escaped(text) + "\\fR"; }

// Prose, and lines that begin with two blanks as they are: "Example:\n  kindred list".
std::string paragraphs(const std::string& text) {
  std::string out;
  bool literal = false;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const bool example = line.starts_with("  ");
    if (example != literal) out += example ? ".PP\n.RS 4\n.nf\n" : ".fi\n.RE\n.PP\n";
    literal = example;
    if (line.empty()) {
      if (!literal) out += ".PP\n";
    } else {
      out += escaped(example ? line.substr(2) : line) + "\n";
    }
  }
  return out + (literal ? ".fi\n.RE\n" : "");
}

std::string option_entry(const CLI::Option& option, bool positional) {
  const CLI::Formatter format;
  return fmt::format(".TP\n{}{}\n{}\n", bold(format.make_option_name(&option, positional)),
                     escaped(format.make_option_opts(&option)),
                     escaped(format.make_option_desc(&option)));
}

std::string section(const std::string& title, const std::string& text) {
  return text.empty() ? "" : fmt::format(".SH {}\n{}", title, text);
}

std::string synopsis(const CLI::App& command) {
  const CLI::Formatter format;
  std::string usage = format.make_usage(&command, full_name(command));
  usage = usage.substr(std::min(usage.size(), std::string("Usage: ").size()));
  usage.erase(usage.find_last_not_of('\n') + 1);
  const std::size_t name = full_name(command).size();
  return bold(usage.substr(0, name)) + escaped(usage.substr(name)) + "\n";
}

std::string related(const CLI::App& command) {
  std::vector<const CLI::App*> pages;
  if (command.get_parent() != nullptr) pages.push_back(command.get_parent());
  for (const CLI::App* child : commands_of(command)) pages.push_back(child);
  if (command.get_parent() != nullptr) {
    for (const CLI::App* sibling : commands_of(*command.get_parent())) {
      if (sibling != &command) pages.push_back(sibling);
    }
  }
  std::string out;
  for (const CLI::App* page : pages) {
    out += fmt::format(".BR {} (1){}\n", escaped(man_page_name(*page)),
                       page == pages.back() ? "" : ",");
  }
  return out;
}

// What stands behind the name and a dash: one line.
std::string short_description(const CLI::App& command) {
  const std::string text = command.get_description();
  return command.get_parent() == nullptr ? "train and use embeddings on CPUs"
                                         : text.substr(0, text.find('\n'));
}

}  // namespace

std::string man_page_name(const CLI::App& command) {
  std::string name = full_name(command);
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

std::string man_page(const CLI::App& command, const std::string& version, const std::string& date) {
  const std::string name = man_page_name(command);
  std::string positionals;
  std::string options;
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_group().empty()) continue;
    if (option->get_positional()) positionals += option_entry(*option, true);
    if (option->nonpositional()) options += option_entry(*option, false);
  }
  std::string subcommands;
  for (const CLI::App* child : commands_of(command)) {
    subcommands +=
        fmt::format(".TP\n{}\n{}\n", bold(full_name(*child)), escaped(child->get_description()));
  }
  return fmt::format(".TH \"{}\" 1 \"{}\" \"kindred {}\" \"Kindred\"\n", upper(name), date,
                     version) +
         section("NAME",
                 fmt::format("{} \\- {}\n", escaped(name), escaped(short_description(command)))) +
         section("SYNOPSIS", synopsis(command)) +
         section("DESCRIPTION",
                 paragraphs(command.get_description() + "\n" +
                            (command.get_footer().empty() ? "" : "\n") + command.get_footer())) +
         section("ARGUMENTS", positionals) + section("OPTIONS", options) +
         section("COMMANDS", subcommands) + section("SEE ALSO", related(command));
}

}  // namespace kindred::tools
