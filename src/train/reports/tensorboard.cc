// A run for TensorBoard: see run_report.h.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include "core/files/made_folders.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/data/pictures.h"
#include "kindred/train/run_report.h"
#include "train/reports/event_file.h"
#include "train/reports/judged_run.h"
#include "train/reports/run_curves.h"
#include "train/reports/run_to_show.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;

constexpr Index kMostSpriteSide = 8192;  // pixels: more is no texture
constexpr Index kLargestPicture = 64;

const std::string kEvents = "events.out.tfevents.0000000000.kindred";
const std::string kConfig = "projector_config.pbtxt";
const std::string kVectors = "embedding.tsv";
const std::string kNames = "metadata.tsv";
const std::string kSprite = "sprite.png";
const std::string* const kFiles[] = {&kEvents, &kConfig, &kVectors, &kNames, &kSprite};

// "validation recall@1": "validation/recall@1", beside the training's in one chart a metric.
std::string tag_of(const ReportSeries& series) {
  if (series.chart == ReportChart::loss) return "loss/" + series.name;
  std::string tag = series.name;
  for (const char* split : {"validation ", "training "}) {
    if (tag.starts_with(split)) tag[std::string(split).size() - 1] = '/';
  }
  std::replace(tag.begin(), tag.end(), ' ', '_');
  return tag;
}

std::string events_of(const std::vector<Json>& log) {
  std::map<Index, std::vector<std::pair<std::string, double>>> steps;
  for (const ReportSeries& series : run_curves(log)) {
    for (std::size_t i = 0; i < series.steps.size(); ++i) {
      steps[static_cast<Index>(series.steps[i])].emplace_back(tag_of(series), series.values[i]);
    }
  }
  std::map<Index, double> seconds;
  for (const Json& line : log) {
    if (line.contains("train_seconds")) {
      seconds[line["step"].get<Index>()] = number_in(line, "train_seconds");
    }
  }
  EventFile events;
  double last = 0;
  for (const auto& [step, values] : steps) {
    const auto found = seconds.find(step);
    if (found != seconds.end()) last = found->second;
    events.add(step, last, values);
  }
  return events.bytes();
}

// A cell of a table whose ends are tabs and line breaks.
std::string cell(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return text;
}

std::string vectors_of(const JudgedRun& judged) {
  std::string text;
  for (Index i = 0; i < judged.embeddings.rows(); ++i) {
    for (Index j = 0; j < judged.embeddings.cols(); ++j) {
      text += fmt::format("{}{:.6g}", j > 0 ? "\t" : "", judged.embeddings(i, j));
    }
    text += "\n";
  }
  return text;
}

std::string names_text(const RunToShow& run, const JudgedRun& judged) {
  const std::vector<std::string>& classes = run.dataset->class_names();
  const std::vector<std::string> names = judged_names(run, judged);
  std::string text = "class\tsample\n";
  for (std::size_t i = 0; i < judged.samples.size(); ++i) {
    const auto label = static_cast<std::size_t>(judged.labels[i]);
    text += label < classes.size() ? cell(classes[label]) : fmt::format("class {}", label);
    text += "\t" + (names.empty() ? fmt::format("{}", judged.samples[i]) : cell(names[i])) + "\n";
  }
  return text;
}

// One picture of all: as many columns as rows, as the projector counts.
PictureSheets sprite_of(const RunToShow& run, const JudgedRun& judged, const Workers& workers) {
  const auto count = static_cast<Index>(judged.samples.size());
  const auto columns = static_cast<Index>(std::ceil(std::sqrt(static_cast<double>(count))));
  PictureOptions options;
  options.per_sheet = count;
  options.largest_side = std::clamp<Index>(kMostSpriteSide / columns, 1, kLargestPicture);
  options.most_bytes = Index{1} << 30;
  return picture_sheets(workers, *run.dataset, judged.samples, options);
}

// Only what an earlier call wrote is replaced: the events' file, which nobody else calls so, says
// that the others are its own.
void check_folder(const std::string& folder) {
  std::error_code code;
  if (!fs::exists(folder, code)) return;  // where it cannot be looked at, making it says why
  if (!is_folder(folder)) fail(ErrorKind::usage, folder + ": is no folder; name a new one");
  const bool ours = exists((fs::path(folder) / kEvents).string());
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    const std::string name = entry.path().filename().string();
    const bool own = std::ranges::any_of(kFiles, [&](const auto* file) { return name == *file; });
    if (ours && own && entry.symlink_status(code).type() == fs::file_type::regular) continue;
    fail(ErrorKind::usage,
         fmt::format("{}: holds {}, which kindred did not write for TensorBoard; name a new folder",
                     folder, name));
  }
}

}  // namespace

void write_tensorboard(const std::string& run_folder, const std::string& folder,
                       const Workers& workers, ReportProgress progress) {
  check_folder(folder);
  RunToShow run = read_run_to_show(run_folder);
  MadeFolders made;
  made.make(folder);
  const std::optional<JudgedRun> judged = judge_run(run, workers, progress);
  const auto path = [&](const std::string& name) { return (fs::path(folder) / name).string(); };
  // Of an earlier call, perhaps of another run: the events' file, which says whose folder it is,
  // is replaced, not removed.
  for (const std::string* file : kFiles) {
    if (file != &kEvents) fs::remove(path(*file));
  }
  write_file_durably(path(kEvents), events_of(run.log));
  made.keep();
  if (!judged) {
    progress(fmt::format("{}: only its curves are written, without the embedding: {}", run.name,
                         run.missing));
    return;
  }
  write_file_durably(path(kVectors), vectors_of(*judged));
  write_file_durably(path(kNames), names_text(run, *judged));
  std::string config = fmt::format(
      "embeddings {{\n  tensor_name: \"embedding\"\n  tensor_path: \"{}\"\n"
      "  metadata_path: \"{}\"\n",
      kVectors, kNames);
  const PictureSheets sprite = sprite_of(run, *judged, workers);
  if (!sprite.sheets.empty()) {
    write_file_durably(path(kSprite), sprite.sheets.front());
    config += fmt::format(
        "  sprite {{\n    image_path: \"{}\"\n    single_image_dim: {}\n"
        "    single_image_dim: {}\n  }}\n",
        kSprite, sprite.width, sprite.height);
  }
  write_file_durably(path(kConfig), config + "}\n");
}

}  // namespace kindred
