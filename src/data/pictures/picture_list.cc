#include "kindred/data/picture_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <map>
#include <unordered_set>

#include "data/import/import_names.h"
#include "data/import/import_plan.h"
#include "data/pictures/picture_making.h"
#include "data/pictures/picture_processes.h"
#include "kindred/core/error.h"
#include "kindred/core/text.h"
#include "kindred/data/picture_regions.h"

namespace kindred {
namespace {

constexpr std::size_t kBlockPictures = 256;           // decoded together, at most
constexpr Index kBlockFileBytes = Index{64} << 20;    // of archives' files
constexpr Index kBlockSampleBytes = Index{64} << 20;  // of what they become

/// Pictures of a block before they are decoded.
struct RawBlock {
  std::vector<Index> pictures;
  std::vector<FileContent> contents;
  Index bytes = 0;
};

bool has_images(const SourceFiles& files) { return count_images(files) > 0; }

/// A source that is one file, not a folder or an archive.
bool is_named_itself(const SourceFiles& files, const SourceFile& file) {
  return !file.path.empty() && file.path == files.sources()[static_cast<std::size_t>(file.source)];
}

/// What the picture is called: as it was named; as its folder or archive calls it, or, where there
/// are several sources, with these before.
std::string plain_name(const SourceFiles& files, const SourceFile& file) {
  if (is_named_itself(files, file)) return file.path;
  return files.sources().size() > 1 ? file.where : file.name;
}

/// All image files, without classes, as they are listed. What is named itself is taken whatever it
/// is called.
ImportPlan plain_plan(const SourceFiles& files) {
  ImportPlan plan;
  plan.source = names_of(files);
  plan.images = images_in_files(files);
  plan.in_order = true;
  plan.has_labels = false;
  std::unordered_set<std::string> names;
  Index twice = 0;
  for (Index i = 0; i < static_cast<Index>(files.files().size()); ++i) {
    const SourceFile& file = files[i];
    if (!is_image_name(file.name) && !is_named_itself(files, file)) {
      plan.left_out.push_back(fmt::format("{}: {}", file.where, why_no_image(file.name)));
      continue;
    }
    ImportItem item;
    item.path = plain_name(files, file);
    item.place = i;
    item.source = file.source;
    if (names.insert(item.path).second) {
      plan.items.push_back(std::move(item));
    } else {
      ++twice;
    }
  }
  if (twice > 0) {
    plan.notes.push_back(
        fmt::format("{} pictures are named more than once: they are taken once", twice));
  }
  return plan;
}

/// A list names its pictures: where it is wrong that is told, not passed over.
bool begins_with_list(const SourceFiles& files) {
  const std::string& first = files.sources()[0];
  return first.ends_with(".csv") || first.ends_with(".tsv");
}

}  // namespace

struct KINDRED_HIDDEN PictureList::Impl {
  explicit Impl(std::span<const std::string> sources) : files(sources) {
    plan = plan_of(notes);
    if (plan.vectors.rows() > 0) {
      fail(ErrorKind::data, fmt::format("{}: holds vectors, not pictures", plan.source));
    }
    make_names_valid(plan);
    notes.insert(notes.end(), plan.notes.begin(), plan.notes.end());
    if (const std::string unread = unread_images(files); !unread.empty()) notes.push_back(unread);
    left_out = std::move(plan.left_out);
    left_out.insert(left_out.end(), files.left_out().begin(), files.left_out().end());
    ImportReport report;
    if (plan.items.empty()) {
      fail(ErrorKind::data,
           fmt::format("{}: no pictures ({}) are there: {}", fmt::join(files.sources(), " "),
                       image_kinds(), what_is_there(files)));
    }
    order = select_items(plan, {}, report);
    take_classless();
  }

  ImportPlan plan_of(std::vector<std::string>& told) const {
    try {
      if (auto found = plan_of_sources(files, {})) return std::move(*found);
    } catch (const Error& error) {
      // Folders that make no classes are folders of pictures.
      if (error.kind() != ErrorKind::data || !has_images(files) || begins_with_list(files)) throw;
      told.push_back(fmt::format("pictures are taken without classes: {}", error.what()));
    }
    return plain_plan(files);
  }

