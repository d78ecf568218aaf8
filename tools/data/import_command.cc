#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "command.h"
#include "contact_sheet.h"
#include "count_bar.h"
#include "kindred/core/error.h"
#include "kindred/core/output_file.h"
#include "kindred/core/text.h"
#include "kindred/data/hdf5_kinds.h"
#include "kindred/data/import.h"
#include "picture_arguments.h"
#include "together.h"

namespace kindred::tools {
namespace {

constexpr std::size_t kListed = 10;  // of what was left out; --json has them all

struct ImportArguments : CommonOptions {
  std::vector<std::string> paths;  ///< sources, then the output
  std::string size;
  std::string crop;
  bool grey = false;
  bool rgb = false;
  std::string split = "as-found";
  std::string split_folders;
  std::string preview;
  ImportOptions options;
};

// "96" or "HEIGHTxWIDTH".
Extent extent_of(const std::string& text, const char* option) {
  Extent extent;
  const char* const end = text.data() + text.size();
  auto read = std::from_chars(text.data(), end, extent.height);
  extent.width = extent.height;
  if (read.ec == std::errc() && read.ptr != end && *read.ptr == 'x') {
    read = std::from_chars(read.ptr + 1, end, extent.width);
  }
  if (read.ec != std::errc() || read.ptr != end || extent.height < 1 || extent.width < 1) {
    fail(ErrorKind::usage,
         fmt::format("import {}: '{}' is neither N nor HEIGHTxWIDTH", option, text));
  }
  return extent;
}

ImportReport run(const std::vector<std::string>& sources, const std::string& out,
                 const ImportOptions& options, bool quiet, ProcessGroup& group) {
  BarObserver observer("images", quiet || group.rank() != 0);
  return import_dataset(sources, out, options, &observer, &group);
}

void print_list(const std::vector<std::string>& lines, const char* what) {
  for (std::size_t i = 0; i < std::min(lines.size(), kListed); ++i) {
    fmt::print("  {}: {}\n", what, printable(lines[i]));
  }
  if (lines.size() > kListed) {
    fmt::print("  {}: and {} more; --json lists them\n", what, lines.size() - kListed);
  }
}

Json json_of(const ImportReport& report) {
  Json numbers;
  numbers["format"] = report.format;
  numbers["samples"] = report.samples;
  numbers["classes"] = report.classes;
  numbers["shape"] = {report.shape.height, report.shape.width, report.shape.channels};
  numbers["bytes"] = report.bytes;
  numbers["split"] = {{"train", report.of_split[0]},
                      {"validation", report.of_split[1]},
                      {"test", report.of_split[2]}};
  numbers["pairs"] = report.pairs;
  numbers["counts"] = {{"skipped", report.skipped.size()},
                       {"unreadable", report.unreadable.size()},
                       {"duplicates", report.duplicates.size()}};
  numbers["skipped"] = report.skipped;
  numbers["unreadable"] = report.unreadable;
  numbers["duplicates"] = report.duplicates;
  numbers["notes"] = report.notes;
  return numbers;
}

ImportOptions options_of(const ImportArguments& arguments) {
  ImportOptions options = arguments.options;
  options.threads = arguments.threads;
  for (const std::string& path : {arguments.preview, arguments.json}) {
    if (!path.empty() && path != "-") options.also_written.push_back(path);
  }
  if (!arguments.size.empty()) options.size = extent_of(arguments.size, "--size");
  options.crop_square = arguments.crop == "square";
  if (!arguments.crop.empty() && !options.crop_square) {
    options.crop = extent_of(arguments.crop, "--crop");
  }
  if (arguments.grey) options.colour = ImportColour::grey;
  if (arguments.rgb) options.colour = ImportColour::rgb;
  const bool shares = options.test_share > 0 || options.validation_share > 0;
  if (shares != (arguments.split != "as-found")) {
    fail(ErrorKind::usage,
         "import: --split classes or samples goes with --test or --validation, a share of 1");
  }
  if (arguments.split_folders == "yes") options.folders = ImportFolders::splits;
  if (arguments.split_folders == "no") options.folders = ImportFolders::classes;
  if (arguments.split == "classes") options.split = ImportSplit::by_class;
  if (arguments.split == "samples") options.split = ImportSplit::by_sample;
  return options;
}

// The last path is written, the others are read.
void add_paths(const ImportArguments& arguments, FileUse& files) {
  if (arguments.paths.size() < 2) {
    fail(ErrorKind::usage, "import: name at least one source and the data set to write");
  }
  const std::string& out = arguments.paths.back();
  for (const std::string& path : arguments.paths) {
    if (&path != &out) files.reads(path);
  }
  files.writes_beside_inputs(out, &kDataSetFile);
  if (!arguments.preview.empty() && is_written_into(out)) {
    fail(ErrorKind::usage,
         fmt::format("import --preview: reads {} again, which is a device or a pipe; leave one of "
                     "the two out",
                     out));
  }
}

void import(const ImportArguments& arguments, ProcessGroup& group) {
  const std::vector<std::string> sources(arguments.paths.begin(), arguments.paths.end() - 1);
  const std::string& out = arguments.paths.back();
  const ImportOptions options = options_of(arguments);
  if (group.size() > 1 && !arguments.preview.empty()) {
    fail(ErrorKind::usage, "import --preview: is drawn by one process; leave it out");
  }
  watch_signals();
  const ImportReport report = run(sources, out, options, arguments.quiet, group);
  if (group.rank() != 0) return;
  if (report.interrupted) {
    note(fmt::format("stopped; {} was not written", out));
    return;
  }
  if (!arguments.preview.empty()) {
    const Workers workers(arguments.threads);
    write_contact_sheet(Dataset::open(out), arguments.preview, workers);
  }
  if (!write_json(arguments, json_of(report)) || is_standard_output(out)) return;
  fmt::print("{}: {} samples of {} classes, {} x {} x {}, {} bytes, from {} ({})\n", printable(out),
             report.samples, report.classes, report.shape.height, report.shape.width,
             report.shape.channels, report.bytes,
             printable(fmt::format("{}", fmt::join(sources, ", "))), report.format);
  if (report.of_split[0] < report.samples) {
    fmt::print("  {} for training, {} for validation, {} for test\n", report.of_split[0],
               report.of_split[1], report.of_split[2]);
  }
  if (report.pairs > 0) fmt::print("  {} pairs\n", report.pairs);
  if (report.skipped.size() + report.unreadable.size() + report.duplicates.size() > 0) {
    fmt::print("  {} files left out, {} images unreadable, {} duplicates\n", report.skipped.size(),
               report.unreadable.size(), report.duplicates.size());
  }
  print_list(report.notes, "note");
  print_list(report.skipped, "left out");
  print_list(report.unreadable, "unreadable");
  print_list(report.duplicates, "duplicate");
}

void add_image_options(const Command& command, ImportArguments& arguments) {
  command
      .add_option("--size", arguments.size,
                  "images become N x N, or HEIGHTxWIDTH: smaller by the mean over the area "
                  "(default: as they are)")
      .type_name("N");
  command
      .add_option("--crop", arguments.crop,
                  "keep the middle N x N, HEIGHTxWIDTH or the largest 'square', before --size")
      .type_name("N");
  command.add_flag("--bicubic", arguments.options.bicubic,
                   "images that get larger do so by Catmull-Rom's cubics, not linearly");
  command
      .add_option("--bits", arguments.options.bits,
                  "that pictures of 16 bits a channel use, as 12 of a camera's (default: 16)")
      .type_name("N")
      .check(range(8, 16));
  add_region_options(command, arguments.options.boxes, arguments.options.landmarks);
  const Option grey =
      command.add_flag("--grey", arguments.grey, "one channel (default: as the first image)");
  command.add_flag("--rgb", arguments.rgb, "three channels").excludes(grey);
}

void add_choice_options(const Command& command, ImportArguments& arguments) {
  ImportOptions& options = arguments.options;
  command
      .add_option("--classes", options.classes,
                  "only classes of these names, or patterns with * and ?, separated by commas")
      .type_name("NAME,...")
      .delimiter(',')
      .one_word_each();
  command
      .add_option("--min-samples", options.min_samples,
                  "leave out classes with fewer readable samples")
      .type_name("N")
      .check(range(1, 1 << 30));
  command
      .add_option("--split", arguments.split,
                  "what is drawn for --validation and --test, from what the sources leave for "
                  "training: whole classes, or samples of each class (default: nothing)")
      .check(one_of({"as-found", "classes", "samples"}));
  command
      .add_option("--split-folders", arguments.split_folders,
                  "folders called train, val, test and the like are splits, or classes like others "
                  "(default: splits where nearly all images lie in such)")
      .check(one_of({"yes", "no"}));
  command.add_flag("--prefix-sources", options.prefix_sources,
                   "classes are called SOURCE/CLASS, so that equal names of sources stay apart");
  command
      .add_option("--labels", options.labels,
                  "the column of labels in a list, or their array in an .npz or HDF5 file: NAME or "
                  "NAME:COLUMN (default: found)")
      .type_name("NAME");
  command
      .add_option("--negative-labels", options.negative_labels,
                  "samples with a negative label: drop them, or make them a class (default: an "
                  "error)")
      .check(one_of({"drop", "class"}));
  command.add_option("--validation", options.validation_share, "share that is for validation")
      .type_name("SHARE")
      .check(share());
  command.add_option("--test", options.test_share, "share that is for the test")
      .type_name("SHARE")
      .check(share());
  command.add_option("--seed", options.seed, "of that draw (default: 1)").type_name("N");
}

}  // namespace

void add_import(const Command& program) {
  auto arguments = std::make_shared<ImportArguments>();
  const Command command = program.add_command("import", "make a data set from what others wrote");
  command
      .add_option("paths", arguments->paths,
                  "folders, archives (zip, tar) or files to read, then the data set to write")
      .required()
      .check(named())
      .type_name("SOURCE... OUT.h5");
  std::vector<std::string> formats;
  for (const ImportFormat& format : import_registry()) formats.emplace_back(format.name);
  command
      .add_option("--format", arguments->options.format,
                  "how the sources are laid out (default: as they look; see kindred list formats)")
      .check(one_of(formats));
  add_image_options(command, *arguments);
  add_choice_options(command, *arguments);
  command
      .add_option("--chunk", arguments->options.chunk,
                  "samples a chunk of the file (default: whole classes, 64 KiB or more)")
      .type_name("N")
      .check(range(1, 1 << 30));
  command
      .add_option("--gzip", arguments->options.gzip,
                  "0 (none), 1 (default) to 12 (slow and small; default for Omniglot)")
      .type_name("LEVEL")
      .check(range(0, 12));
  command.add_option("--preview", arguments->preview, "draw some samples, a class a row, as PNG")
      .type_name("SHEET.png")
      .writes_file(kPngFile);
  command.add_flag("--strict", arguments->options.strict,
                   "fail at an image that cannot be read or looked at (default: it is left out "
                   "and listed)");
  add_threads(command, *arguments);
  add_json(command, *arguments);
  add_quiet(command, *arguments);
  command.footer(
      "Nothing is extracted to disk; equal sources give equal bytes, for any number of threads.\n"
      "OUT.h5 takes the place of an empty file or of a data set that Kindred wrote, and of no "
      "other.\n"
      "It is there whole or not at all, also after Ctrl-C (exit code 130) or with a full disk\n"
      "(74). Exit code 0 where images were left out and listed, 65 where none could be read or\n"
      "--strict found one.\n"
      "mpirun -n R kindred import: R processes, each of which decodes its part.\n"
      "Example:\n"
      "  kindred import photos/ photos.h5 --size 64 --split classes --test 0.2 --preview "
      "sheet.png\n"
      "  kindred import lfw.zip peopleDevTrain.txt peopleDevTest.txt pairsDevTest.txt lfw.h5\n"
      "  kindred import images_background.zip images_evaluation.zip omniglot28.h5");
  command.callback(
      [arguments] { together([&](ProcessGroup& group) { import(*arguments, group); }); },
      [arguments](FileUse& files) { add_paths(*arguments, files); });
}

}  // namespace kindred::tools
