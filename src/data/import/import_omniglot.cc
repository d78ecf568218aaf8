#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <tuple>

#include "data/import/import_formats.h"
#include "data/import/import_names.h"
#include "data/text/text_encoding.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

// Drawings are 1-bit PNGs with ink = 0; they become grey with ink = 255, averaged down.
ImportPlan empty_plan(const SourceFiles& files) {
  ImportPlan plan;
  plan.images = images_in_files(files);
  plan.inverted = true;
  plan.size = {28, 28};
  plan.gzip = 12;
  plan.source = "Omniglot (Lake, Salakhutdinov, Tenenbaum 2015), MIT licence";
  return plan;
}

bool is_png(const std::string& path) { return path.size() > 4 && path.ends_with(".png"); }

}  // namespace

bool detect_omniglot(const SourceFiles& files) {
  return !files.files().empty() &&
         std::all_of(files.files().begin(), files.files().end(), [](const SourceFile& file) {
           return file.name.starts_with("images_background/") ||
                  file.name.starts_with("images_evaluation/");
         });
}

// images_{background,evaluation}/ALPHABET/characterNN/*.png
ImportPlan plan_omniglot(const SourceFiles& files, const ImportOptions& /*options*/) {
  ImportPlan plan = empty_plan(files);
  for (Index i = 0; i < static_cast<Index>(files.files().size()); ++i) {
    const SourceFile& file = files[i];
    const std::vector<std::string> parts = SourceFiles::parts(file.name);
    const bool background = parts[0] == "images_background";
    if (parts.size() != 4 || !is_png(file.name) ||
        (!background && parts[0] != "images_evaluation")) {
      plan.left_out.push_back(fmt::format(
          "{}: is not images_(background|evaluation)/ALPHABET/CHARACTER/*.png", file.where));
      continue;
    }
    ImportItem item;
    item.class_name = parts[1] + "/" + parts[2];
    item.path = file.name;
    item.place = i;
    item.split = background ? 0 : 2;
    plan.items.push_back(std::move(item));
  }
  if (plan.items.empty()) {
    fail(ErrorKind::data,
         fmt::format("{}: holds no images_background/ALPHABET/CHARACTER/*.png, nor any of "
                     "images_evaluation",
                     fmt::join(files.sources(), " ")));
  }
  return plan;
}

bool detect_omniglot_oneshot(const SourceFiles& files) {
  return nearly_all_images(files, [](const SourceFile& file) {
    const std::vector<std::string> parts = SourceFiles::parts(file.name);
    return parts.size() == 3 && parts[0].size() == 5 && parts[0].starts_with("run") &&
           (parts[1] == "training" || parts[1] == "test");
  });
}

// runNN/training/classMM.png, runNN/test/*.png, and runNN/class_labels.txt, whose lines name a test
// image and the training image of its class. In order of run, role, path.
ImportPlan plan_omniglot_oneshot(const SourceFiles& files, const ImportOptions& /*options*/) {
  ImportPlan plan = empty_plan(files);
  plan.in_order = true;
  plan.has_episodes = true;
  std::map<std::string, std::string> training_of;  // test image -> training image
  for (Index i = 0; i < static_cast<Index>(files.files().size()); ++i) {
    const SourceFile& file = files[i];
    const std::vector<std::string> parts = SourceFiles::parts(file.name);
    const bool in_run = parts[0].starts_with("run");
    if (in_run && parts.size() == 2 && parts[1] == "class_labels.txt") {
      std::string text = decode_text(files.content(i)).text;
      std::replace(text.begin(), text.end(), '\r', ' ');
      std::istringstream words(text);
      for (std::string test, training; words >> test >> training;) training_of[test] = training;
      continue;
    }
    if (!in_run || parts.size() != 3 || !is_png(file.name) ||
        (parts[1] != "training" && parts[1] != "test")) {
      plan.left_out.push_back(fmt::format("{}: is not runNN/(training|test)/*.png", file.where));
      continue;
    }
    ImportItem item;
    item.path = file.name;
    item.place = i;
    item.role = parts[1] == "test" ? 1 : 0;
    plan.items.push_back(std::move(item));
  }
  if (plan.items.empty()) {
    fail(ErrorKind::data,
         fmt::format("{}: holds no runNN/(training|test)/*.png", fmt::join(files.sources(), " ")));
  }
  const auto run_of = [](const ImportItem& item) {
    return item.path.substr(0, item.path.find('/'));
  };
  std::sort(plan.items.begin(), plan.items.end(), [&](const ImportItem& a, const ImportItem& b) {
    const std::string a_run = run_of(a);
    const std::string b_run = run_of(b);
    return std::tie(a_run, a.role, a.path) < std::tie(b_run, b.role, b.path);
  });
  std::map<std::string, std::string> class_of;  // training image -> class
  std::string run;
  std::int32_t episode = -1;
  for (ImportItem& item : plan.items) {
    if (run_of(item) != run) {
      run = run_of(item);
      ++episode;
    }
    item.episode = episode;
    if (item.role == 0) {
      item.class_name = item.path.substr(0, item.path.size() - 4);
      class_of[item.path] = item.class_name;
      continue;
    }
    const auto training = training_of.find(item.path);
    const auto found =
        training == training_of.end() ? class_of.end() : class_of.find(training->second);
    if (found == class_of.end()) {
      fail(ErrorKind::data,
           fmt::format("{}: {}/class_labels.txt does not name a training image of its class",
                       files[item.place].where, run));
    }
    item.class_name = found->second;
  }
  return plan;
}

}  // namespace kindred
