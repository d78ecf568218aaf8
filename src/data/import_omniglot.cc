#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <tuple>

#include "data/archive.h"
#include "data/image.h"
#include "data/image_set.h"
#include "data/import_formats.h"
#include "kindred/core/error.h"
#include "kindred/core/parallel.h"

namespace kindred {
namespace {

// One drawing: a 1-bit PNG with ink = 0 becomes grey with ink = 255, averaged down.
struct Drawing {
  std::string class_name;
  std::string path;  ///< in the archive
  std::string where;
  std::vector<std::byte> png;
  std::uint8_t split = 0;
  std::int64_t label = 0;
  std::int32_t episode = 0;
  std::uint8_t role = 0;
};

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    parts.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

bool is_png(const std::string& path) { return path.size() > 4 && path.ends_with(".png"); }

// Decoded in parallel, each into its own place.
std::vector<std::uint8_t> decode_all(const std::vector<Drawing>& drawings, Index size,
                                     const Workers& workers) {
  const Index bytes = size * size;
  std::vector<std::uint8_t> images(drawings.size() * static_cast<std::size_t>(bytes));
  workers.for_each(static_cast<Index>(drawings.size()), [&](Index i, int) {
    const Drawing& drawing = drawings[static_cast<std::size_t>(i)];
    Image image = decode_png(drawing.png, 1, drawing.where);
    invert(image);
    image = area_resize(image, size, size);
    std::copy(image.pixels.begin(), image.pixels.end(), images.begin() + i * bytes);
  });
  return images;
}

// Samples of a run of drawings that begins with the first class: what is read together.
Index first_run(const std::vector<Drawing>& drawings) {
  const auto end = std::find_if(drawings.begin(), drawings.end(), [&](const Drawing& drawing) {
    return drawing.label != drawings[0].label;
  });
  return end - drawings.begin();
}

void check_unique(const std::vector<Drawing>& sorted) {
  const auto twice =
      std::adjacent_find(sorted.begin(), sorted.end(),
                         [](const Drawing& a, const Drawing& b) { return a.path == b.path; });
  if (twice == sorted.end()) return;
  fail(ErrorKind::data,
       fmt::format("{} comes twice, in {} and {}", twice->path, twice->where, (twice + 1)->where));
}

ImportReport write(const std::string& out_path, const std::vector<Drawing>& drawings, ImageSet set,
                   const ImportOptions& options) {
  set.shape = {.channels = 1, .height = options.size, .width = options.size};
  const Workers workers(options.threads);
  set.images = decode_all(drawings, options.size, workers);
  for (const Drawing& drawing : drawings) {
    set.labels.push_back(drawing.label);
    set.paths.push_back(drawing.path);
  }
  ImportReport report;
  report.samples = static_cast<Index>(drawings.size());
  report.classes = static_cast<Index>(set.class_names.size());
  report.shape = set.shape;
  report.bytes = write_image_set(out_path, set, workers);
  return report;
}

constexpr char kSource[] = "Omniglot (Lake, Salakhutdinov, Tenenbaum 2015), MIT licence";

}  // namespace

bool detect_omniglot(std::span<const std::string> sources) {
  return std::all_of(sources.begin(), sources.end(), [](const std::string& source) {
    const std::string name = first_name_in_archive(source);
    return name.starts_with("images_background/") || name.starts_with("images_evaluation/");
  });
}

// images_{background,evaluation}/ALPHABET/characterNN/*.png
ImportReport import_omniglot(std::span<const std::string> sources, const std::string& out_path,
                             const ImportOptions& options) {
  std::vector<Drawing> drawings;
  std::vector<std::string> skipped;
  for (const std::string& source : sources) {
    Archive archive(source);
    while (archive.next()) {
      const std::vector<std::string> parts = parts_of(archive.name());
      const bool background = parts[0] == "images_background";
      if (parts.size() != 4 || !is_png(archive.name()) ||
          (!background && parts[0] != "images_evaluation")) {
        skipped.push_back(
            fmt::format("{}: {}: is not images_(background|evaluation)/ALPHABET/"
                        "CHARACTER/*.png",
                        source, archive.name()));
        continue;
      }
      Drawing drawing;
      drawing.class_name = parts[1] + "/" + parts[2];
      drawing.path = archive.name();
      drawing.where = fmt::format("{}: {}", source, archive.name());
      drawing.png = archive.read();
      drawing.split = background ? 0 : 2;
      drawings.push_back(std::move(drawing));
    }
  }
  if (drawings.empty()) {
    fail(ErrorKind::data,
         fmt::format("{}: holds no images_background/ALPHABET/CHARACTER/*.png, nor any of "
                     "images_evaluation",
                     fmt::join(sources, " ")));
  }
  std::sort(drawings.begin(), drawings.end(), [](const Drawing& a, const Drawing& b) {
    return std::tie(a.class_name, a.path) < std::tie(b.class_name, b.path);
  });
  check_unique(drawings);
  ImageSet set;
  set.source = kSource;
  for (Drawing& drawing : drawings) {
    if (set.class_names.empty() || set.class_names.back() != drawing.class_name) {
      set.class_names.push_back(drawing.class_name);
    }
    drawing.label = static_cast<std::int64_t>(set.class_names.size()) - 1;
    set.split.push_back(drawing.split);
  }
  set.run = first_run(drawings);
  ImportReport report = write(out_path, drawings, std::move(set), options);
  report.skipped = std::move(skipped);
  return report;
}

bool detect_omniglot_oneshot(std::span<const std::string> sources) {
  return sources.size() == 1 && first_name_in_archive(sources[0]).starts_with("run01/");
}

// runNN/training/classMM.png, runNN/test/*.png, and runNN/class_labels.txt, whose lines name a test
// image and the training image of its class.
ImportReport import_omniglot_oneshot(std::span<const std::string> sources,
                                     const std::string& out_path, const ImportOptions& options) {
  std::vector<Drawing> drawings;
  std::map<std::string, std::string> training_of;  // test image -> training image
  std::vector<std::string> skipped;
  for (const std::string& source : sources) {
    Archive archive(source);
    while (archive.next()) {
      const std::vector<std::string> parts = parts_of(archive.name());
      const bool in_run = parts[0].starts_with("run");
      if (in_run && parts.size() == 2 && parts[1] == "class_labels.txt") {
        const std::vector<std::byte> bytes = archive.read();
        std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        std::replace(text.begin(), text.end(), '\r', ' ');
        std::istringstream words(text);
        for (std::string test, training; words >> test >> training;) training_of[test] = training;
        continue;
      }
      if (!in_run || parts.size() != 3 || !is_png(archive.name()) ||
          (parts[1] != "training" && parts[1] != "test")) {
        skipped.push_back(
            fmt::format("{}: {}: is not runNN/(training|test)/*.png", source, archive.name()));
        continue;
      }
      Drawing drawing;
      drawing.class_name = archive.name().substr(0, archive.name().size() - 4);
      drawing.path = archive.name();
      drawing.where = fmt::format("{}: {}", source, archive.name());
      drawing.png = archive.read();
      drawing.role = parts[1] == "test" ? 1 : 0;
      drawings.push_back(std::move(drawing));
    }
  }
  std::sort(drawings.begin(), drawings.end(), [](const Drawing& a, const Drawing& b) {
    const std::string a_run = a.path.substr(0, a.path.find('/'));
    const std::string b_run = b.path.substr(0, b.path.find('/'));
    return std::tie(a_run, a.role, a.path) < std::tie(b_run, b.role, b.path);
  });
  check_unique(drawings);
  ImageSet set;
  set.source = kSource;
  std::map<std::string, std::int64_t> label_of;  // training image -> label
  std::string run;
  std::int32_t episode = -1;
  for (Drawing& drawing : drawings) {
    const std::string own_run = drawing.path.substr(0, drawing.path.find('/'));
    if (own_run != run) {
      run = own_run;
      ++episode;
    }
    drawing.episode = episode;
    if (drawing.role == 0) {
      drawing.label = static_cast<std::int64_t>(set.class_names.size());
      label_of[drawing.path] = drawing.label;
      set.class_names.push_back(drawing.class_name);
    } else {
      const auto training = training_of.find(drawing.path);
      const auto label =
          training == training_of.end() ? label_of.end() : label_of.find(training->second);
      if (label == label_of.end()) {
        fail(ErrorKind::data,
             fmt::format("{}: {}/class_labels.txt does not name a training image of its class",
                         drawing.where, run));
      }
      drawing.label = label->second;
    }
    set.episode.push_back(drawing.episode);
    set.role.push_back(drawing.role);
  }
  if (drawings.empty()) {
    fail(ErrorKind::data,
         fmt::format("{}: holds no runNN/(training|test)/*.png", fmt::join(sources, " ")));
  }
  set.run = 1;
  ImportReport report = write(out_path, drawings, std::move(set), options);
  report.skipped = std::move(skipped);
  return report;
}

}  // namespace kindred
