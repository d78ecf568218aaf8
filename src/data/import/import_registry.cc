#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "core/files/file_lock.h"
#include "core/texts/did_you_mean.h"
#include "data/import/import_formats.h"
#include "data/import/import_names.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/core/file_use.h"
#include "kindred/core/output_file.h"
#include "kindred/core/recipe.h"
#include "kindred/data/hdf5_kinds.h"
#include "kindred/data/import.h"
#include "kindred/data/picture_regions.h"

namespace kindred {
namespace {

struct Row {
  ImportFormat format;
  bool (*detect)(const SourceFiles& files);
  ImportPlan (*plan)(const SourceFiles& files, const ImportOptions& options);
};

// The first that knows the sources takes them: the particular before the general.
constexpr std::array kRows{
    Row{{"omniglot", "Omniglot: images_background.zip images_evaluation.zip"},
        detect_omniglot,
        plan_omniglot},
    Row{{"omniglot-oneshot", "Omniglot's published one-shot runs: all_runs.zip"},
        detect_omniglot_oneshot,
        plan_omniglot_oneshot},
    Row{{"csv", "a list .csv or .tsv of PATH,LABEL[,SPLIT], then what the paths are in"},
        detect_list,
        plan_list},
    Row{{"lfw", "NAME/NAME_0001.jpg, with LFW's lists of people and pairs (.txt)"},
        detect_lfw,
        plan_lfw},
    Row{{"cub", "CUB-200-2011: images.txt, image_class_labels.txt and the images"},
        detect_cub,
        plan_cub},
    Row{{"sop", "Stanford Online Products: Ebay_train.txt, Ebay_test.txt and the images"},
        detect_sop,
        plan_sop},
    Row{{"inshop", "In-Shop Clothes Retrieval: list_eval_partition.txt and the images"},
        detect_inshop,
        plan_inshop},
    Row{{"market1501", "0002_c1s1_000451_03.jpg: person, camera; train, query, test"},
        detect_market,
        plan_market},
    Row{{"idx", "MNIST's images-idx3-ubyte and labels-idx1-ubyte, also .gz"}, detect_idx, plan_idx},
    Row{{"cifar", "CIFAR-10 and CIFAR-100, binary version"}, detect_cifar, plan_cifar},
    Row{{"npy", "NumPy arrays of images or vectors and labels, .npy or .npz"},
        detect_npy,
        plan_npy},
    Row{{"hdf5", "an HDF5 file of JPEG or PNG files as bytes of variable length"},
        detect_hdf5,
        plan_hdf5},
    Row{{"folder", "[SPLIT/]CLASS/*.jpg: an image is of the class it lies in"},
        detect_folder,
        plan_folder},
};

constexpr auto kFormats = [] {
  std::array<ImportFormat, kRows.size()> formats{};
  for (std::size_t i = 0; i < formats.size(); ++i) formats[i] = kRows[i].format;
  return formats;
}();

const Row* row_of(const SourceFiles& files, const std::string& name) {
  for (const Row& row : kRows) {
    if (name.empty() ? row.detect(files) : row.format.name == name) return &row;
  }
  return nullptr;
}

[[noreturn]] void refuse_sources(const SourceFiles& files, const std::string& name) {
  std::vector<std::string> names;
  for (const Row& row : kRows) names.emplace_back(row.format.name);
  if (name.empty()) {
    fail(
        ErrorKind::usage,
        fmt::format("{}: no format knows these sources: {}. Formats that can be named with "
                    "--format: {}",
                    fmt::join(files.sources(), " "), what_is_there(files), fmt::join(names, ", ")));
  }
  fail(ErrorKind::usage, fmt::format("unknown format '{}'; known are {}{}", name,
                                     fmt::join(names, ", "), did_you_mean(name, names)));
}

// The last argument is written over: a forgotten OUT.h5 must not cost the last source. One that
// lies in a source is of an earlier import.
FileUse outputs_of(const std::string& out_path, const ImportOptions& options) {
  FileUse files;
  files.writes_beside_inputs(out_path, &kDataSetFile);
  for (const std::string& path : options.also_written) files.writes(path);
  return files;
}

// Lists name images anywhere.
void check_listed(const ImportPlan& plan, const std::string& out_path,
                  const ImportOptions& options) {
  const auto is_there = [](const std::string& path) { return exists(path); };
  if (!is_there(out_path) && std::ranges::none_of(options.also_written, is_there)) return;
  FileUse files = outputs_of(out_path, options);
  for (const ImportItem& item : plan.items) files.reads(plan.images->where(item.place));
  files.check();
}

// Images without a region are left out: which part of them is meant is not guessed.
void find_regions(ImportPlan& plan, const ImportOptions& options) {
  if (options.boxes.empty() && options.landmarks.empty()) return;
  if (plan.vectors.rows() > 0) {
    fail(ErrorKind::usage,
         fmt::format("{}: holds vectors; boxes and landmarks are for pictures", plan.source));
  }
  PictureRegions regions = options.boxes.empty() ? PictureRegions::read_landmarks(options.landmarks)
                                                 : PictureRegions::read_boxes(options.boxes);
  std::erase_if(plan.items, [&](const ImportItem& item) {
    const auto region = regions.find(item.path);
    if (region) {
      plan.region_at[item.place] = *region;
    } else {
      plan.left_out.push_back(
          fmt::format("{}: has no line in {}", plan.images->where(item.place), regions.source()));
    }
    return !region;
  });
  if (plan.items.empty()) {
    fail(ErrorKind::data,
         fmt::format("{}: names none of the images of {}", regions.source(), plan.source));
  }
}

void check_options(const ImportOptions& options) {
  const auto fits = [](const Extent& extent, const char* name) {
    if (extent.height == 0 && extent.width == 0) return;
    if (std::min(extent.height, extent.width) >= 1 && std::max(extent.height, extent.width) <= 4096)
      return;
    fail(ErrorKind::usage, fmt::format("import {} is {} x {}; 1 to 4096 is expected", name,
                                       extent.height, extent.width));
  };
  fits(options.size, "size");
  fits(options.crop, "crop");
  const double shares = options.validation_share + options.test_share;
  if (!(options.validation_share >= 0 && options.test_share >= 0 && shares < 1)) {
    fail(ErrorKind::usage,
         fmt::format("import: shares {} and {} are for validation and test; they are 0 or more and "
                     "leave something to train on",
                     options.validation_share, options.test_share));
  }
  if (!options.boxes.empty() && !options.landmarks.empty()) {
    fail(ErrorKind::usage, "import: either boxes or landmarks say what of each image is meant");
  }
  if (options.gzip > 12 || options.chunk < 0 || options.min_samples < 1) {
    fail(ErrorKind::usage, "import: gzip is 0 to 12, a chunk and a class have at least one sample");
  }
}

// Files that could not be looked at, and images of kinds that are not read.
void refuse_left_out(const SourceFiles& files) {
  if (!files.left_out().empty()) {
    fail(ErrorKind::data,
         fmt::format("{} (--strict; {} files are left out: {})", files.left_out()[0],
                     files.left_out().size(), counts_of_reasons(files.left_out())));
  }
  for (const SourceFile& file : files.files()) {
    if (unread_kind_of_name(file.name).empty()) continue;
    fail(ErrorKind::data, fmt::format("{}: {} (--strict)", file.where, why_no_image(file.name)));
  }
}

ImportReport import_checked(std::span<const std::string> sources, const std::string& out_path,
                            const ImportOptions& options, WorkObserver& observer,
                            ProcessGroup* group) {
  const SourceFiles files(sources);
  std::optional<ImportPlan> found = plan_of_sources(files, options);
  if (!found) refuse_sources(files, options.format);
  ImportPlan plan = std::move(*found);
  if (group == nullptr || group->rank() == 0) check_listed(plan, out_path, options);
  make_names_valid(plan);
  const std::string unread = unread_images(files);
  if (!unread.empty()) plan.notes.push_back(unread);
  plan.left_out.insert(plan.left_out.end(), files.left_out().begin(), files.left_out().end());
  if (options.strict) refuse_left_out(files);
  find_regions(plan, options);
  if (options.strict && !plan.region_at.empty() && !plan.left_out.empty()) {
    fail(ErrorKind::data, fmt::format("{} (--strict)", plan.left_out.back()));
  }
  return run_import(std::move(plan), out_path, options, observer, group);
}

}  // namespace

std::optional<ImportPlan> plan_of_sources(const SourceFiles& files, const ImportOptions& options) {
  const Row* const row = row_of(files, options.format);
  if (row == nullptr) return std::nullopt;
  ImportPlan plan = row->plan(files, options);
  plan.format = row->format.name;
  tell_sources_apart(files, options, plan);
  return plan;
}

std::span<const ImportFormat> import_registry() { return kFormats; }

ImportReport import_dataset(std::span<const std::string> sources, const std::string& out_path,
                            const ImportOptions& options, WorkObserver* observer,
                            ProcessGroup* group) {
  if (sources.empty()) fail(ErrorKind::usage, "import needs at least one source");
  check_options(options);
  const bool writes = group == nullptr || group->rank() == 0;
  FileUse use = writes ? outputs_of(out_path, options) : FileUse();
  for (const std::string& source : sources) use.reads(source);
  for (const std::string& list : {options.boxes, options.landmarks}) {
    if (!list.empty()) use.reads(list);
  }
  use.check();
  std::optional<FileLock> lock;  // devices take what comes
  if (writes && !is_written_into(out_path)) lock.emplace(FileLock::of_output(out_path));
  WorkObserver silent;
  if (observer == nullptr) observer = &silent;
  try {
    return import_checked(sources, out_path, options, *observer, group);
  } catch (const Error& error) {
    // A signal for all of a service's processes may reach those that decode before it is seen here.
    const bool ended = error.kind() == ErrorKind::io || error.kind() == ErrorKind::system;
    const bool alone = group == nullptr || group->size() == 1;
    if (!ended || !alone || !observer->stop_requested()) throw;
    ImportReport report;
    report.interrupted = true;
    return report;
  }
}

}  // namespace kindred
