#include "command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

#include "kindred/core/error.h"
#include "kindred/core/process_group.h"
#include "kindred/core/text.h"
#include "kindred/data/dataset_files.h"
#include "standard_streams.h"
#include "suggestion.h"

namespace kindred::tools {
namespace {

Check checked_by(const CLI::Validator& validator) {
  return Check([validator](CLI::Option& option) { option.check(validator); });
}

/// A check of numbers that says what is wrong in a few words: CLI11 prints bounds of 309 digits.
Check number_that(const std::string& description, const std::string& fault, bool (*holds)(double)) {
  const auto operation = [fault, holds](std::string& value) {
    char* end = nullptr;
    const double number = std::strtod(value.c_str(), &end);
    if (end == value.c_str() || *end != '\0') return value + " is no number";
    return holds(number) ? std::string() : value + " " + fault;
  };
  return checked_by(CLI::Validator(operation, description));
}

/// Its commands, but those that nobody is told of.
std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* child) { return !child->get_group().empty(); });
}

const CLI::App* command_named(const CLI::App& app, const std::string& name) {
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (child->get_name() == name) return child;
  }
  return nullptr;
}

std::vector<std::string> names_of(const std::vector<const CLI::App*>& commands) {
  std::vector<std::string> names;
  for (const CLI::App* command : commands) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> long_options_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

/// What is wrong with a line that CLI11 refuses: the first word that names no command or option,
/// with the one that may be meant; else what CLI11 says.
std::string fault_of(const CLI::App& program, const std::vector<std::string>& words,
                     const CLI::ParseError& error) {
  const CLI::App* app = &program;
  std::string line;  // the commands named so far
  for (std::size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
    const std::string& word = words[i];
    if (word.starts_with("--")) {
      const std::string name = word.substr(0, word.find('='));
      const CLI::Option* option = app->get_option_no_throw(name);
      if (option == nullptr) {
        return fmt::format("{} no option {}{}", line.empty() ? "there is" : line + " has", name,
                           suggestion(name, long_options_of(*app)));
      }
      const bool takes_word = option->get_items_expected_min() > 0 && option->get_type_size() > 0;
      if (takes_word && name == word) ++i;  // its value, whatever it looks like
    } else if (!word.starts_with('-') && !commands_of(*app).empty()) {
      const CLI::App* command = command_named(*app, word);
      const std::vector<std::string> known = names_of(commands_of(*app));
      if (command == nullptr) {
        const std::string near = suggestion(word, known);
        return fmt::format(
            "{} no command '{}'{}", line.empty() ? "there is" : line + " has", word,
            near.empty() ? fmt::format("; there are {}", fmt::join(known, ", ")) : near);
      }
      app = command;
      line += (line.empty() ? "" : " ") + word;
    }
  }
  if (!commands_of(*app).empty() && app->get_require_subcommand_min() > 0 &&
      app->get_subcommands().empty()) {
    return fmt::format("{}name a command: {}", line.empty() ? "" : line + ": ",
                       fmt::join(names_of(commands_of(*app)), ", "));
  }
  return error.what();
}

}  // namespace

Check one_of(std::vector<std::string> words) {
  const CLI::Validator member = CLI::IsMember(words);
  CLI::Validator check = member;  // its description is what --help and completion show
  check.operation([member, words](std::string& value) {
    const std::string word = value;
    const std::string fault = member(value);
    return fault.empty() ? fault : fault + suggestion(word, words);
  });
  return checked_by(check);
}
Check one_of(std::initializer_list<int> numbers) { return checked_by(CLI::IsMember(numbers)); }
Check range(Index lowest, Index highest) { return checked_by(CLI::Range(lowest, highest)); }
Check share() { return checked_by(CLI::Range(0.0, 1.0)); }
Check range_or(Index lowest, Index highest, const std::string& word) {
  return checked_by(CLI::Range(lowest, highest) | CLI::IsMember(std::vector{word}));
}
Check positive() {
  return number_that("POSITIVE", "is not above 0", [](double number) { return number > 0; });
}
Check run_minutes() {
  return number_that("MINUTES", "is not above 0 and at most a year", [](double number) {
    constexpr double kYear = 366 * 24 * 60;
    return number > 0 && number <= kYear;
  });
}
Check not_negative() {
  return number_that("NONNEGATIVE", "is below 0", [](double number) { return number >= 0; });
}
Check score() {
  return number_that("-1 to 1", "is not from -1 to 1",
                     [](double number) { return number >= -1 && number <= 1; });
}
Check named() {
  return checked_by(CLI::Validator(
      [](const std::string& value) { return value.empty() ? "the name is empty" : ""; }, ""));
}

Check one_line(std::size_t most_bytes) {
  return checked_by(CLI::Validator(
      [most_bytes](const std::string& value) -> std::string {
        if (value.size() > most_bytes) {
          return fmt::format("takes {} bytes; at most {} are kept", value.size(), most_bytes);
        }
        return printable(value) == value ? "" : "has control characters, or is not UTF-8";
      },
      ""));
}

