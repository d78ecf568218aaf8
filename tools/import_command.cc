#include <fmt/format.h>

#include "command.h"
#include "kindred/core/error.h"
#include "kindred/data/import.h"

namespace kindred::tools {
namespace {

struct ImportArguments : CommonOptions {
  std::vector<std::string> paths;  ///< sources, then the output
  ImportOptions options;
};

void import(const ImportArguments& arguments) {
  if (arguments.paths.size() < 2) {
    fail(ErrorKind::usage, "import: name at least one source and the data set to write");
  }
  const std::vector<std::string> sources(arguments.paths.begin(), arguments.paths.end() - 1);
  const std::string& out = arguments.paths.back();
  ImportOptions options = arguments.options;
  options.threads = arguments.threads;
  const ImportReport report = import_dataset(sources, out, options);
  Json numbers;
  numbers["format"] = report.format;
  numbers["samples"] = report.samples;
  numbers["classes"] = report.classes;
  numbers["shape"] = {report.shape.height, report.shape.width, report.shape.channels};
  numbers["bytes"] = report.bytes;
  numbers["skipped"] = report.skipped;
  if (!write_json(arguments, numbers)) return;
  fmt::print("{}: {} samples of {} classes, {} x {} x {}, {} bytes, from {} ({})\n", out,
             report.samples, report.classes, report.shape.height, report.shape.width,
             report.shape.channels, report.bytes, fmt::join(sources, ", "), report.format);
  for (const std::string& skipped : report.skipped) fmt::print("  left out: {}\n", skipped);
}

}  // namespace

void add_import(CLI::App& program) {
  auto arguments = std::make_shared<ImportArguments>();
  CLI::App& command = *program.add_subcommand("import", "make a data set from what others wrote");
  command.add_option("paths", arguments->paths, "files to read, then the data set to write")
      ->required()
      ->type_name("SOURCE... OUT.h5");
  std::vector<std::string> formats;
  for (const ImportFormat& format : import_registry()) formats.emplace_back(format.name);
  command.add_option("--format", arguments->options.format, "how the sources are laid out")
      ->check(CLI::IsMember(formats));
  command.add_option("--size", arguments->options.size, "images become N x N")
      ->type_name("N")
      ->check(CLI::Range(1, 4096));
  add_threads(command, *arguments);
  add_json(command, *arguments);
  add_quiet(command, *arguments);
  command.footer(
      "Nothing is extracted to disk; equal sources give equal bytes.\n"
      "Example:\n  kindred import images_background.zip images_evaluation.zip "
      "omniglot28.h5 --format omniglot");
  command.callback([arguments] { import(*arguments); });
}

}  // namespace kindred::tools
