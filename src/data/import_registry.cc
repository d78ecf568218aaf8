#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "data/import_formats.h"
#include "kindred/core/error.h"
#include "kindred/core/recipe.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/data/import.h"

namespace kindred {
namespace {

constexpr std::array kFormats{
    ImportFormat{"omniglot", "Omniglot: images_background.zip images_evaluation.zip",
                 detect_omniglot, import_omniglot},
    ImportFormat{"omniglot-oneshot", "Omniglot's published one-shot runs: all_runs.zip",
                 detect_omniglot_oneshot, import_omniglot_oneshot},
};

const ImportFormat& choose(std::span<const std::string> sources, const std::string& name) {
  std::vector<std::string> names;
  for (const ImportFormat& format : kFormats) {
    names.emplace_back(format.name);
    if (name.empty() ? format.detect(sources) : format.name == name) return format;
  }
  if (name.empty()) {
    fail(ErrorKind::usage,
         fmt::format("{}: no format knows these sources; name it with --format ({})",
                     fmt::join(sources, " "), fmt::join(names, ", ")));
  }
  const std::string near = nearest(name, names);
  fail(ErrorKind::usage, fmt::format("unknown format '{}'{}; known are {}", name,
                                     near.empty() ? "" : fmt::format(", did you mean '{}'?", near),
                                     fmt::join(names, ", ")));
}

// The last argument is written over: a forgotten OUT.h5 must not cost the last source.
void check_target(std::span<const std::string> sources, const std::string& out_path) {
  std::error_code ignored;
  if (!std::filesystem::exists(out_path, ignored)) return;
  for (const std::string& source : sources) {
    if (std::filesystem::equivalent(source, out_path, ignored)) {
      fail(ErrorKind::usage,
           fmt::format("{}: is a source and cannot be the output, too; name an OUT.h5", out_path));
    }
  }
  if (!is_hdf5_file(out_path)) {
    fail(ErrorKind::cannot_create,
         fmt::format("{}: exists and is not an HDF5 file, so it is not replaced; the last argument "
                     "is the output, OUT.h5",
                     out_path));
  }
}

}  // namespace

std::span<const ImportFormat> import_registry() { return kFormats; }

ImportReport import_dataset(std::span<const std::string> sources, const std::string& out_path,
                            const ImportOptions& options) {
  if (sources.empty()) fail(ErrorKind::usage, "import needs at least one source");
  if (options.size < 1 || options.size > 4096) {
    fail(ErrorKind::usage, fmt::format("import size is {}; 1 to 4096 is expected", options.size));
  }
  check_target(sources, out_path);
  const ImportFormat& format = choose(sources, options.format);
  ImportReport report = format.import(sources, out_path, options);
  report.format = format.name;
  return report;
}

}  // namespace kindred
