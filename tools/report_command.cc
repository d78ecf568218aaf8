#include <fmt/format.h>

#include <filesystem>

#include "command.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/eval/report.h"
#include "kindred/train/run_files.h"
#include "kindred/train/run_report.h"

namespace kindred::tools {
namespace {

struct ReportOptions : CommonOptions {
  std::string run;
  std::string compare;
  std::string out;
  std::string tensorboard;
  bool watch = false;
  int port = 0;
};

std::string page_of_run(const std::string& run) {
  return (std::filesystem::path(run) / "report.html").string();
}

// Runs are read with their data sets.
void add_files(const ReportOptions& options, FileUse& files) {
  for (const std::string& run : {options.run, options.compare}) {
    if (run.empty()) continue;
    for (const std::string& file : files_of_run(run)) files.reads(file);
  }
  if (options.watch) return;
  if (!options.tensorboard.empty()) {
    files.makes(options.tensorboard);
    return;
  }
  if (!options.out.empty()) files.writes(options.out, &kHtmlFile);
  // Of a folder that is none, the command says so.
  if (options.out.empty() && std::filesystem::is_directory(options.run)) {
    files.writes(page_of_run(options.run), &kHtmlFile);
  }
}

void write_for_tensorboard(const ReportOptions& options) {
  const Workers workers(options.threads);
  write_tensorboard(options.run, options.tensorboard, workers, [&](const std::string& text) {
    if (!options.quiet) note(text);
  });
  if (!options.quiet) note(fmt::format("{0}: tensorboard --logdir {0}", options.tensorboard));
}

void report(const ReportOptions& options) {
  if (options.out == "-") {
    fail(ErrorKind::usage, "report: --out -: a page is a file; /dev/stdout prints it");
  }
  if (options.watch) {
    watch_run(options.run, options.port, options);
  } else if (!options.tensorboard.empty()) {
    write_for_tensorboard(options);
  } else {
    write_run_report(options.run, options.compare, options.out, options);
  }
}

}  // namespace

void write_run_report(const std::string& run, const std::string& compare, const std::string& out,
                      const CommonOptions& options) {
  const std::string path = out.empty() ? page_of_run(run) : out;
  const Workers workers(options.threads);
  const Report report = describe_run(run, compare, workers, [&](const std::string& text) {
    if (!options.quiet) note(text);
  });
  const Index bytes = write_report(path, report);
  if (!options.quiet) {
    note(fmt::format("{}: {:.1f} MB, opens in any browser", path,
                     static_cast<double>(bytes) * 1e-6));
  }
}

void add_report(const Command& program) {
  auto options = std::make_shared<ReportOptions>();
  const Command command = program.add_command("report", "show a run and its embedding on one page");
  command.add_option("run", options->run, "run folder of kindred train")
      .required()
      .type_name("RUN");
  const Option out =
      command
          .add_option("--out", options->out,
                      "page to write (default: RUN/report.html); replaces nothing but an HTML page "
                      "or an empty file")
          .type_name("FILE")
          .check(named());
  const Option compare = command
                             .add_option("--compare", options->compare,
                                         "another run, whose curves and final numbers stand beside")
                             .type_name("RUN2");
  const Option tensorboard =
      command
          .add_option(
              "--tensorboard", options->tensorboard,
              "write curves and embedding for TensorBoard and its projector instead, into a "
              "folder that is made; replaces nothing but what this option wrote")
          .type_name("DIR")
          .check(named())
          .excludes(out)
          .excludes(compare);
  const Option watch =
      command
          .add_flag("--watch", options->watch,
                    "serve the page of a run that goes on, to browsers of this machine, until it "
                    "ends; one that was killed is waited for")
          .excludes(out)
          .excludes(compare)
          .excludes(tensorboard);
  command.add_option("--port", options->port, "of --watch (default: one that is free)")
      .type_name("N")
      .check(range(1, 65535))
      .needs(watch);
  command
      .add_option(
          "--json", options->json,
          "write the address of --watch as JSON to FILE, null where the run has ended; - is "
          "standard output")
      .type_name("FILE")
      .writes_file(kJsonFile)
      .needs(watch);
  add_threads(command, *options);
  add_quiet(command, *options);
  command.footer(
      "Without the model or the data set, the page shows what was logged, and says so.\n"
      "Example:\n  kindred report runs/first --compare runs/second --out both.html");
  command.callback([options] { report(*options); },
                   [options](FileUse& files) { add_files(*options, files); });
}

}  // namespace kindred::tools
