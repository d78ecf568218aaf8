#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "kindred/core/file_use.h"
#include "kindred/core/index.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

/// Commands and their options, read by CLI11. Only this and documents/ read CLI11's header, whose
/// global objects cost each file that does 7 seconds of compilation.
namespace kindred::tools {

/// What a value must be; --help shows it. Other values are refused: exit code 64.
class Check {
 public:
  explicit Check(std::function<void(CLI::Option&)> add) : add_(std::move(add)) {}
  void add_to(CLI::Option& option) const { add_(option); }

 private:
  std::function<void(CLI::Option&)> add_;
};
Check one_of(std::vector<std::string> words);
Check one_of(std::initializer_list<int> numbers);
Check range(Index lowest, Index highest);
/// 0 to 1.
Check share();
/// A whole number in the range, or the word.
Check range_or(Index lowest, Index highest, const std::string& word);
Check positive();
Check not_negative();
/// More than 0, and at most a year.
Check run_minutes();
/// A cosine: -1 to 1.
Check score();
/// The name of a file or a folder: any but the empty one.
Check named();
/// Text without control characters, in UTF-8, of at most so many bytes.
Check one_line(std::size_t most_bytes);

/// An option or argument of a command. A handle: copies mean the same option, while the program
/// lives.
class Option {
 public:
  Option(CLI::Option& option, FileUse& files) : option_(&option), files_(&files) {}

  Option& required();
  /// What --help calls the value, and what completion offers for it: see documents/command_tree.h.
  Option& type_name(const std::string& name);
  Option& check(const Check& check);
  /// Is refused without the other, or beside it.
  Option& needs(const Option& other);
  Option& excludes(const Option& other);
  /// Of a list: one word holds several values. A list takes several words otherwise.
  Option& delimiter(char letter);
  Option& expected(int values);
  /// Of a list: an option takes one word, and may stand several times.
  Option& one_word_each();
  /// --help shows the value that the variable has now.
  Option& show_default();

  /// What its values name: checked against each other before the command runs, see FileUse. A file
  /// to read may be a folder or a data set, with all files that it stands for; with an `ending`,
  /// other values are no files. "-" is standard output where one is written. Empty names are
  /// refused.
  Option& reads_file(const std::string& ending = "");
  /// One that exists has to be empty or of `kind`.
  Option& writes_file(const FileKind& kind);
  /// The same of one that the command keeps from other processes by itself.
  Option& writes_locked_file(const FileKind& kind);
  Option& writes_folder();

  /// How often it stood on the command line.
  std::size_t count() const;

 private:
  CLI::Option* option_;
  FileUse* files_;  // of the line that is read
};

/// The program or one of its commands. A handle, as Option is.
class Command {
 public:
  Command(CLI::App& app, FileUse& files) : app_(&app), files_(&files) {}

  Command add_command(const std::string& name, const std::string& what) const;
  /// Refuses a line that names none of its commands.
  void require_command() const;
  /// Neither --help nor completion shows it.
  void hide() const;

  /// `name`: "--out", or "file" for an argument. `value` keeps what it has where the option is not
  /// given, and has to live while the program does.
  Option add_option(const std::string& name, std::string& value, const std::string& what) const;
  Option add_option(const std::string& name, int& value, const std::string& what) const;
  Option add_option(const std::string& name, Index& value, const std::string& what) const;
  Option add_option(const std::string& name, std::uint64_t& value, const std::string& what) const;
  Option add_option(const std::string& name, double& value, const std::string& what) const;
  Option add_option(const std::string& name, std::vector<std::string>& values,
                    const std::string& what) const;
  Option add_option(const std::string& name, std::vector<int>& values,
                    const std::string& what) const;
  Option add_option(const std::string& name, std::vector<Index>& values,
                    const std::string& what) const;
  Option add_option(const std::string& name, std::vector<double>& values,
                    const std::string& what) const;
  /// `name` "!--no-map": false where it is given.
  Option add_flag(const std::string& name, bool& value, const std::string& what) const;
  /// One that was added before.
  Option option(const std::string& name) const;

  /// Stands below the options in --help.
  void footer(const std::string& text) const;
  /// Runs once the line is read, if it names this command, and the files that its options read and
  /// write are found to be apart and within reach; meanwhile other processes are kept from what it
  /// writes. `more` adds to them what options do not mark.
  void callback(std::function<void()> run, std::function<void(FileUse&)> more = {}) const;

  /// For what describes commands: documents/.
  const CLI::App& description() const { return *app_; }

 private:
  CLI::App* app_;
  FileUse* files_;
};

/// Reads a command line: makes the program, has `add` add its commands to it, and runs the one
/// that is named. What is thrown there passes through. Otherwise the exit code: 0, or 64 with a
/// line on standard error. --help and --version print and are 0.
int run_command_line(int argc, char** argv, const std::string& name, const std::string& version,
                     const std::string& what, const std::string& footer,
                     const std::function<void(const Command&)>& add);

}  // namespace kindred::tools
