#include "documents/completion.h"

#include <fmt/format.h>

#include <algorithm>

#include "documents/command_tree.h"

namespace kindred::tools {
namespace {

// Every shell's script walks over the words as far as they name commands, then does what this says:
// the command line `kindred train --out x` is at the command "kindred train".

std::vector<std::string> flags_of(const CLI::Option& option) {
  std::vector<std::string> flags;
  for (const std::string& name : option.get_snames()) flags.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) flags.push_back("--" + name);
  return flags;
}

std::vector<const CLI::Option*> options_of(const CLI::App& command) {
  return command.get_options([](const CLI::Option* option) {
    return option->nonpositional() && !option->get_group().empty();
  });
}

// What may stand where no option does.
Value argument_of(const CLI::App& command) {
  const auto positionals = command.get_options([](const CLI::Option* option) {
    return option->get_positional() && !option->get_group().empty();
  });
  return positionals.empty() ? Value{} : value_of(*positionals.front());
}

std::vector<std::string> names_of(const std::vector<const CLI::App*>& commands) {
  std::vector<std::string> names;
  for (const CLI::App* command : commands) names.push_back(command->get_name());
  return names;
}

std::string replaced(std::string text, const std::string& letters, const std::string& before) {
  for (std::size_t at = 0; (at = text.find_first_of(letters, at)) != std::string::npos;) {
    text.insert(at, before);
    at += before.size() + 1;
  }
  return text;
}

std::string with(std::string text, const std::string& mark, const std::string& content) {
  const std::size_t at = text.find(mark);
  return text.replace(at, mark.size(), content);
}

// ---- bash

std::string bash_action(const Value& value) {
  switch (value.kind) {
    case ValueKind::none: return "";
    case ValueKind::choice: return fmt::format("_kindred_words {}", fmt::join(value.choices, " "));
    case ValueKind::recipe: return "_kindred_recipes";
    case ValueKind::folder: return "_kindred_folders";
    case ValueKind::file: return "";  // the shell's own completion
    case ValueKind::other: return "compopt +o default +o bashdefault 2>/dev/null";
  }
  return "";
}

constexpr const char* kBash =
    R"bash(# Completion of kindred's command line for bash; `kindred documents --completion bash` writes it.

_kindred_words() {
  COMPREPLY+=($(compgen -W "$*" -- "$current"))
}

_kindred_folders() {
  compopt -o filenames 2>/dev/null
  COMPREPLY+=($(compgen -d -- "$current"))
}

_kindred_recipes() {
  local program=${COMP_WORDS[0]/#\~/$HOME}
  _kindred_words $("$program" list recipes 2>/dev/null | sed -n 's/^  \([^ :]*\):.*/\1/p')
  compopt -o filenames 2>/dev/null
  COMPREPLY+=($(compgen -f -X '!*.toml' -- "$current") $(compgen -d -- "$current"))
}

_kindred() {
  local IFS=$' \t\n' command=kindred current=${COMP_WORDS[COMP_CWORD]} i
  local previous=${COMP_WORDS[COMP_CWORD-1]}
  COMPREPLY=()
  # --option=value comes as three words.
  if [[ $current == = ]]; then
    current=
  elif [[ $previous == = ]]; then
    previous=${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command ${COMP_WORDS[i]}" in
      @COMMANDS@) command+=" ${COMP_WORDS[i]}" ;;
    esac
  done
  case "$command $previous" in
@VALUES@  esac
  case "$command" in
@ARGUMENTS@  esac
}
complete -o bashdefault -o default -F _kindred kindred
)bash";

std::string bash_script(const std::vector<const CLI::App*>& commands) {
  std::string known;
  std::string values;
  std::string arguments;
  for (const CLI::App* command : commands) {
    const std::string name = full_name(*command);
    if (command->get_parent() != nullptr) {
      known += fmt::format("{}\"{}\"", known.empty() ? "" : " | ", name);
    }
    std::vector<std::string> flags;
    for (const CLI::Option* option : options_of(*command)) {
      const Value value = value_of(*option);
      for (const std::string& flag : flags_of(*option)) {
        flags.push_back(flag);
        if (value.kind == ValueKind::none) continue;
        values += fmt::format("    \"{} {}\") {}; return ;;\n", name, flag,
                              value.kind == ValueKind::file ? ":" : bash_action(value));
      }
    }
    const auto below = commands_of(*command);
    std::string words = below.empty() ? bash_action(argument_of(*command))
                                      : bash_action({ValueKind::choice, names_of(below)});
    arguments +=
        fmt::format("    \"{}\")\n      if [[ $current == -* ]]; then\n        _kindred_words {}\n",
                    name, fmt::join(flags, " "));
    if (!words.empty()) arguments += fmt::format("      else\n        {}\n", words);
    arguments += "      fi ;;\n";
  }
  return with(with(with(kBash, "@COMMANDS@", known), "@VALUES@", values), "@ARGUMENTS@", arguments);
}

// ---- zsh

std::string zsh_action(const Value& value) {
  switch (value.kind) {
    case ValueKind::none: return "";
    case ValueKind::choice: return fmt::format(":value:({})", fmt::join(value.choices, " "));
    case ValueKind::recipe: return ":recipe:_kindred_recipes";
    case ValueKind::folder: return ":folder:_files -/";
    case ValueKind::file: return ":file:_files";
    case ValueKind::other: return ":value: ";
  }
  return "";
}

// Inside of single quotes.
std::string zsh_quoted(const std::string& text) {
  std::string out;
  for (const char letter : replaced(text, "[]:\\", "\\")) {
    out += letter == '\'' ? "'\\''" : std::string(1, letter);
  }
  return out;
}

constexpr const char* kZsh = R"zsh(#compdef kindred
# Completion of kindred's command line for zsh; `kindred documents --completion zsh` writes it.

_kindred_recipes() {
  local -a names
  names=(${(f)"$(${(Q)words[1]} list recipes 2>/dev/null | sed -n 's/^  \([^ :]*\):.*/\1/p')"})
  compadd -a names
  _files -g '*.toml'
}

_kindred() {
  local command=kindred i
  for ((i = 2; i < CURRENT; i++)); do
    case "$command ${words[i]}" in
      (@COMMANDS@) command+=" ${words[i]}" ;;
    esac
  done
  case "$command" in
@ARGUMENTS@  esac
}

_kindred "$@"
)zsh";

