#include "kindred/data/dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <set>

#include "core/check_finite.h"
#include "data/dataset/array_samples.h"
#include "data/dataset/chosen_samples.h"
#include "data/dataset/sample_columns.h"
#include "data/dataset/sample_labels.h"
#include "data/dataset/sample_rows.h"
#include "data/dataset/sample_store.h"
#include "data/foreign/hdf5_layout.h"
#include "data/hdf5/hdf5_numbers.h"
#include "kindred/core/error.h"
#include "kindred/core/memory.h"
#include "kindred/core/text.h"
#include "kindred/data/hdf5_file.h"

namespace kindred {
namespace {

constexpr Index kMostSampleBytes = Index{1} << 30;
constexpr Index kIndexBytes =
    16;  // of a sample: its entry in the training set, its place in a deck

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

// "FILE.h5:/group" without its group, as HDF5's reader takes it.
std::string file_part(const std::string& path) {
  std::error_code ignored;
  const bool whole = std::filesystem::is_regular_file(path, ignored);
  return whole ? path : path.substr(0, path.rfind(":/"));
}

void check_sample(const Shape& shape, const std::string& where) {
  constexpr Index kMost = kMostSampleBytes / static_cast<Index>(sizeof(float));
  // By numbers that do not wrap: a file may say anything.
  if (static_cast<double>(shape.height) * static_cast<double>(shape.width) *
          static_cast<double>(shape.channels) >
      static_cast<double>(kMost)) {
    fail(ErrorKind::data,
         fmt::format("{}: a sample of more than {} values cannot be trained on", where, kMost));
  }
}

}  // namespace

struct KINDRED_HIDDEN Dataset::Impl {
  std::string path;
  std::string layout;
  SampleMemory memory;
  std::vector<FileStamp> files;  // taken before they are read; the store's from hold() on
  std::unique_ptr<SampleSource> source;
  const SampleStore* store = nullptr;  // the source, where it is a file's
  SampleColumns columns;
  std::optional<Preparation> preparation;
  Index classes = 0;
  Matrix targets;
  std::string advice;
  std::vector<std::string> notes;
  bool paths_later = false;  // they are read when somebody asks
  std::once_flag paths_read;

  /// Names go into models, logs and reports, which are UTF-8.
  void make_names_valid() {
    const Index classes_changed = make_valid_utf8(columns.class_names);
    const Index paths_changed = make_valid_utf8(columns.paths);
    if (classes_changed + paths_changed == 0) return;
    notes.push_back(fmt::format(
        "{}: names that are not UTF-8: {} of classes, {} of samples; their other bytes are shown "
        "as \\xE9 is",
        path, classes_changed, paths_changed));
  }

  void count_classes() {
    for (const std::int64_t label : columns.labels) {
      classes = std::max(classes, static_cast<Index>(label) + 1);
    }
    classes = std::max(classes, static_cast<Index>(columns.class_names.size()));
  }

  /// Takes the samples of a file, once everything else of it is known.
  void hold(SampleRows rows, const Shape& shape) {
    memory.held = held_bytes(columns) + rows.size() * kIndexBytes;
    memory.held += targets.rows() * targets.view().stride() * Index{sizeof(float)};
    auto held = std::make_unique<SampleStore>(std::move(rows), std::move(files), shape, memory);
    advise(held->stream());
    store = held.get();
    source = std::move(held);
  }

  /// `stream`: nullptr where samples are in memory.
  void advise(const SampleStream* stream) {
    if (stream == nullptr || stream->way() == SampleStream::Way::whole_rows) return;
    const bool library = stream->way() == SampleStream::Way::library;
    if (!library && std::is_sorted(columns.labels.begin(), columns.labels.end())) return;
    advice = fmt::format(
        "{} is streamed {}; `kindred pack {} PACKED.h5` writes a copy that is read "
        "faster",
        path,
        library ? "by HDF5, for one reader at a time"
                : "from packed chunks, where classes do not lie together",
        path);
  }

  /// Leaves out those whose label is -1.
  void leave_out() {
    std::vector<Index> rows;
    for (Index i = 0; i < source->size(); ++i) {
      if (columns.labels[static_cast<std::size_t>(i)] >= 0) rows.push_back(i);
    }
    if (rows.empty()) {
      fail(ErrorKind::data, fmt::format("{}: all {} samples have negative labels; none is left",
                                        path, source->size()));
    }
    columns = columns.of(rows);
    Matrix chosen(targets.rows() == 0 ? 0 : static_cast<Index>(rows.size()), targets.cols());
    for (Index i = 0; i < chosen.rows(); ++i) {
      std::copy_n(targets.row(rows[static_cast<std::size_t>(i)]), targets.cols(), chosen.row(i));
    }
    targets = std::move(chosen);
    source = chosen_samples(std::move(source), std::move(rows));
  }