  // Pictures beside the folders of classes: an import leaves them out, here they have no class.
  void take_classless() {
    if (plan.format != "folder") return;
    std::unordered_set<Index> taken;
    for (const ImportItem& item : plan.items) taken.insert(item.place);
    std::unordered_set<std::string> paths;
    for (const ImportItem& item : plan.items) paths.insert(item.path);
    const Index before = static_cast<Index>(order.size());
    for (Index i = 0; i < static_cast<Index>(files.files().size()); ++i) {
      if (taken.contains(i) || !is_image_name(files[i].name)) continue;
      ImportItem item;
      item.place = i;
      item.source = files[i].source;
      item.path = valid_utf8(plain_name(files, files[i]));
      if (!paths.insert(item.path).second) item.path = valid_utf8(files[i].where);
      order.push_back(static_cast<Index>(plan.items.size()));
      plan.items.push_back(std::move(item));
    }
    const Index more = static_cast<Index>(order.size()) - before;
    if (more == 0) return;
    plan.has_labels = false;
    std::erase_if(left_out, [](const std::string& text) {
      return text.ends_with(": lies in no folder of a class") ||
             text.ends_with(": lies in no folder of a split");
    });
    notes.push_back(fmt::format("{} of {} pictures lie in no folder of a class: they have none",
                                more, order.size()));
  }

  const ImportItem& item(Index picture) const {
    return plan.items[static_cast<std::size_t>(order[static_cast<std::size_t>(picture)])];
  }
  std::string class_of(const ImportItem& of) const {
    if (!plan.numbered) return of.class_name;
    const auto label = static_cast<std::size_t>(of.label);
    return label < plan.class_names.size() ? plan.class_names[label] : std::to_string(of.label);
  }

