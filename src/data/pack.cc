#include "kindred/data/pack.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <numeric>
#include <optional>
#include <set>

#include "core/files/file_lock.h"
#include "data/hdf5/hdf5_numbers.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/core/file_use.h"
#include "kindred/core/output_file.h"
#include "kindred/core/process_group.h"
#include "kindred/data/dataset_files.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/data/hdf5_kinds.h"

namespace kindred {
namespace {

constexpr Index kPackedBytes = Index{1} << 20;  // read at once

/// The new order: sample order[i] becomes the i-th, so sample i goes to place[i].
struct Order {
  std::vector<Index> order;
  std::vector<Index> place;
};

Order by_label(const Dataset& dataset) {
  Order result;
  result.order.resize(static_cast<std::size_t>(dataset.size()));
  std::iota(result.order.begin(), result.order.end(), Index{0});
  const std::span<const std::int64_t> labels = dataset.labels();
  if (!labels.empty()) {
    std::stable_sort(result.order.begin(), result.order.end(), [&](Index a, Index b) {
      return labels[static_cast<std::size_t>(a)] < labels[static_cast<std::size_t>(b)];
    });
  }
  result.place.resize(result.order.size());
  for (std::size_t i = 0; i < result.order.size(); ++i) {
    result.place[static_cast<std::size_t>(result.order[i])] = static_cast<Index>(i);
  }
  return result;
}

// Different labels, or names where there are more: labels may be any numbers.
Index count_classes(const Dataset& dataset, const Order& order) {
  Index classes = 0;
  for (std::size_t i = 0; i < order.order.size() && dataset.has_labels(); ++i) {
    const auto label = [&](std::size_t k) {
      return dataset.labels()[static_cast<std::size_t>(order.order[k])];
    };
    if (i == 0 || label(i) != label(i - 1)) ++classes;
  }
  return std::max(classes, static_cast<Index>(dataset.class_names().size()));
}

template <typename T>
std::vector<T> reordered(std::span<const T> values, const Order& order) {
  std::vector<T> result;
  result.reserve(values.size());
  for (const Index i : order.order) result.push_back(values[static_cast<std::size_t>(i)]);
  return result;
}

/// Brings the samples into their order, for the file that is being written.
class SampleCopy {
 public:
  SampleCopy(const Dataset& dataset, const Order& order, Index window, ProcessGroup& group,
             WorkObserver* observer)
      : dataset_(dataset), order_(order), window_(window), group_(group), observer_(observer) {}

  /// write(first, samples): rank 0's, from sample `first` of the new order on. False where it was
  /// asked to stop. The file is written from front to back, a window at a time, and the samples of
  /// each window are looked for: a file of samples in no order is read several times, but small
  /// writes all over a file cost far more.
  bool run(const Workers& workers,
           FunctionRef<void(Index first, std::span<const std::byte> samples)> write) {
    const Index bytes = dataset_.sample_bytes();
    const Index all = dataset_.size();
    const Index most = std::clamp<Index>(window_ / bytes, 1, std::max<Index>(all, 1));
    const Index rows = std::clamp<Index>(kPackedBytes / bytes, 1, std::max<Index>(all, 1));
    // Rank 0 puts the window together; the others have their own part of it.
    const Index room = group_.rank() == 0 ? most : blocks_of(most, group_.size());
    Buffer<std::byte> window(room * bytes);
    std::vector<Buffer<std::byte>> pieces;
    for (int i = 0; i < workers.threads(); ++i) pieces.emplace_back(rows * bytes);
    for (Index first = 0; first < all && !stopped_; first += most) {
      const Index last = std::min(all, first + most);
      const auto begin_of = [&](int rank) {
        return first + begin_of_part(last - first, rank, group_.size());
      };
      const Index own_first = begin_of(group_.rank());
      const Index own_last = begin_of(group_.rank() + 1);
      const bool gathers = group_.rank() == 0;
      std::byte* const own = window.data() + (gathers ? (own_first - first) * bytes : 0);
      workers.for_blocks(all, rows, [&](Index begin, Index end, int worker) {
        if (stopped_) return;
        std::byte* piece = pieces[static_cast<std::size_t>(worker)].data();
        tell(gather(begin, end, own_first, own_last, piece, own));
      });
      if (group_.any(stopped_)) return false;
      if (!gathers) {
        give_to_rank_0({own, static_cast<std::size_t>((own_last - own_first) * bytes)});
        continue;
      }
      const std::span<std::byte> samples(window.data(),
                                         static_cast<std::size_t>((last - first) * bytes));
      take_from_others(samples, bytes);
      write(first, samples);
    }
    return true;
  }

