#include "kindred/data/embedding_source.h"

#include <fmt/format.h>

#include "data/hdf5/hdf5_numbers.h"
#include "kindred/core/error.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/data/npy_file.h"

namespace kindred {
namespace {

void check_count(std::size_t found, Index rows, const std::string& where) {
  if (static_cast<Index>(found) == rows) return;
  fail(ErrorKind::data, fmt::format("{} has {} rows but there are {} embeddings; each needs one",
                                    where, found, rows));
}

EmbeddingFile read_npy(const EmbeddingSource& source) {
  if (!source.dataset.empty() || !source.groups.empty()) {
    fail(ErrorKind::usage, fmt::format("{}: a .npy file holds one array; names of data sets and "
                                       "groups are for HDF5 files",
                                       source.path));
  }
  EmbeddingFile file;
  file.embeddings = read_npy_matrix(source.path);
  if (source.labels.empty()) return file;
  file.labels = read_npy_integers(source.labels);
  check_count(file.labels.size(), file.embeddings.rows(), source.labels);
  return file;
}

/// A column of somebody else's file: any whole numbers, negative ones too. Labels may be NumPy's.
std::vector<std::int64_t> read_column(const Hdf5File& file, const std::string& name, Index rows) {
  if (name.ends_with(".npy")) {
    std::vector<std::int64_t> values = read_npy_integers(name);
    check_count(values.size(), rows, name);
    return values;
  }
  if (!file.is_dataset(name)) {
    fail(ErrorKind::data, fmt::format("{} is missing", file.where(name)));
  }
  std::vector<std::int64_t> values = read_whole_numbers(file, name);
  check_count(values.size(), rows, file.where(name));
  return values;
}

/// The splits of the rows, where /split is theirs: a file of several data sets may have one that is
/// another's.
std::vector<std::uint8_t> read_split(const Hdf5File& file, Index rows) {
  if (!file.is_dataset("split") || file.shape("split") != std::vector<Index>{rows}) return {};
  std::vector<std::uint8_t> split;
  for (const std::int64_t value : read_whole_numbers(file, "split")) {
    if (value < 0 || value > 2) {
      fail(ErrorKind::data,
           fmt::format("{} holds {}; expected 0 (train), 1 (validation) or 2 (test)",
                       file.where("split"), value));
    }
    split.push_back(static_cast<std::uint8_t>(value));
  }
  return split;
}

EmbeddingFile read_named(const EmbeddingSource& source) {
  const Hdf5File file = Hdf5File::open(source.path);
  EmbeddingFile result;
  result.embeddings = read_rows(file, source.dataset);
  const Index rows = result.embeddings.rows();
  if (!source.labels.empty()) {
    result.labels = read_column(file, source.labels, rows);
  } else if (file.is_dataset("labels")) {
    result.labels = read_column(file, "labels", rows);
  }
  if (!source.groups.empty()) result.groups = read_column(file, source.groups, rows);
  result.split = read_split(file, rows);
  if (file.has_attribute("", "fingerprint")) {
    result.fingerprint = file.attribute_text("", "fingerprint");
  }
  return result;
}

}  // namespace

EmbeddingFile read_embeddings(const EmbeddingSource& source) {
  if (source.path.ends_with(".npy")) return read_npy(source);
  if (!source.dataset.empty()) return read_named(source);
  EmbeddingFile file = read_embedding_file(source.path);
  if (source.labels.empty() && source.groups.empty()) return file;
  const Hdf5File others = Hdf5File::open(source.path);
  const Index rows = file.embeddings.rows();
  if (!source.labels.empty()) file.labels = read_column(others, source.labels, rows);
  if (!source.groups.empty()) file.groups = read_column(others, source.groups, rows);
  return file;
}

}  // namespace kindred