  SourceFiles files;
  ImportPlan plan;
  std::vector<Index> order;  // of the plan's items
  std::vector<std::string> left_out;
  std::vector<std::string> notes;
  std::vector<std::optional<PictureRegion>> regions;  // one a picture, or none at all
  std::string regions_from;
};

PictureList::PictureList(std::span<const std::string> sources)
    : impl_(std::make_unique<Impl>(sources)) {}
PictureList::PictureList(PictureList&&) noexcept = default;
PictureList::~PictureList() = default;

Index PictureList::size() const { return static_cast<Index>(impl_->order.size()); }
const std::string& PictureList::path(Index picture) const { return impl_->item(picture).path; }
std::string PictureList::where(Index picture) const {
  return impl_->plan.images->where(impl_->item(picture).place);
}
std::string PictureList::class_name(Index picture) const {
  return impl_->class_of(impl_->item(picture));
}
bool PictureList::has_classes() const { return impl_->plan.has_labels; }
const std::vector<std::string>& PictureList::left_out() const { return impl_->left_out; }
std::string PictureList::left_out_text() const {
  if (left_out().empty()) return "";
  return fmt::format("{} files are left out: {}; the first: {}", left_out().size(),
                     counts_of_reasons(left_out()), left_out()[0]);
}
const std::vector<std::string>& PictureList::notes() const { return impl_->notes; }

SampleColumns PictureList::columns(std::span<const Index> pictures) const {
  const ImportPlan& plan = impl_->plan;
  SampleColumns columns;
  std::map<std::string, std::int64_t> label_of;
  for (const Index picture : pictures) label_of[impl_->class_of(impl_->item(picture))] = 0;
  std::int64_t next = 0;
  for (auto& entry : label_of) entry.second = next++;
  bool splits = false;
  for (const Index picture : pictures) {
    const ImportItem& item = impl_->item(picture);
    columns.paths.push_back(item.path);
    columns.split.push_back(item.split);
    splits = splits || item.split != columns.split.front();
    if (plan.has_labels) {
      columns.labels.push_back(plan.numbered ? item.label : label_of.at(item.class_name));
    }
    if (!plan.group_name.empty()) columns.groups.push_back(item.group);
    if (!plan.has_episodes) continue;
    columns.episode.push_back(item.episode);
    columns.role.push_back(item.role);
  }
  if (!splits) columns.split.clear();
  if (plan.group_name != "groups") columns.groups.clear();
  if (!plan.has_labels) return columns;
  if (plan.numbered) {
    columns.class_names = plan.class_names;
  } else {
    for (const auto& entry : label_of) columns.class_names.push_back(entry.first);
  }
  return columns;
}

void PictureList::set_regions(PictureRegions& regions) {
  impl_->regions_from = regions.source();
  impl_->regions.clear();
  for (Index i = 0; i < size(); ++i) impl_->regions.push_back(regions.find(path(i)));
}

bool PictureList::read(const PictureWishes& wishes, const Workers& workers, Run run,
                       FunctionRef<void(Block&)> take, WorkObserver* observer) const {
  check_wishes(wishes);
  const Impl& own = *impl_;
  const int threads = workers.threads();
  PictureProcesses processes(wishes, threads);
  const Workers decoding(threads);  // those of the caller use what the last block became
  const ImportImages* const images = own.plan.images.get();
  const auto decode_one = [&](Index picture, FileContent& content) {
    Picture result;
    const auto at = static_cast<std::size_t>(picture);
    if (!own.regions.empty() && !own.regions[at]) {
      result.error = fmt::format("{}: has no line in {}", where(picture), own.regions_from);
    } else if (!content.error.empty()) {
      result.error = std::move(content.error);
    } else {
      const PictureRegion region = own.regions.empty() ? PictureRegion{} : *own.regions[at];
      result = processes.call(where(picture), make_picture_of, images, own.item(picture).place,
                              content.bytes, region);
    }
    return result;
  };
  const auto decode = [&](RawBlock raw) {
    Block block;
    block.read.resize(raw.pictures.size());
    decoding.for_each(static_cast<Index>(raw.pictures.size()), [&](Index i, int /*worker*/) {
      const auto at = static_cast<std::size_t>(i);
      block.read[at] = decode_one(raw.pictures[at], raw.contents[at]);
    });
    block.pictures = std::move(raw.pictures);
    return block;
  };
  std::unordered_map<Index, Index> picture_at;  // by place
  std::vector<Index> places;
  for (Index i = run.begin; i < run.end; ++i) {
    places.push_back(own.item(i).place);
    picture_at[places.back()] = i;
  }
  const auto most = std::clamp<std::size_t>(
      static_cast<std::size_t>(kBlockSampleBytes / wishes.shape.size()), 1, kBlockPictures);
  RawBlock raw;
  std::future<Block> under_way;
  Index done = 0;
  bool stopped = false;
  const auto take_last = [&] {
    if (!under_way.valid()) return;
    Block block = under_way.get();
    if (!raw.pictures.empty()) {
      under_way = std::async(std::launch::async, decode, std::exchange(raw, {}));
    }
    take(block);
    done += static_cast<Index>(block.pictures.size());
    if (observer == nullptr) return;
    observer->on_progress(done, run.end - run.begin);
    stopped = stopped || observer->stop_requested();
  };
  own.plan.images->visit(places, [&](Index place, FileContent content) {
    raw.bytes += static_cast<Index>(content.bytes.size());
    raw.pictures.push_back(picture_at.at(place));
    raw.contents.push_back(std::move(content));
    if (raw.pictures.size() < most && raw.bytes < kBlockFileBytes) return true;
    if (!under_way.valid()) {
      under_way = std::async(std::launch::async, decode, std::exchange(raw, {}));
    } else {
      take_last();
    }
    return !stopped;
  });
  if (!stopped && !under_way.valid() && !raw.pictures.empty()) {
    under_way = std::async(std::launch::async, decode, std::exchange(raw, {}));
  }
  while (!stopped && under_way.valid()) take_last();
  if (!stopped && done != run.end - run.begin) {
    fail(ErrorKind::data, fmt::format("{}: changed while it was read", own.plan.source));
  }
  return !stopped;
}

}  // namespace kindred
