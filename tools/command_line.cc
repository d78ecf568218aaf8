#include "command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "kindred/core/error.h"
#include "kindred/core/text.h"
#include "kindred/data/dataset_files.h"
#include "standard_streams.h"

namespace kindred::tools {
namespace {

Check checked_by(const CLI::Validator& validator) {
  return Check([validator](CLI::Option& option) { option.check(validator); });
}

}  // namespace

Check one_of(std::vector<std::string> words) { return checked_by(CLI::IsMember(std::move(words))); }
Check one_of(std::initializer_list<int> numbers) { return checked_by(CLI::IsMember(numbers)); }
Check range(Index lowest, Index highest) { return checked_by(CLI::Range(lowest, highest)); }
Check share() { return checked_by(CLI::Range(0.0, 1.0)); }
Check range_or(Index lowest, Index highest, const std::string& word) {
  return checked_by(CLI::Range(lowest, highest) | CLI::IsMember(std::vector{word}));
}
Check positive() { return checked_by(CLI::PositiveNumber); }
Check named() {
  return checked_by(CLI::Validator(
      [](const std::string& value) { return value.empty() ? "the name is empty" : ""; }, ""));
}
Check not_negative() { return checked_by(CLI::NonNegativeNumber); }

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
    write_note(fmt::format("{}: {}; see {} --help\n", name, printable(error.what()), name));
    return static_cast<int>(ErrorKind::usage);
  }
  return 0;
}

}  // namespace kindred::tools
