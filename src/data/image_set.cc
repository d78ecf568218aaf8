#include "data/image_set.h"

#include <filesystem>
#include <span>

#include "kindred/data/hdf5_file.h"

namespace kindred {
namespace {

constexpr int kGzip = 9;
constexpr Index kColumnChunk = 8192;
constexpr Index kChunkBytes = Index{64} << 10;  // of images at least: larger ones deflate better

template <typename T>
void write_column(Hdf5Writer& writer, const std::string& name, const std::vector<T>& values) {
  if (values.empty()) return;
  // Side by side, bytes of equal weight deflate far better; single bytes have nothing to shuffle.
  const Hdf5Storage storage{{kColumnChunk}, kGzip, sizeof(T) > 1};
  writer.write<T>(name, {static_cast<Index>(values.size())}, values, storage);
}

void write_column(Hdf5Writer& writer, const std::string& name,
                  const std::vector<std::string>& values) {
  if (!values.empty()) writer.write_strings(name, values, {{kColumnChunk}, kGzip, false});
}

}  // namespace

Index write_image_set(const std::string& path, const ImageSet& set, const Workers& workers) {
  const Shape& shape = set.shape;
  Hdf5Writer writer(path);
  writer.attribute("/", "format", std::string("kindred data set"));
  writer.attribute("/", "version", std::int64_t{1});
  if (!set.source.empty()) writer.attribute("/", "source", set.source);
  const Index count = static_cast<Index>(set.images.size()) / shape.size();
  const Index run_bytes = set.run * shape.size();
  const Index chunk_samples = set.run * blocks_of(kChunkBytes, run_bytes);
  writer.write_packed("images", {count, shape.height, shape.width, shape.channels}, set.images,
                      chunk_samples, workers);
  write_column(writer, "labels", set.labels);
  write_column(writer, "class_names", set.class_names);
  write_column(writer, "split", set.split);
  write_column(writer, "paths", set.paths);
  write_column(writer, "episode", set.episode);
  write_column(writer, "role", set.role);
  writer.finish();
  return static_cast<Index>(std::filesystem::file_size(path));
}

}  // namespace kindred