 private:
  /// Those of the samples [begin, end) that belong to the places [first, last) go there; how many.
  Index gather(Index begin, Index end, Index first, Index last, std::byte* rows,
               std::byte* window) const {
    const auto place = [&](Index i) { return order_.place[static_cast<std::size_t>(i)]; };
    std::vector<Index> samples;
    for (Index i = begin; i < end; ++i) {
      if (place(i) >= first && place(i) < last) samples.push_back(i);
    }
    if (samples.empty()) return 0;
    dataset_.read(samples, rows);
    const Index bytes = dataset_.sample_bytes();
    for (std::size_t n = 0; n < samples.size(); ++n) {
      std::memcpy(window + (place(samples[n]) - first) * bytes,
                  rows + static_cast<Index>(n) * bytes, static_cast<std::size_t>(bytes));
    }
    return static_cast<Index>(samples.size());
  }

  void give_to_rank_0(std::span<const std::byte> part) {
    const Outgoing mine{0, part};
    group_.exchange({&mine, 1}, {});
  }

  void take_from_others(std::span<std::byte> window, Index sample_bytes) {
    const Index samples = std::ssize(window) / sample_bytes;
    const auto begin_of = [&](int rank) {
      return static_cast<std::size_t>(begin_of_part(samples, rank, group_.size()) * sample_bytes);
    };
    for (int rank = 1; rank < group_.size(); ++rank) {
      const Incoming theirs{rank,
                            window.subspan(begin_of(rank), begin_of(rank + 1) - begin_of(rank))};
      group_.exchange({}, {&theirs, 1});
    }
  }

  void tell(Index samples) {
    const std::lock_guard guard(lock_);
    done_ += samples;
    if (observer_ == nullptr) return;
    observer_->on_progress(done_, dataset_.size() / group_.size());
    if (observer_->stop_requested()) stopped_ = true;
  }

  const Dataset& dataset_;
  const Order& order_;
  Index window_;  // bytes
  ProcessGroup& group_;
  WorkObserver* observer_;
  std::mutex lock_;
  Index done_ = 0;
  std::atomic<bool> stopped_ = false;
};

/// Everything of a data set but its samples.
class ColumnCopy {
 public:
  ColumnCopy(const Dataset& dataset, const Order& order, Hdf5Writer& writer)
      : dataset_(dataset), order_(order), writer_(writer) {}

  void write_known() {
    write("labels", dataset_.labels());
    write("split", dataset_.split());
    write("groups", dataset_.groups());
    write("episode", dataset_.episode());
    write("role", dataset_.role());
    if (!dataset_.class_names().empty()) {
      writer_.write_strings("class_names", dataset_.class_names());
    }
    if (!dataset_.paths().empty()) {
      writer_.write_strings("paths", reordered<std::string>(dataset_.paths(), order_));
    }
    const ConstMatrixView targets = dataset_.targets();
    if (targets.empty()) return;
    std::vector<float> values;
    values.reserve(static_cast<std::size_t>(targets.rows() * targets.cols()));
    for (const Index i : order_.order) {
      values.insert(values.end(), targets.row(i), targets.row(i) + targets.cols());
    }
    writer_.write<float>("targets", {targets.rows(), targets.cols()}, values);
  }

  /// What only files of ours have; returns the names of what has no meaning.
  std::vector<std::string> write_rest(const Hdf5File& file) {
    static const std::set<std::string> known{"images", "vectors", "labels", "class_names", "split",
                                             "paths",  "targets", "groups", "episode",     "role",
                                             "pairs",  "same",    "fold",   "people_fold"};
    std::vector<std::string> left_out;
    copy_pairs(file, "");
    if (file.is_dataset("people_fold")) {
      const std::vector<std::int64_t> folds = read_whole_numbers(file, "people_fold");
      if (static_cast<Index>(folds.size()) != dataset_.size()) {
        fail(ErrorKind::data,
             fmt::format("{} has {} rows, the data set {}", file.where("people_fold"), folds.size(),
                         dataset_.size()));
      }
      write<std::int64_t>("people_fold", folds);
    }
    for (const std::string& name : file.children()) {
      if (known.contains(name)) continue;
      if (file.is_group(name) && file.is_dataset(name + "/pairs")) {
        writer_.group(name);
        copy_pairs(file, name + "/");
      } else {
        left_out.push_back(name);
      }
    }
    return left_out;
  }

 private:
  template <typename T>
  void write(const std::string& name, std::span<const T> values) {
    if (values.empty()) return;
    writer_.write<T>(name, {static_cast<Index>(values.size())}, reordered(values, order_));
  }

