#include <fmt/format.h>

#include <filesystem>

#include "command.h"
#include "count_bar.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/core/output_file.h"
#include "kindred/core/text.h"
#include "kindred/data/hdf5_kinds.h"
#include "kindred/train/picture_run.h"
#include "train/picture_notes.h"

namespace kindred::tools {
namespace {

namespace fs = std::filesystem;

// What is in a recipe was thought of: it is not replaced.
const FileKind kNothing{"an empty file", [](const std::string&) { return false; }};

struct InitOptions : CommonOptions {
  std::string source;
  std::string out;
  ChoosingOptions choosing;
  // What they come to.
  bool pictures = false;
  std::string data;  ///< the data set: made of pictures, or the source
};

/// "photos" of photos/, photos.zip, photos.h5:/group.
std::string stem_of(const std::string& source) {
  const std::string file = source.substr(0, source.find(":/"));
  fs::path path = fs::absolute(file).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  const std::string name = path.filename().string();
  const std::string stem = name.substr(0, name.find('.', 1));
  return stem.empty() ? "photos" : stem;
}

/// `file` as seen from the folder of `recipe`.
std::string seen_from(const std::string& recipe, const std::string& file) {
  const fs::path folder = fs::absolute(recipe).parent_path();
  const fs::path seen =
      fs::absolute(file).lexically_normal().lexically_relative(folder.lexically_normal());
  return seen.empty() ? fs::absolute(file).string() : seen.string();
}

void plan(InitOptions& options, FileUse& files) {
  options.choosing.begun = std::chrono::steady_clock::now();
  if (!exists(options.source.substr(0, options.source.find(":/")))) {
    fail(ErrorKind::no_input,
         fmt::format(
             "{}: is not there; name a folder or an archive of pictures, or a data set (.h5, "
             ".npy, .npz, .csv)",
             options.source));
  }
  options.pictures = holds_pictures(options.source) && !options.source.ends_with(".npz");
  if (options.out.empty()) options.out = stem_of(options.source) + ".toml";
  if (options.out == "-" && options.pictures) {
    fail(ErrorKind::usage,
         "init: pictures become a data set beside the recipe; name a file with --out");
  }
  if (options.out == "-") {
    files.reads(options.source);
    options.data = options.source;
    return;
  }
  files.writes(options.out, &kNothing);
  files.reads(options.source);
  options.data = options.source;
  if (!options.pictures) return;
  if (is_written_into(options.out)) {
    fail(ErrorKind::usage, fmt::format("init: pictures become a data set beside the recipe, and {} "
                                       "is a device or a pipe; name a file with --out",
                                       options.out));
  }
  options.data = fs::path(options.out).replace_extension(".h5").string();
  files.writes_beside_inputs(options.data, &kNothing);
}

void init(InitOptions& options) {
  watch_signals();
  options.choosing.threads = options.threads;
  options.choosing.always_measure = true;
  BarObserver observer("images", options.quiet);
  ImportedPictures imported;
  if (options.pictures) {
    imported = import_pictures(options.source, options.data, options.choosing, observer);
    if (imported.report.interrupted) {
      note(fmt::format("stopped; {} was not written", options.out));
      return;
    }
    if (!options.quiet) tell_left_out(imported.report);
  }
  const std::string recipe_folder = fs::path(options.out).parent_path().string();
  const std::string file = options.out == "-" ? options.data : seen_from(options.out, options.data);
  const RecipeChoice choice = choose_for_data(file, options.out == "-" ? "" : recipe_folder,
                                              imported.why, options.choosing, observer);
  if (options.out == "-") {
    fmt::print("{}", choice.text);
    return;
  }
  write_file_durably(options.out, choice.text);
  Json numbers{{"recipe", options.out},
               {"data", options.data},
               {"steps", choice.steps},
               {"passes", choice.passes}};
  if (options.pictures) numbers["import"] = json_of_import(imported.report);
  if (!write_json(options, numbers)) return;
  if (!options.quiet) {
    fmt::print("{}\n{}: written; to train it: kindred train {}\n", printable_lines(choice.text),
               printable(options.out), printable(options.out));
  }
}

}  // namespace

void add_init(const Command& program) {
  auto options = std::make_shared<InitOptions>();
  const Command command =
      program.add_command("init", "write a recipe for pictures or vectors, with its reasons");
  command
      .add_option("source", options->source,
                  "folder or archive of pictures, a folder a class; or a data set: DATA.h5, "
                  "VECTORS.npy, .npz, .csv")
      .required()
      .check(named())
      .type_name("PICTURES|DATA");
  command
      .add_option("--minutes", options->choosing.minutes,
                  "that training may take on this machine (default: 5)")
      .type_name("N")
      .check(run_minutes());
  command
      .add_option(
          "--out", options->out,
          "the recipe (default: PICTURES.toml or DATA.toml in this folder); pictures become "
          "a data set of the same name, .h5; - is standard output, of a data set's recipe. Neither "
          "takes the place of what is there")
      .check(named())
      .type_name("FILE.toml");
  command
      .add_option("--set", options->choosing.assignments,
                  "say a key of the recipe yourself: section.key=value")
      .type_name("KEY=VALUE")
      .one_word_each();
  add_names(command, options->choosing.names);
  add_threads(command, *options);
  add_json(command, *options);
  add_quiet(command, *options);
  command.footer(
      "Some steps are trained to measure how fast this machine is; nothing of them stays. A "
      "recipe\n"
      "that is there already is not replaced.\n"
      "Example:\n"
      "  kindred init photos/ --minutes 20 && kindred train photos.toml\n"
      "  kindred init vectors.npy --out head.toml");
  command.callback([options] { init(*options); },
                   [options](FileUse& files) { plan(*options, files); });
}

}  // namespace kindred::tools
