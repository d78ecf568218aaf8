#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kindred/core/error.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/data/import.h"
#include "support/temp_folder.h"
#include "support/zip_file.h"

namespace kindred::test {

/// A small import, and what it must come to. A file whose content is one letter is a picture of one
/// pixel of that value, by which its sample is known again. Names lie in the folder "in", those
/// that begin with "/" beside it; "x.zip:a/1.pgm" (and "x.npz:y.npy") is a file of an archive
/// beside it.
struct ImportCase {
  std::string_view what;
  std::vector<std::pair<std::string, std::string>> files;
  /// "a:cat:0 b:dog:2": pixel, class and split of each sample, by pixel; or "!" and a part of the
  /// error.
  std::string expected;
  std::vector<std::string> said = {};  ///< parts of what is noted or left out
  std::vector<std::string> sources = {"in"};
  ImportOptions options = {};
};

/// Hears what is said before the work.
class NotesBefore final : public WorkObserver {
 public:
  void on_note(const std::string& note) override { notes.push_back(note); }
  std::vector<std::string> notes;
};

inline void write_text(const std::string& path, const std::string& bytes) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

inline void write_case(const ImportCase& one, const TempFolder& folder) {
  std::vector<std::pair<std::string, std::vector<std::pair<std::string, std::string>>>> archives;
  std::filesystem::create_directories(folder / "in");
  for (const auto& [name, content] : one.files) {
    const std::string bytes = content.size() == 1 ? "P5 1 1 255 " + content : content;
    const std::size_t colon = std::min(name.find(".zip:"), name.find(".npz:"));
    if (colon == name.npos) {
      write_text(folder / (name.starts_with('/') ? name.substr(1) : "in/" + name), bytes);
      continue;
    }
    const std::string archive = name.substr(0, colon + 4);
    if (archives.empty() || archives.back().first != archive) archives.push_back({archive, {}});
    archives.back().second.emplace_back(name.substr(colon + 5), bytes);
  }
  for (const auto& [name, files] : archives) write_zip(folder / name, files);
}

/// Pixel, class and split of each sample.
inline std::string samples_of(const std::string& path) {
  const Hdf5File file = Hdf5File::open(path);
  const auto pixels = file.read<std::uint8_t>("images");
  const auto labels = file.read<std::int64_t>("labels");
  const auto names = file.is_dataset("class_names") ? file.read_strings("class_names")
                                                    : std::vector<std::string>();
  const auto splits = file.is_dataset("split") ? file.read<std::uint8_t>("split")
                                               : std::vector<std::uint8_t>(labels.size());
  const std::size_t each = pixels.size() / labels.size();
  std::vector<std::string> samples;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto label = static_cast<std::size_t>(labels[i]);
    samples.push_back(std::string(1, static_cast<char>(pixels[i * each])) + ":" +
                      (label < names.size() ? names[label] : std::to_string(labels[i])) + ":" +
                      std::to_string(splits[i]));
  }
  std::sort(samples.begin(), samples.end());
  std::string text;
  for (const std::string& sample : samples) text += (text.empty() ? "" : " ") + sample;
  return text;
}

inline void expect_import(const ImportCase& one) {
  SCOPED_TRACE(std::string(one.what));
  const TempFolder folder;
  write_case(one, folder);
  std::vector<std::string> sources;
  for (const std::string& source : one.sources) sources.push_back(folder / source);
  NotesBefore observer;
  std::string found;
  std::vector<std::string> said;
  try {
    const ImportReport report = import_dataset(sources, folder / "out.h5", one.options, &observer);
    found = samples_of(folder / "out.h5");
    said = report.notes;
    said.insert(said.end(), report.skipped.begin(), report.skipped.end());
    said.insert(said.end(), report.unreadable.begin(), report.unreadable.end());
  } catch (const Error& error) {
    found = std::string("!") + error.what();
  }
  said.insert(said.end(), observer.notes.begin(), observer.notes.end());
  if (one.expected.starts_with('!')) {
    EXPECT_EQ(found.substr(0, 1), "!") << found;
    EXPECT_NE(found.find(one.expected.substr(1)), found.npos) << found;
  } else {
    EXPECT_EQ(found, one.expected);
  }
  for (const std::string& part : one.said) {
    const bool is_said = std::any_of(said.begin(), said.end(), [&](const std::string& text) {
      return text.find(part) != text.npos;
    });
    EXPECT_TRUE(is_said) << "not said: " << part
                         << (said.empty() ? std::string() : "\nbut: " + said[0]);
  }
}

inline void expect_imports(const std::vector<ImportCase>& cases) {
  for (const ImportCase& one : cases) expect_import(one);
}

}  // namespace kindred::test
