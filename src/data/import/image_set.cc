#include "data/import/image_set.h"

#include <algorithm>

#include "kindred/data/hdf5_file.h"

namespace kindred {
namespace {

constexpr int kColumnGzip = 9;
constexpr Index kColumnChunk = 8192;
constexpr Index kChunkBytes = Index{64} << 10;  // of images at least: larger ones deflate better
constexpr Index kWriteBytes = Index{16} << 20;  // packed and written together, at least

template <typename T>
void write_image_column(Hdf5Writer& writer, const std::string& name, const std::vector<T>& values) {
  if (values.empty()) return;
  // Side by side, bytes of equal weight deflate far better; single bytes have nothing to shuffle.
  const Hdf5Storage storage{{kColumnChunk}, kColumnGzip, sizeof(T) > 1};
  writer.write<T>(name, {static_cast<Index>(values.size())}, values, storage);
}

void write_image_column(Hdf5Writer& writer, const std::string& name,
                        const std::vector<std::string>& values) {
  if (!values.empty()) writer.write_strings(name, values, {{kColumnChunk}, kColumnGzip, false});
}

void write_pairs(Hdf5Writer& writer, const KeptPairs& pairs) {
  const std::string prefix = pairs.group.empty() ? "" : pairs.group + "/";
  if (!pairs.group.empty()) writer.group(pairs.group);
  std::vector<std::int64_t> rows;
  for (std::size_t i = 0; i < pairs.list.first.size(); ++i) {
    rows.insert(rows.end(), {pairs.list.first[i], pairs.list.second[i]});
  }
  writer.write<std::int64_t>(prefix + "pairs", {static_cast<Index>(rows.size()) / 2, 2}, rows,
                             {{kColumnChunk, 2}, kColumnGzip, true});
  write_image_column(writer, prefix + "same", pairs.list.same);
  write_image_column(writer, prefix + "fold", pairs.list.fold);
}

Index chunk_samples(const ImageStorage& storage) {
  const Index run_bytes = storage.run * storage.shape.size();
  const Index samples =
      storage.chunk > 0 ? storage.chunk : storage.run * blocks_of(kChunkBytes, run_bytes);
  return std::min(samples, storage.most_samples);
}

}  // namespace

struct KINDRED_HIDDEN ImageSetWriter::Impl {
  Hdf5Writer writer;
  const Workers& workers;
  ImageStorage storage;
  Index chunk;    // samples
  Index written;  // samples
  std::vector<std::uint8_t> pending;

  void write(std::span<const std::uint8_t> samples) {
    writer.write_packed("images", written, samples, storage.gzip, workers);
    written += static_cast<Index>(samples.size()) / storage.shape.size();
  }
};

ImageSetWriter::ImageSetWriter(const std::string& path, const ImageStorage& storage,
                               const Workers& workers)
    : impl_(new Impl{Hdf5Writer(path), workers, storage, chunk_samples(storage), 0, {}}) {
  const Shape& shape = storage.shape;
  impl_->writer.attribute("/", "format", std::string("kindred data set"));
  impl_->writer.attribute("/", "version", std::int64_t{1});
  if (!storage.source.empty()) impl_->writer.attribute("/", "source", storage.source);
  if (!storage.preparation.empty()) {
    impl_->writer.attribute("/", "preparation", storage.preparation);
  }
  impl_->writer.create<std::uint8_t>(
      "images", {storage.most_samples, shape.height, shape.width, shape.channels},
      {.chunk = {impl_->chunk, shape.height, shape.width, shape.channels},
       .gzip = std::min(storage.gzip, 9)});  // 9 is what HDF5 has a name for
}

ImageSetWriter::~ImageSetWriter() = default;

void ImageSetWriter::append(std::span<const std::uint8_t> samples) {
  std::vector<std::uint8_t>& pending = impl_->pending;
  pending.insert(pending.end(), samples.begin(), samples.end());
  const auto chunk_bytes = static_cast<std::size_t>(impl_->chunk * impl_->storage.shape.size());
  const std::size_t whole = pending.size() / chunk_bytes * chunk_bytes;
  if (static_cast<Index>(whole) < kWriteBytes) return;
  impl_->write({pending.data(), whole});
  pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(whole));
}

Index ImageSetWriter::finish(const ImageColumns& columns) {
  Impl& own = *impl_;
  const Index samples =
      own.written + static_cast<Index>(own.pending.size()) / own.storage.shape.size();
  if (samples < own.storage.most_samples) own.writer.shorten("images", samples);
  if (!own.pending.empty()) own.write(own.pending);
  write_columns(own.writer, columns);
  return own.writer.finish();
}

void write_columns(Hdf5Writer& writer, const ImageColumns& columns) {
  write_image_column(writer, "labels", columns.labels);
  write_image_column(writer, "class_names", columns.class_names);
  write_image_column(writer, "split", columns.split);
  write_image_column(writer, "paths", columns.paths);
  write_image_column(writer, columns.group_name, columns.groups);
  write_image_column(writer, "episode", columns.episode);
  write_image_column(writer, "role", columns.role);
  for (const KeptPairs& pairs : columns.pairs) write_pairs(writer, pairs);
}

}  // namespace kindred
