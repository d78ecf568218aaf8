#include "kindred/data/dataset.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/sample_columns.h"
#include "data/sample_store.h"
#include "kindred/core/error.h"
#include "kindred/data/hdf5_file.h"

namespace kindred {
namespace {

constexpr Index kMostSampleBytes = Index{1} << 30;

// /images [N, H, W, C] or [N, H, W], bytes.
Shape image_shape(const Hdf5Dataset& images, const std::string& where) {
  const std::vector<Index>& shape = images.shape();
  if (images.kind() != Hdf5Kind::integer || images.element_bytes() != 1 || images.is_signed()) {
    fail(ErrorKind::data, fmt::format("{} must hold bytes (uint8); scale to 0..255 and store them "
                                      "so, or store numbers as /vectors float32 [N, F]",
                                      where));
  }
  if (shape.size() != 4 && shape.size() != 3) {
    fail(ErrorKind::data, fmt::format("{} has shape [{}]; [N, height, width, channels] is expected",
                                      where, fmt::join(shape, ", ")));
  }
  return {.channels = shape.size() == 4 ? shape[3] : 1, .height = shape[1], .width = shape[2]};
}

// /vectors [N, F], numbers.
Shape vector_shape(const Hdf5Dataset& vectors, const std::string& where) {
  const std::vector<Index>& shape = vectors.shape();
  if (vectors.kind() != Hdf5Kind::real && vectors.kind() != Hdf5Kind::integer) {
    fail(ErrorKind::data, fmt::format("{} must hold numbers (float32)", where));
  }
  if (shape.size() != 2) {
    fail(ErrorKind::data, fmt::format("{} has shape [{}]; [N, features] is expected", where,
                                      fmt::join(shape, ", ")));
  }
  return {.channels = shape[1]};
}

}  // namespace

struct Dataset::Impl {
  std::string path;
  Shape shape;
  Element element;
  Index size;
  std::string noun;
  std::unique_ptr<SampleStore> store;
  SampleColumns columns;
  Index classes = 0;
  Matrix targets;
};

Dataset Dataset::open(const std::string& path, Index memory_budget) {
  const Hdf5File file = Hdf5File::open(path);
  const bool images = file.exists("images");
  if (images == file.exists("vectors")) {
    fail(ErrorKind::data,
         fmt::format("{}: has {} /images (uint8 [N, height, width, channels]) {} /vectors (float32 "
                     "[N, features]); one of them is expected",
                     path, images ? "both" : "neither", images ? "and" : "nor"));
  }
  auto impl = std::make_unique<Impl>();
  const std::string name = images ? "images" : "vectors";
  impl->path = path;
  impl->noun = images ? "image" : "vector";
  impl->element = images ? Element::u8 : Element::f32;
  // The store keeps whole blocks itself; HDF5 holds one chunk while it unpacks it.
  Hdf5Dataset data = file.dataset(name, Index{1} << 20);
  impl->shape = images ? image_shape(data, file.where(name)) : vector_shape(data, file.where(name));
  impl->size = data.shape()[0];
  if (impl->size == 0 || impl->shape.size() == 0) {
    fail(ErrorKind::data, fmt::format("{} has shape [{}]: it holds no samples", file.where(name),
                                      fmt::join(data.shape(), ", ")));
  }
  if (impl->shape.size() > kMostSampleBytes / static_cast<Index>(sizeof(float))) {
    fail(ErrorKind::data, fmt::format("{} has shape [{}]: a sample of more than {} values cannot "
                                      "be trained on",
                                      file.where(name), fmt::join(data.shape(), ", "),
                                      kMostSampleBytes / static_cast<Index>(sizeof(float))));
  }
  impl->columns = read_sample_columns(file, impl->size, name, impl->noun);
  impl->targets = read_targets(file, "targets", impl->size, name);
  for (const std::int64_t label : impl->columns.labels) {
    impl->classes = std::max(impl->classes, static_cast<Index>(label) + 1);
  }
  impl->classes = std::max(impl->classes, static_cast<Index>(impl->columns.class_names.size()));
  impl->store = std::make_unique<SampleStore>(std::move(data), file.where(name), impl->element,
                                              memory_budget);
  return Dataset(std::move(impl));
}

Dataset::Dataset(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Dataset::Dataset(Dataset&&) noexcept = default;
Dataset& Dataset::operator=(Dataset&&) noexcept = default;
Dataset::~Dataset() = default;

Index Dataset::size() const { return impl_->size; }
const Shape& Dataset::shape() const { return impl_->shape; }
Element Dataset::element() const { return impl_->element; }
Index Dataset::sample_bytes() const { return impl_->store->sample_bytes(); }
bool Dataset::in_memory() const { return impl_->store->in_memory(); }
const std::string& Dataset::path() const { return impl_->path; }
bool Dataset::has_labels() const { return !impl_->columns.labels.empty(); }
std::span<const std::int64_t> Dataset::labels() const { return impl_->columns.labels; }
Index Dataset::classes() const { return impl_->classes; }
const std::vector<std::string>& Dataset::class_names() const { return impl_->columns.class_names; }
std::span<const std::uint8_t> Dataset::split() const { return impl_->columns.split; }
const std::vector<std::string>& Dataset::paths() const { return impl_->columns.paths; }
std::span<const std::int64_t> Dataset::groups() const { return impl_->columns.groups; }
std::span<const std::int32_t> Dataset::episode() const { return impl_->columns.episode; }
std::span<const std::uint8_t> Dataset::role() const { return impl_->columns.role; }
ConstMatrixView Dataset::targets() const { return impl_->targets; }

std::vector<Index> Dataset::samples_of(Split split) const {
  std::vector<Index> samples;
  const std::span<const std::uint8_t> splits = this->split();
  for (Index i = 0; i < size(); ++i) {
    const auto own =
        splits.empty() ? Split::train : static_cast<Split>(splits[static_cast<std::size_t>(i)]);
    if (split == Split::all || own == split) samples.push_back(i);
  }
  return samples;
}

void Dataset::read(std::span<const Index> samples, std::byte* dst) const {
  impl_->store->read(samples, dst);
}

void require_labels(const Dataset& dataset, const std::string& who) {
  if (dataset.has_labels()) return;
  fail(ErrorKind::data, fmt::format("{}: /labels is missing; {} needs one label (int64) a sample",
                                    dataset.path(), who));
}

}  // namespace kindred