Option& Option::required() {
  option_->required();
  return *this;
}

Option& Option::type_name(const std::string& name) {
  option_->type_name(name);
  return *this;
}

Option& Option::check(const Check& check) {
  check.add_to(*option_);
  return *this;
}

Option& Option::needs(const Option& other) {
  option_->needs(other.option_);
  return *this;
}

Option& Option::excludes(const Option& other) {
  option_->excludes(other.option_);
  return *this;
}

Option& Option::delimiter(char letter) {
  option_->delimiter(letter);
  return *this;
}

Option& Option::expected(int values) {
  option_->expected(values);
  return *this;
}

Option& Option::one_word_each() {
  option_->allow_extra_args(false);
  return *this;
}

Option& Option::show_default() {
  option_->capture_default_str();
  return *this;
}

Option& Option::reads_file(const std::string& ending) {
  check(named());
  option_->each([files = files_, ending](const std::string& value) {
    if (!value.ends_with(ending)) return;
    for (const std::string& file : files_of_dataset(value)) files->reads(file);
  });
  return *this;
}

Option& Option::writes_file(const FileKind& kind) {
  option_->description(fmt::format("{}; replaces nothing but {} or an empty file",
                                   option_->get_description(), kind.name));
  option_->each([files = files_, &kind](const std::string& value) {
    if (value != "-") files->writes(value, &kind);
  });
  return check(named());
}

Option& Option::writes_locked_file(const FileKind& kind) {
  option_->each(
      [files = files_, &kind](const std::string& value) { files->writes_locked(value, &kind); });
  return check(named());
}

Option& Option::writes_folder() {
  option_->each([files = files_](const std::string& value) { files->makes(value); });
  return check(named());
}

std::size_t Option::count() const { return option_->count(); }

Command Command::add_command(const std::string& name, const std::string& what) const {
  return Command(*app_->add_subcommand(name, what), *files_);
}

void Command::require_command() const { app_->require_subcommand(1); }

void Command::hide() const { app_->group(""); }

Option Command::add_option(const std::string& name, std::string& value,
                           const std::string& what) const {
  return Option(*app_->add_option(name, value, what), *files_);
}

Option Command::add_option(const std::string& name, int& value, const std::string& what) const {
  return Option(*app_->add_option(name, value, what), *files_);
}

Option Command::add_option(const std::string& name, Index& value, const std::string& what) const {
  return Option(*app_->add_option(name, value, what), *files_);
}

Option Command::add_option(const std::string& name, std::uint64_t& value,
                           const std::string& what) const {
  return Option(*app_->add_option(name, value, what), *files_);
}

Option Command::add_option(const std::string& name, double& value, const std::string& what) const {
  return Option(*app_->add_option(name, value, what), *files_);
}

Option Command::add_option(const std::string& name, std::vector<std::string>& values,
                           const std::string& what) const {
  return Option(*app_->add_option(name, values, what), *files_);
}

Option Command::add_option(const std::string& name, std::vector<int>& values,
                           const std::string& what) const {
  return Option(*app_->add_option(name, values, what), *files_);
}

Option Command::add_option(const std::string& name, std::vector<Index>& values,
                           const std::string& what) const {
  return Option(*app_->add_option(name, values, what), *files_);
}

Option Command::add_option(const std::string& name, std::vector<double>& values,
                           const std::string& what) const {
  return Option(*app_->add_option(name, values, what), *files_);
}

Option Command::add_flag(const std::string& name, bool& value, const std::string& what) const {
  return Option(*app_->add_flag(name, value, what), *files_);
}

Option Command::option(const std::string& name) const {
  return Option(*app_->get_option(name), *files_);
}

void Command::footer(const std::string& text) const { app_->footer(text); }

void Command::callback(std::function<void()> run, std::function<void(FileUse&)> more) const {
  app_->callback([files = files_, run = std::move(run), more = std::move(more)] {
    if (more) more(*files);
    if (launched_rank().rank != 0) return run();  // it writes nothing: rank 0 does
    files->check();
    const OutputLocks locks = files->lock();
    if (!locks.unsupported().empty()) {
      write_note(
          fmt::format("kindred: no locks on this file system keep other processes away: {}\n",
                      printable(locks.unsupported())));
    }
    run();
  });
}

int run_command_line(int argc, char** argv, const std::string& name, const std::string& version,
                     const std::string& what, const std::string& footer,
                     const std::function<void(const Command&)>& add) {
  CLI::App program(what, name);
  program.set_version_flag("--version", version);
  program.require_subcommand(1);
  program.failure_message(CLI::FailureMessage::simple);
  program.footer(footer);
  FileUse files;
  add(Command(program, files));
  try {
    program.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    return program.exit(success);
  } catch (const CLI::ParseError& error) {
    const std::string fault = fault_of(program, {argv + 1, argv + argc}, error);
    write_note(fmt::format("{}: {}; see {} --help\n", name, printable(fault), name));
    return static_cast<int>(ErrorKind::usage);
  }
  return 0;
}

}  // namespace kindred::tools
