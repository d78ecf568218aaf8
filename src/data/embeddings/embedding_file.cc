#include "kindred/data/embedding_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/dataset/sample_columns.h"
#include "data/hdf5/hdf5_numbers.h"
#include "kindred/core/error.h"
#include "kindred/core/text.h"
#include "kindred/data/hdf5_file.h"

namespace kindred {
namespace {

constexpr Index kRowsAtOnce = 1024;

template <typename T>
void write_column(Hdf5Writer& writer, const std::string& name, const std::vector<T>& values) {
  if (!values.empty()) writer.write<T>(name, {static_cast<Index>(values.size())}, values);
}

void write_column(Hdf5Writer& writer, const std::string& name,
                  const std::vector<std::string>& values) {
  if (!values.empty()) writer.write_strings(name, values, {{8192}, 4, false});
}

}  // namespace

EmbeddingFile read_embedding_file(const std::string& path, const std::string& prefix) {
  const Hdf5File file = Hdf5File::open(path);
  EmbeddingFile result;
  const std::string name = prefix + "embeddings";
  result.embeddings = read_rows(file, name);
  static_cast<SampleColumns&>(result) =
      read_sample_columns(file, result.embeddings.rows(), name, "embedding", prefix);
  make_valid_utf8(result.class_names);
  make_valid_utf8(result.paths);
  if (file.has_attribute("", "fingerprint")) {
    result.fingerprint = file.attribute_text("", "fingerprint");
  }
  return result;
}

void write_embedding_file(const std::string& path, const EmbeddingFile& file) {
  Hdf5Writer writer(path);
  writer.attribute("/", "format", std::string("kindred embeddings"));
  writer.attribute("/", "version", std::int64_t{1});
  if (!file.fingerprint.empty()) writer.attribute("/", "fingerprint", file.fingerprint);
  const Index size = file.embeddings.cols();
  writer.create<float>("embeddings", {file.embeddings.rows(), size});
  std::vector<float> rows;
  for (Index first = 0; first < file.embeddings.rows(); first += kRowsAtOnce) {
    const Index count = std::min(kRowsAtOnce, file.embeddings.rows() - first);
    rows.clear();  // without the padding of the matrix's rows
    for (Index i = first; i < first + count; ++i) {
      rows.insert(rows.end(), file.embeddings.row(i), file.embeddings.row(i) + size);
    }
    writer.write_rows<float>("embeddings", first, count, rows);
  }
  write_column(writer, "labels", file.labels);
  write_column(writer, "paths", file.paths);
  write_column(writer, "class_names", file.class_names);
  write_column(writer, "split", file.split);
  write_column(writer, "groups", file.groups);
  write_column(writer, "episode", file.episode);
  write_column(writer, "role", file.role);
  writer.finish();
}

}  // namespace kindred