  void copy_pairs(const Hdf5File& file, const std::string& prefix) {
    if (!file.is_dataset(prefix + "pairs")) return;
    std::vector<std::int64_t> pairs = file.read<std::int64_t>(prefix + "pairs");
    for (std::int64_t& row : pairs) {
      if (row < 0 || row >= dataset_.size()) {
        fail(ErrorKind::data, fmt::format("{} names row {}; the data set has {}",
                                          file.where(prefix + "pairs"), row, dataset_.size()));
      }
      row = order_.place[static_cast<std::size_t>(row)];
    }
    writer_.write<std::int64_t>(prefix + "pairs", file.shape(prefix + "pairs"), pairs);
    if (file.is_dataset(prefix + "same")) {
      writer_.write<std::uint8_t>(prefix + "same", file.shape(prefix + "same"),
                                  file.read<std::uint8_t>(prefix + "same"));
    }
    if (file.is_dataset(prefix + "fold")) {
      writer_.write<std::int64_t>(prefix + "fold", file.shape(prefix + "fold"),
                                  file.read<std::int64_t>(prefix + "fold"));
    }
  }

  const Dataset& dataset_;
  const Order& order_;
  Hdf5Writer& writer_;
};

// Pairs name rows of the file; of samples that were left out there is no such row.
void refuse_to_renumber(const Hdf5File& file, Index samples) {
  const std::string name = file.exists("images") ? "images" : "vectors";
  if (file.shape(name)[0] == samples) return;
  for (const std::string& child : file.children()) {
    if (child != "pairs" && !(file.is_group(child) && file.is_dataset(child + "/pairs"))) continue;
    fail(ErrorKind::data,
         fmt::format("{} names rows, and {} of {} samples are left out; pack it with "
                     "--negative-labels class",
                     file.where(child), file.shape(name)[0] - samples, file.shape(name)[0]));
  }
}

/// When no more child process is begun. Alike by all columns, and by two samples.
void meet(ProcessGroup& group, const Dataset& dataset, const Order& order) {
  group.join();
  if (group.size() == 1) return;
  std::uint64_t sum = 0;
  const auto add = [&](auto values) { sum = checksum(std::as_bytes(std::span(values)), sum); };
  add(std::span(order.order));
  add(dataset.labels());
  add(dataset.split());
  for (const std::string& path : dataset.paths()) add(std::span(path));
  for (const std::string& name : dataset.class_names()) add(std::span(name));
  for (Index sample = 0; sample < dataset.size();
       sample += std::max<Index>(1, dataset.size() - 1)) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(dataset.sample_bytes()));
    dataset.read(std::span(&sample, 1), bytes.data());
    add(std::span(bytes));
  }
  group.expect_alike(fmt::format("{} samples of {} bytes (columns and samples {})", dataset.size(),
                                 dataset.sample_bytes(), hex(sum)),
                     "give all ranks the same data set");
}

}  // namespace

PackReport pack_dataset(const std::string& from, const std::string& to, const DatasetNames& names,
                        int threads, WorkObserver* observer, Index window, ProcessGroup* group) {
  SoloGroup alone;
  if (group == nullptr) group = &alone;
  FileUse files;
  for (const std::string& file : files_of_dataset(from)) files.reads(file);
  if (group->rank() == 0) files.writes_locked(to, &kDataSetFile);
  files.check();
  std::optional<FileLock> lock;  // devices take what comes
  if (group->rank() == 0 && !is_written_into(to)) lock.emplace(FileLock::of_output(to));
  const Workers workers(threads);
  const Dataset dataset = Dataset::stream(from, 0, names);
  const Order order = by_label(dataset);
  const Shape& shape = dataset.shape();
  PackReport report;
  report.samples = dataset.size();
  report.classes = count_classes(dataset, order);
  report.bytes = dataset.size() * dataset.sample_bytes();
  SampleCopy samples(dataset, order, window, *group, observer);
  if (group->rank() != 0) {
    meet(*group, dataset, order);
    report.interrupted = !samples.run(workers, [](Index, std::span<const std::byte>) {});
    return report;
  }

  Hdf5Writer writer(to);
  writer.attribute("/", "format", std::string("kindred data set"));
  writer.attribute("/", "version", std::int64_t{1});
  const bool bytes = dataset.element() == Element::u8;
  const std::string name = bytes ? "images" : "vectors";
  const Index offset = bytes ? writer.reserve<std::uint8_t>(name, {dataset.size(), shape.height,
                                                                   shape.width, shape.channels})
                             : writer.reserve<float>(name, {dataset.size(), shape.channels});
  ColumnCopy columns(dataset, order, writer);
  columns.write_known();
  if (dataset.layout().empty()) {
    const Hdf5File file = Hdf5File::open(from);
    refuse_to_renumber(file, dataset.size());
    report.left_out = columns.write_rest(file);
    for (const char* kept : {"source", "preparation"}) {
      if (!file.has_attribute("", kept)) continue;
      writer.attribute("/", kept, file.attribute_text("", kept));
    }
  }
  meet(*group, dataset, order);
  const auto write = [&](Index first, std::span<const std::byte> some) {
    writer.write_reserved(name, offset + first * dataset.sample_bytes(), some);
  };
  report.interrupted = !samples.run(workers, write);
  if (!report.interrupted) writer.finish();
  return report;
}

}  // namespace kindred