  void open_ours(const Hdf5File& file, NegativeLabels negative);
  void open_others(const Hdf5Layout& found, NegativeLabels negative);
  void open_arrays(const DatasetNames& names);
};

void Dataset::Impl::open_ours(const Hdf5File& file, NegativeLabels negative) {
  const bool images = file.exists("images");
  if (images == file.exists("vectors")) {
    fail(ErrorKind::data,
         fmt::format("{}: has {} /images (uint8 [N, height, width, channels]) {} /vectors (float32 "
                     "[N, features]); one of them is expected",
                     path, images ? "both" : "neither", images ? "and" : "nor"));
  }
  const std::string name = images ? "images" : "vectors";
  // The store keeps whole blocks itself; HDF5 holds one chunk while it unpacks it.
  Hdf5Dataset data = file.dataset(name, Index{1} << 20);
  const Shape shape =
      images ? image_shape(data, file.where(name)) : vector_shape(data, file.where(name));
  const Index size = data.shape()[0];
  if (size == 0 || shape.size() == 0) {
    fail(ErrorKind::data, fmt::format("{} has shape [{}]: it holds no samples", file.where(name),
                                      fmt::join(data.shape(), ", ")));
  }
  check_sample(shape,
               fmt::format("{} has shape [{}]", file.where(name), fmt::join(data.shape(), ", ")));
  SampleRows rows(std::move(data), file.where(name), images ? Element::u8 : Element::f32);
  paths_later = !memory.holds(size, rows.sample_bytes()) && negative != NegativeLabels::drop;
  constexpr Index kPathBytes = 160;  // most are shorter
  if (paths_later && file.exists("paths")) memory.held_later = size * kPathBytes;
  ReadColumns read = read_sample_columns(file, size, name, images ? "image" : "vector", "",
                                         !paths_later, negative);
  columns = std::move(read);
  notes = std::move(read.notes);
  targets = read_targets(file, "targets", size, name);
  constexpr const char* kPreparation = "preparation";
  if (images && file.has_attribute("", kPreparation)) {
    preparation = preparation_of(file.attribute_text("", kPreparation),
                                 fmt::format("{}: attribute '{}'", file.where(""), kPreparation));
  }
  make_names_valid();
  count_classes();
  hold(std::move(rows), shape);
  if (read.left_out > 0) leave_out();
}

void Dataset::Impl::open_others(const Hdf5Layout& found, NegativeLabels negative) {
  layout = found.description;
  std::set<std::string> known{path};
  for (const LayoutPart& part : found.parts) {
    for (const std::string& name : {part.file, part.labels_file}) {
      if (known.insert(name).second) files.emplace_back(file_part(name));
    }
  }
  const Shape& shape = found.shape;
  if (shape.size() == 0) {
    fail(ErrorKind::data,
         fmt::format("{}: samples of /{} are {} x {} x {}: they hold nothing", path,
                     found.parts[0].images, shape.height, shape.width, shape.channels));
  }
  check_sample(shape, path);
  ClassLabels labels = read_sample_labels(found, negative);
  notes = std::move(labels.notes);
  columns.labels = std::move(labels.labels);
  columns.class_names = std::move(labels.class_names);
  bool splits = false;
  for (const LayoutPart& part : found.parts) {
    columns.split.insert(columns.split.end(), static_cast<std::size_t>(part.count),
                         static_cast<std::uint8_t>(part.split));
    splits = splits || part.split != found.parts[0].split;
  }
  if (!splits) columns.split.clear();
  make_names_valid();
  count_classes();
  hold(SampleRows(found), shape);
  if (labels.left_out > 0) leave_out();
}

void Dataset::Impl::open_arrays(const DatasetNames& names) {
  ArraySamples samples = read_array_samples(path, names);
  layout = std::move(samples.description);
  notes = std::move(samples.notes);
  columns = std::move(samples.columns);
  source = std::move(samples.source);
  check_sample(source->shape(), path);
  make_names_valid();
  count_classes();
  if (samples.left_out > 0) leave_out();
}

Dataset Dataset::open(const std::string& path, Index memory, const DatasetNames& names) {
  return open(path, memory, names, false);
}

Dataset Dataset::stream(const std::string& path, Index memory, const DatasetNames& names) {
  return open(path, memory, names, true);
}

Dataset Dataset::open(const std::string& path, Index memory, const DatasetNames& names,
                      bool streamed) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  const NegativeLabels negative = negative_labels_named(names.negative_labels);
  impl->memory = {memory > 0 ? memory : machine_memory() / 2, streamed};
  if (path.ends_with(".txt")) {
    impl->open_others(find_listed_layout(path, names), negative);
    return Dataset(std::move(impl));
  }
  if (are_array_samples(path)) {
    impl->open_arrays(names);
    return Dataset(std::move(impl));
  }
  impl->files.emplace_back(file_part(path));
  const Hdf5File file = Hdf5File::open(path);
  if (names.empty() && is_our_layout(file)) {
    impl->open_ours(file, negative);
  } else {
    impl->open_others(find_layout(file, names), negative);
  }
  return Dataset(std::move(impl));
}

