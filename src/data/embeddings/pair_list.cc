#include "kindred/data/pair_list.h"

#include <fmt/format.h>

#include "data/embeddings/pair_text.h"
#include "data/hdf5/hdf5_numbers.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/data/hdf5_file.h"

namespace kindred {
namespace {

constexpr Index kLongestList = Index{1} << 32;

std::vector<std::int64_t> read_column(const Hdf5File& file, const std::string& name,
                                      std::size_t pairs) {
  std::vector<std::int64_t> values = read_whole_numbers(file, name);
  if (values.size() != pairs) {
    fail(ErrorKind::data, fmt::format("{} has {} rows but /pairs has {}; each pair needs one",
                                      file.where(name), values.size(), pairs));
  }
  return values;
}

// The paths of the data set that a list is kept in, "FILE.h5" or "FILE.h5:/group".
std::vector<std::string> paths_beside(const std::string& path) {
  const std::size_t group = path.rfind(":/");
  const Hdf5File file = Hdf5File::open(group == path.npos ? path : path.substr(0, group));
  return file.is_dataset("paths") ? file.read_strings("paths") : std::vector<std::string>();
}

PairList read_hdf5(const std::string& path, const PairSamples& samples) {
  const Hdf5File file = Hdf5File::open(path);
  const std::string where = file.where("pairs");
  if (!file.is_dataset("pairs")) {
    fail(ErrorKind::data, where + " is missing; row numbers int64 [P, 2] are expected");
  }
  const std::vector<Index> shape = file.shape("pairs");
  if (shape.size() != 2 || shape[0] < 1 || shape[1] != 2 ||
      file.kind("pairs") != Hdf5Kind::integer) {
    fail(ErrorKind::data, fmt::format("{} has shape [{}]; row numbers int64 [P, 2] are expected",
                                      where, fmt::join(shape, ", ")));
  }
  const std::vector<std::int64_t> rows = file.read<std::int64_t>("pairs");
  // Embeddings of a part of the data set have other row numbers: paths say which.
  const std::vector<std::string> own =
      samples.paths.empty() ? std::vector<std::string>() : paths_beside(path);
  PairBuilder builder(path, samples);
  PairList list;
  const Index count = own.empty() ? samples.rows : static_cast<Index>(own.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] < 0 || rows[i] >= count) {
      fail(ErrorKind::data, fmt::format("{} row {} names row {}, but there are {} samples", where,
                                        i / 2, rows[i], count));
    }
    const Index row =
        own.empty() ? rows[i]
                    : builder.row_of_name({i / 2, {}}, own[static_cast<std::size_t>(rows[i])]);
    (i % 2 == 0 ? list.first : list.second).push_back(row);
  }
  builder.check_missing();
  const std::size_t pairs = list.first.size();
  if (file.exists("same")) {
    for (const std::int64_t same : read_column(file, "same", pairs)) {
      if (same < 0 || same > 1) {
        fail(ErrorKind::data, fmt::format("{} holds {}; 1 (same) or 0 (not same) is expected",
                                          file.where("same"), same));
      }
      list.same.push_back(static_cast<std::uint8_t>(same));
    }
  } else if (samples.labels.empty()) {
    fail(ErrorKind::data, fmt::format("{} is missing, and so are the labels of the embeddings: "
                                      "nothing says which pairs are the same",
                                      file.where("same")));
  } else {
    const auto label = [&](Index row) { return samples.labels[static_cast<std::size_t>(row)]; };
    for (std::size_t i = 0; i < pairs; ++i) {
      list.same.push_back(label(list.first[i]) == label(list.second[i]) ? 1 : 0);
    }
  }
  if (file.exists("fold")) list.fold = read_column(file, "fold", pairs);
  return list;
}

PairList read_whole_list(const std::string& path, const PairSamples& samples) {
  if (path.find(":/") != path.npos || is_hdf5_file(path)) return read_hdf5(path, samples);
  const std::vector<std::byte> bytes = read_file(path, kLongestList);
  return parse_pairs({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path, samples);
}

}  // namespace

PairList read_pair_list(const std::string& path, const EmbeddingFile& file) {
  return read_whole_list(path, {file.embeddings.rows(), file.paths, file.labels});
}

PairList read_pair_list(const std::string& path, const std::vector<std::string>& paths) {
  return read_whole_list(path, {static_cast<Index>(paths.size()), paths, {}});
}

}  // namespace kindred
