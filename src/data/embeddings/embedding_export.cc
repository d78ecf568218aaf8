#include <fmt/format.h>

#include <algorithm>

#include "kindred/core/file.h"
#include "kindred/core/output_file.h"
#include "kindred/data/embedding_file.h"
#include "kindred/data/hdf5_kinds.h"
#include "kindred/data/npy_file.h"

namespace kindred {
namespace {

const FileKind kEmbeddingList{"a list of embeddings", [](const std::string& path) {
                                const std::string first = beginning_of_file(path, 8);
                                return first.starts_with("path,") || first.starts_with("class,") ||
                                       first.starts_with("e0");
                              }};

// In small or capital letters.
bool has_ending(const std::string& path, const std::string& ending) {
  if (path.size() < ending.size()) return false;
  return std::equal(ending.begin(), ending.end(), path.end() - static_cast<Index>(ending.size()),
                    [](char a, char b) { return a == b || a == (b | 0x20); });
}

std::string quoted_field(const std::string& text) {
  std::string field = "\"";
  for (const char letter : text) field += letter == '"' ? "\"\"" : std::string(1, letter);
  return field + "\"";
}

std::string class_of_row(const EmbeddingFile& file, std::size_t row) {
  const std::int64_t label = file.labels[row];
  const auto place = static_cast<std::size_t>(label);
  return place < file.class_names.size() ? quoted_field(file.class_names[place])
                                         : std::to_string(label);
}

void write_array(const std::string& path, const EmbeddingFile& file) {
  OutputFile out(path);
  const Index shape[] = {file.embeddings.rows(), file.embeddings.cols()};
  const std::string header = npy_header("<f4", shape);
  out.write(std::as_bytes(std::span(header)));
  for (Index i = 0; i < file.embeddings.rows(); ++i) {
    out.write(std::as_bytes(
        std::span(file.embeddings.row(i), static_cast<std::size_t>(file.embeddings.cols()))));
  }
  out.commit();
}

void write_list(const std::string& path, const EmbeddingFile& file) {
  OutputFile out(path);
  std::string line;
  if (!file.paths.empty()) line += "path,";
  if (!file.labels.empty()) line += "class,";
  for (Index j = 0; j < file.embeddings.cols(); ++j) {
    line += fmt::format("{}e{}", j == 0 ? "" : ",", j);
  }
  for (Index i = 0; i < file.embeddings.rows(); ++i) {
    line += '\n';
    out.write(std::as_bytes(std::span(line)));
    line.clear();
    const auto row = static_cast<std::size_t>(i);
    if (!file.paths.empty()) line += quoted_field(file.paths[row]) + ",";
    if (!file.labels.empty()) line += class_of_row(file, row) + ",";
    for (Index j = 0; j < file.embeddings.cols(); ++j) {
      line += fmt::format("{}{}", j == 0 ? "" : ",", file.embeddings(i, j));
    }
  }
  line += '\n';
  out.write(std::as_bytes(std::span(line)));
  out.commit();
}

}  // namespace

const FileKind& kind_of_embeddings(const std::string& path) {
  if (has_ending(path, ".npy")) return kNpyFile;
  return has_ending(path, ".csv") ? kEmbeddingList : kEmbeddingsFile;
}

void write_embeddings(const std::string& path, const EmbeddingFile& file) {
  if (has_ending(path, ".npy")) return write_array(path, file);
  if (has_ending(path, ".csv")) return write_list(path, file);
  write_embedding_file(path, file);
}

}  // namespace kindred
