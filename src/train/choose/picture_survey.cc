#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <tuple>

#include "data/archive/source_files.h"
#include "data/image/image.h"
#include "data/isolation/isolated.h"
#include "data/text/split_names.h"
#include "kindred/core/error.h"
#include "kindred/train/picture_choice.h"

namespace kindred {
namespace {

constexpr IsolationLimits kLookLimits{.memory = Index{1} << 30, .seconds = 60};
constexpr std::uint8_t kValidation = 1;

/// What is looked for in a picture.
struct Look {
  Index height = 0;  ///< 0: it cannot be read
  Index width = 0;
  bool grey = false;

  auto fields() { return std::tie(height, width, grey); }
};

// Photographs of grey things, saved in colour, differ by a few counts between channels.
bool is_grey(const Image& image) {
  if (image.shape.channels == 1) return true;
  constexpr int kSame = 24;
  std::size_t coloured = 0;
  for (std::size_t i = 0; i + 2 < image.pixels.size(); i += 3) {
    const auto [low, high] =
        std::minmax({image.pixels[i], image.pixels[i + 1], image.pixels[i + 2]});
    coloured += high - low > kSame ? 1U : 0U;
  }
  return coloured * 200 < image.pixels.size() / 3;
}

Look look_here(const SourceFiles* files, Index file, std::vector<std::byte> bytes) {
  try {
    const std::string& where = (*files)[file].where;
    const Image image =
        bytes.empty() ? decode_image(files->content(file), where) : decode_image(bytes, where);
    return {image.shape.height, image.shape.width, is_grey(image)};
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::internal || error.kind() == ErrorKind::system) throw;
    return {};
  } catch (const std::bad_alloc&) {
    return {};
  }
}

// A picture that costs the child its life is one that cannot be read.
Look look(const SourceFiles& files, Index file, FileContent content,
          std::unique_ptr<IsolatedProcess>& process) {
  if (!content.error.empty()) return {};
  if (!process) process = std::make_unique<IsolatedProcess>("image", kLookLimits);
  process->rename(files[file].where);
  try {
    return process->call(look_here, &files, file, std::move(content.bytes));
  } catch (const Error& error) {
    if (process->is_alive() || error.kind() != ErrorKind::data) throw;
    process.reset();
    return {};
  }
}

// So many, from one end to the other.
std::vector<Index> spread_over(const std::vector<Index>& pictures, Index count) {
  const auto all = static_cast<Index>(pictures.size());
  std::vector<Index> chosen;
  for (Index i = 0; i < std::min(count, all); ++i) {
    chosen.push_back(pictures[static_cast<std::size_t>(i * all / std::min(count, all))]);
  }
  return chosen;
}

}  // namespace

PictureSurvey survey_pictures(const std::string& source, Index look_at) {
  const SourceFiles files(std::span(&source, 1));
  if (files.files().empty() && files.left_out().empty()) {
    fail(ErrorKind::data,
         fmt::format("{}: is empty; put the pictures of each thing into a folder of its own, "
                     "{}/NAME/*.jpg",
                     source, source));
  }
  PictureSurvey survey;
  std::map<std::string, Index> folders;
  std::vector<Index> pictures;
  for (Index i = 0; i < static_cast<Index>(files.files().size()); ++i) {
    const std::string& name = files[i].name;
    if (!is_image_name(name)) {
      ++survey.other_files;
      continue;
    }
    pictures.push_back(i);
    const std::size_t slash = name.rfind('/');
    survey.in_no_folder += slash == name.npos ? 1 : 0;
    ++folders[slash == name.npos ? "" : name.substr(0, slash)];
  }
  survey.pictures = static_cast<Index>(pictures.size());
  for (const auto& [folder, count] : folders) {
    survey.folder_sizes.push_back(count);
    for (const std::string& part : SourceFiles::parts(folder)) {
      survey.has_validation = survey.has_validation || split_of_folder(part) == kValidation;
    }
  }
  std::sort(survey.folder_sizes.begin(), survey.folder_sizes.end());
  std::unique_ptr<IsolatedProcess> process;
  files.visit(spread_over(pictures, look_at), [&](Index file, FileContent content) {
    const Look seen = look(files, file, std::move(content), process);
    if (seen.height < 1 || seen.width < 1) {
      ++survey.unreadable;
      return true;
    }
    survey.sizes.push_back({seen.height, seen.width});
    survey.grey += seen.grey ? 1 : 0;
    return true;
  });
  return survey;
}

}  // namespace kindred
