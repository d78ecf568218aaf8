#include "kindred/data/dataset_files.h"

#include <filesystem>

#include "data/foreign/hdf5_layout.h"
#include "data/text/text_encoding.h"
#include "data/text/text_lines.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;

constexpr Index kMostListBytes = Index{1} << 24;

void add(const std::string& path, std::vector<std::string>& files) {
  files.push_back(path);
  const std::string labels = labels_beside(path);
  if (!labels.empty()) files.push_back(labels);
}

}  // namespace

std::vector<std::string> files_of_dataset(const std::string& path) {
  std::vector<std::string> files;
  add(path, files);
  if (!path.ends_with(".txt")) return files;
  try {
    const std::string text = decode_text(read_file(path, kMostListBytes)).text;
    for (const TextLine& line : lines_of(text)) {
      add((fs::path(path).parent_path() / std::string(line.text)).string(), files);
    }
  } catch (const Error&) {  // who opens it says what is wrong
  }
  return files;
}

}  // namespace kindred