Dataset Dataset::from_source(std::unique_ptr<SampleSource> source, SampleColumns columns,
                             Matrix targets) {
  auto impl = std::make_unique<Impl>();
  impl->path = source->name();
  check_sample(source->shape(), impl->path);
  check_columns(columns, source->size(), impl->path);
  if (targets.rows() > 0 && targets.rows() != source->size()) {
    fail(ErrorKind::data, fmt::format("{}: targets have {} rows but there are {} samples",
                                      impl->path, targets.rows(), source->size()));
  }
  check_finite(targets, impl->path + ": targets");
  impl->source = std::move(source);
  impl->columns = std::move(columns);
  impl->targets = std::move(targets);
  impl->make_names_valid();
  impl->count_classes();
  return Dataset(std::move(impl));
}

Dataset::Dataset(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Dataset::Dataset(Dataset&&) noexcept = default;
Dataset& Dataset::operator=(Dataset&&) noexcept = default;
Dataset::~Dataset() = default;

Index Dataset::size() const { return impl_->source->size(); }
const Shape& Dataset::shape() const { return impl_->source->shape(); }
Element Dataset::element() const { return impl_->source->element(); }
Index Dataset::sample_bytes() const { return impl_->source->sample_bytes(); }
const std::string& Dataset::layout() const { return impl_->layout; }
bool Dataset::in_memory() const { return impl_->source->in_memory(); }
Index Dataset::bytes_to_hold() const {
  return impl_->store != nullptr ? impl_->memory.least_to_hold(size() * sample_bytes()) : 0;
}
const std::string& Dataset::advice() const { return impl_->advice; }
const std::vector<std::string>& Dataset::notes() const { return impl_->notes; }
const std::string& Dataset::path() const { return impl_->path; }
bool Dataset::has_labels() const { return !impl_->columns.labels.empty(); }
std::span<const std::int64_t> Dataset::labels() const { return impl_->columns.labels; }
Index Dataset::classes() const { return impl_->classes; }
const std::vector<std::string>& Dataset::class_names() const { return impl_->columns.class_names; }
std::span<const std::uint8_t> Dataset::split() const { return impl_->columns.split; }
std::span<const std::int64_t> Dataset::groups() const { return impl_->columns.groups; }
std::span<const std::int32_t> Dataset::episode() const { return impl_->columns.episode; }
std::span<const std::uint8_t> Dataset::role() const { return impl_->columns.role; }
ConstMatrixView Dataset::targets() const { return impl_->targets; }

const std::vector<std::string>& Dataset::paths() const {
  if (impl_->paths_later) {
    std::call_once(impl_->paths_read, [&] {
      impl_->columns.paths = read_paths(Hdf5File::open(path()), size());
      impl_->store->check_files();
      make_valid_utf8(impl_->columns.paths);
    });
  }
  return impl_->columns.paths;
}

const std::optional<Preparation>& Dataset::preparation() const { return impl_->preparation; }

const SampleColumns& Dataset::columns() const {
  paths();  // read now where they were not
  return impl_->columns;
}

std::vector<Index> Dataset::samples_of(Split split) const {
  const std::span<const std::uint8_t> splits = this->split();
  const auto wanted = [&](Index i) {
    const auto own =
        splits.empty() ? Split::train : static_cast<Split>(splits[static_cast<std::size_t>(i)]);
    return split == Split::all || own == split;
  };
  Index count = 0;
  for (Index i = 0; i < size(); ++i) count += wanted(i) ? 1 : 0;
  std::vector<Index> samples;
  samples.reserve(static_cast<std::size_t>(count));
  for (Index i = 0; i < size(); ++i) {
    if (wanted(i)) samples.push_back(i);
  }
  return samples;
}

std::optional<std::uint64_t> Dataset::checksum() const {
  return impl_->store != nullptr ? impl_->store->checksum() : std::nullopt;
}

void Dataset::read(std::span<const Index> samples, std::byte* dst, Reading reading) const {
  impl_->source->read(samples, dst, reading);
}

void require_labels(const Dataset& dataset, const std::string& who) {
  if (dataset.has_labels()) return;
  fail(ErrorKind::data, fmt::format("{}: /labels is missing; {} needs one label (int64) a sample",
                                    dataset.path(), who));
}

}  // namespace kindred
