#include "data/import/import_assembly.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "data/text/path_index.h"
#include "kindred/core/error.h"
#include "kindred/core/parallel.h"

namespace kindred {
namespace {

constexpr int kDark = 1 << 14;

std::size_t index(Index i) { return static_cast<std::size_t>(i); }

bool same_class(const ImportItem& a, const ImportItem& b) {
  return a.label == b.label && a.class_name == b.class_name;
}

}  // namespace

Assembly::Assembly(const ImportPlan& plan, const ImportOptions& options,
                   const std::string& out_path, const std::vector<Index>& order,
                   const Workers& workers, ImportReport& report)
    : plan_(plan),
      options_(options),
      out_path_(out_path),
      order_(order),
      workers_(workers),
      report_(report) {
  if (!plan.in_order) run_ = run_of_classes();
  if (plan.in_order && !plan.numbered) {
    for (const Index item : order) label_of_[plan.items[index(item)].class_name] = 0;
    std::int64_t label = 0;
    for (auto& [name, own] : label_of_) {
      own = label++;
      columns_.class_names.push_back(name);
    }
  }
}

void Assembly::add(Index item, Decoded decoded) {
  const ImportItem& sample = plan_.items[index(item)];
  if (!held_.empty() && !same_class(plan_.items[index(held_.front())], sample)) flush();
  if (!decoded.error.empty()) {
    if (options_.strict) fail(ErrorKind::data, decoded.error);
    report_.unreadable.push_back(std::move(decoded.error));
    return;
  }
  look_at_depth(decoded.image.largest);
  fit(sample, decoded.image);
  note_duplicate(item, decoded.hash);
  held_.push_back(item);
  pixels_.insert(pixels_.end(), decoded.image.pixels.begin(), decoded.image.pixels.end());
  if (plan_.in_order) flush();
}

void Assembly::finish() {
  flush();
  if (kept_.empty()) {
    fail(ErrorKind::data,
         report_.unreadable.empty()
             ? fmt::format("{}: no class has {} readable samples", plan_.source,
                           options_.min_samples)
             : fmt::format("no image could be read; the first: {}", report_.unreadable[0]));
  }
  if (converted_ > 0) {
    report_.notes.push_back(fmt::format(
        "{} images were made {}, as the first is; to keep colours ask for rgb, for grey ask for "
        "grey",
        converted_, shape_.channels == 1 ? "grey" : "rgb"));
  }
  note_depth();
  fill_columns();
  report_.shape = shape_;
  report_.samples = static_cast<Index>(kept_.size());
  report_.bytes = writer_->finish(columns_);
}

void Assembly::look_at_depth(int largest) {
  if (largest == 0) return;
  ++deep_;
  if (largest >= 1 << options_.bits) ++clipped_;
  if (largest >= kDark) return;
  ++dark_;
  dark_most_ = std::max(dark_most_, largest);
}

// Which bits a camera filled is no format's business: what the values say is told, not guessed.
void Assembly::note_depth() {
  if (clipped_ > 0) {
    report_.notes.push_back(
        fmt::format("{} of {} pictures of 16 bits a channel hold values beyond {} bits: these are "
                    "white",
                    clipped_, deep_, options_.bits));
  }
  if (dark_ == 0 || options_.bits < 16) return;
  const int bits = std::max(8, static_cast<int>(std::bit_width(static_cast<unsigned>(dark_most_))));
  report_.notes.push_back(fmt::format(
      "{} of {} pictures of 16 bits a channel hold no value above {}, and become nearly "
      "black; where they are of {} bits, say --bits {}",
      dark_, deep_, dark_most_, bits, bits));
}

// Samples of a class, where all have the same number.
Index Assembly::run_of_classes() const {
  std::vector<Index> runs;
  for (std::size_t i = 0; i < order_.size(); ++i) {
    const ImportItem& item = plan_.items[index(order_[i])];
    if (i == 0 || !same_class(plan_.items[index(order_[i - 1])], item)) runs.push_back(0);
    ++runs.back();
  }
  return std::adjacent_find(runs.begin(), runs.end(), std::not_equal_to<>()) == runs.end() ? runs[0]
                                                                                           : 1;
}

// The first image says what the others are like.
void Assembly::fit(const ImportItem& sample, Image& image) {
  if (!writer_) {
    shape_ = image.shape;
    if (options_.colour == ImportColour::rgb) shape_.channels = 3;
    first_ = plan_.images->where(sample.place);
    writer_.emplace(out_path_,
                    ImageStorage{.shape = shape_,
                                 .most_samples = static_cast<Index>(order_.size()),
                                 .run = run_,
                                 .chunk = options_.chunk,
                                 .gzip = options_.gzip < 0 ? plan_.gzip : options_.gzip,
                                 .preparation = text_of(preparation_of(plan_, options_)),
                                 .source = plan_.source},
                    workers_);
  }
  if (image.shape.height != shape_.height || image.shape.width != shape_.width) {
    fail(ErrorKind::data,
         fmt::format("{}: is {} x {} pixels, but {} is {} x {}; say with a size how large all "
                     "are to be",
                     plan_.images->where(sample.place), image.shape.width, image.shape.height,
                     first_, shape_.width, shape_.height));
  }
  if (image.shape.channels == shape_.channels) return;
  if (options_.colour == ImportColour::as_first) ++converted_;
  image = with_channels(std::move(image), shape_.channels);
}

void Assembly::note_duplicate(Index item, std::uint64_t hash) {
  const auto [first, added] = first_with_.try_emplace(hash, item);
  if (added) return;
  const ImportItem& a = plan_.items[index(first->second)];
  const ImportItem& b = plan_.items[index(item)];
  report_.duplicates.push_back(fmt::format("{} is {} once more{}{}", b.path, a.path,
                                           same_class(a, b) ? "" : ", in another class",
                                           a.split == b.split ? "" : ", in another split"));
}

void Assembly::flush() {
  if (held_.empty()) return;
  if (plan_.in_order || static_cast<Index>(held_.size()) >= options_.min_samples) {
    writer_->append(pixels_);
    kept_.insert(kept_.end(), held_.begin(), held_.end());
  } else {
    const ImportItem& item = plan_.items[index(held_[0])];
    report_.notes.push_back(
        fmt::format("class {} is left out: {} of its samples can be read, fewer than {}",
                    plan_.numbered ? std::to_string(item.label) : item.class_name, held_.size(),
                    options_.min_samples));
  }
  held_.clear();
  pixels_.clear();
}

void Assembly::fill_columns() {
  for (std::size_t i = 0; i < kept_.size(); ++i) {
    const ImportItem& item = plan_.items[index(kept_[i])];
    columns_.labels.push_back(label_of(item));
    columns_.paths.push_back(item.path);
    columns_.split.push_back(item.split);
    if (!plan_.group_name.empty()) columns_.groups.push_back(item.group);
    if (!plan_.has_episodes) continue;
    columns_.episode.push_back(item.episode);
    columns_.role.push_back(item.role);
  }
  columns_.group_name = plan_.group_name;
  if (plan_.numbered) columns_.class_names = plan_.class_names;
  finish_columns(columns_, options_, report_);
  for (const std::string& list : plan_.pair_lists) {
    columns_.pairs.push_back({group_of(list), read_pair_list(list, columns_.paths)});
    const std::vector<std::string>& notes = columns_.pairs.back().list.notes;
    report_.notes.insert(report_.notes.end(), notes.begin(), notes.end());
    report_.pairs += static_cast<Index>(columns_.pairs.back().list.first.size());
  }
}

// The list called "pairs", else the first, is the data set's own; others have groups.
std::string Assembly::group_of(const std::string& list) const {
  const auto own = std::find_if(plan_.pair_lists.begin(), plan_.pair_lists.end(),
                                [](const std::string& path) { return stem(path) == "pairs"; });
  if (list == (own == plan_.pair_lists.end() ? plan_.pair_lists[0] : *own)) return "";
  const std::string name(stem(list));
  return name.starts_with("pairs") ? name : "pairs_" + name;
}

std::int64_t Assembly::label_of(const ImportItem& item) {
  if (plan_.numbered) return item.label;
  if (plan_.in_order) return label_of_.at(item.class_name);
  if (columns_.class_names.empty() || columns_.class_names.back() != item.class_name) {
    columns_.class_names.push_back(item.class_name);
  }
  return static_cast<std::int64_t>(columns_.class_names.size()) - 1;
}

}  // namespace kindred