std::string zsh_script(const std::vector<const CLI::App*>& commands) {
  std::string known;
  std::string arguments;
  for (const CLI::App* command : commands) {
    const std::string name = full_name(*command);
    if (command->get_parent() != nullptr) {
      known += fmt::format("{}\"{}\"", known.empty() ? "" : " | ", name);
    }
    arguments += fmt::format("    (\"{}\")\n      _arguments", name);
    for (const CLI::Option* option : options_of(*command)) {
      for (const std::string& flag : flags_of(*option)) {
        arguments +=
            fmt::format(" \\\n        '*{}[{}]{}'", flag, zsh_quoted(option->get_description()),
                        zsh_action(value_of(*option)));
      }
    }
    const auto below = commands_of(*command);
    if (below.empty()) {
      const std::string action = zsh_action(argument_of(*command));
      if (!action.empty()) arguments += fmt::format(" \\\n        '*{}'", action);
    } else {
      arguments += fmt::format(" \\\n        '*:command:({})'", fmt::join(names_of(below), " "));
    }
    arguments += " ;;\n";
  }
  return with(with(kZsh, "@COMMANDS@", known), "@ARGUMENTS@", arguments);
}

// ---- fish

std::string fish_quoted(const std::string& text) { return replaced(text, "\\'", "\\"); }

std::string fish_action(const Value& value) {
  switch (value.kind) {
    case ValueKind::none: return "";
    case ValueKind::choice: return fmt::format("-x -a '{}'", fmt::join(value.choices, " "));
    case ValueKind::recipe: return "-a '(__kindred_recipes)'";
    case ValueKind::folder: return "-x -a '(__fish_complete_directories)'";
    case ValueKind::file: return "-r -F";
    case ValueKind::other: return "-x";
  }
  return "";
}

constexpr const char* kFish =
    R"fish(# Completion of kindred's command line for fish; `kindred documents --completion fish` writes it.

function __kindred_recipes
    set -l words (commandline -opc)
    eval $words[1] list recipes 2>/dev/null | string match -r -g '^  ([^ :]*):'
end

function __kindred_at
    set -l known @COMMANDS@
    set -l command kindred
    set -l words (commandline -opc)
    set -e words[1]
    for word in $words
        if contains -- "$command $word" $known
            set command "$command $word"
        end
    end
    test "$command" = "$argv[1]"
end

)fish";

std::string fish_script(const std::vector<const CLI::App*>& commands) {
  std::string known;
  std::string lines;
  for (const CLI::App* command : commands) {
    const std::string name = full_name(*command);
    if (command->get_parent() != nullptr) {
      known += fmt::format("{}'{}'", known.empty() ? "" : " ", name);
    }
    const std::string at = fmt::format("complete -c kindred -n '__kindred_at \"{}\"'", name);
    for (const CLI::App* below : commands_of(*command)) {
      lines += fmt::format("{} -f -a {} -d '{}'\n", at, below->get_name(),
                           fish_quoted(below->get_description()));
    }
    for (const CLI::Option* option : options_of(*command)) {
      std::string flags;
      for (const std::string& flag : option->get_snames()) flags += " -s " + flag;
      for (const std::string& flag : option->get_lnames()) flags += " -l " + flag;
      lines += fmt::format("{}{} {} -d '{}'\n", at, flags, fish_action(value_of(*option)),
                           fish_quoted(option->get_description()));
    }
    const Value argument = argument_of(*command);
    if (argument.kind != ValueKind::none && argument.kind != ValueKind::file) {
      lines += fmt::format("{} {}\n", at, fish_action(argument));
    }
  }
  return with(kFish, "@COMMANDS@", known) + lines;
}

}  // namespace

std::string completion_script(const CLI::App& program, const std::string& shell) {
  const std::vector<const CLI::App*> commands = all_commands(program);
  if (shell == "bash") return bash_script(commands);
  return shell == "zsh" ? zsh_script(commands) : fish_script(commands);
}

}  // namespace kindred::tools
