#include <fmt/format.h>

#include <array>
#include <cstdio>

#include "count_bar.h"
#include "gallery/gallery.h"
#include "kindred/core/error.h"
#include "kindred/core/text.h"
#include "kindred/data/picture_list.h"
#include "kindred/train/embedder.h"
#include "kindred/train/picture_embedding.h"

namespace kindred::tools {
namespace {

constexpr Index kThumbnailSide = 160;

/// What became of the pictures.
struct AddReport {
  Index listed = 0;
  Index added = 0;
  Index there = 0;      ///< pictures of the same bytes were there before
  Index otherwise = 0;  ///< of these, such as are kept under another name than they would have now
  std::string first_otherwise;
  std::vector<std::string> unreadable;
  std::vector<std::string> left_out;
  bool interrupted = false;
};

/// Adds a block after the other, and tells of each that is safe on the disk.
class PictureAdder {
 public:
  PictureAdder(const AddOptions& options, PictureList list, PictureGallery& gallery)
      : options_(options),
        gallery_(gallery),
        model_(gallery.model()),
        list_(std::move(list)),
        workers_(options.threads),
        embedder_(model_, workers_),
        wishes_(wishes_of(model_)) {
    wishes_.digest = true;
    wishes_.thumbnail = gallery.facts().keeps_thumbnails ? kThumbnailSide : 0;
    report_.listed = list_.size();
    report_.left_out = list_.left_out();
  }

  AddReport run() {
    if (const std::string text = assumption_of(model_); !text.empty() && !options_.quiet)
      note(text);
    BarObserver observer("pictures", options_.quiet);
    report_.interrupted = !list_.read(
        wishes_, workers_, [this](PictureList::Block& block) { take(block); }, &observer);
    return std::move(report_);
  }

 private:
  void take(PictureList::Block& block) {
    std::vector<NewGalleryPicture> pictures;
    std::vector<Index> numbers;
    std::vector<std::byte> samples;
    std::vector<std::string> digests;
    for (const Picture& picture : block.read) digests.push_back(picture.digest);
    const std::vector<Index> known = gallery_.ids_of_digests(digests);
    for (std::size_t i = 0; i < block.read.size(); ++i) {
      Picture& picture = block.read[i];
      if (!picture.error.empty()) {
        if (options_.strict) fail(ErrorKind::data, picture.error + " (--strict)");
        report_.unreadable.push_back(std::move(picture.error));
      } else if (known[i] != 0) {
        count_there(block.pictures[i], identity_in(known[i]));
      } else {
        const auto bytes = std::as_bytes(std::span(picture.sample));
        samples.insert(samples.end(), bytes.begin(), bytes.end());
        pictures.push_back(picture_of(block.pictures[i], picture));
        numbers.push_back(block.pictures[i]);
      }
    }
    const Matrix embeddings = embedder_.embed_samples(samples);
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      const float* const row = embeddings.row(static_cast<Index>(i));
      pictures[i].embedding.assign(row, row + embeddings.cols());
    }
    const std::vector<GalleryPlace> places = gallery_.add(pictures);
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (places[i].was_there) {
        count_there(numbers[i], places[i].identity);
      } else {
        ++report_.added;
      }
    }
    acknowledge(static_cast<Index>(block.pictures.size()));
  }

  std::string identity_in(Index id) const {
    const std::vector<GalleryPicture> found = gallery_.pictures(std::array{id});
    return found.empty() ? "" : found.front().identity;
  }

  std::string wanted_identity(Index number) const {
    return options_.name.empty() ? list_.class_name(number) : options_.name;
  }

  void count_there(Index number, const std::string& identity) {
    ++report_.there;
    const std::string wanted = valid_utf8(wanted_identity(number));
    if (wanted.empty() || wanted == identity) return;
    if (report_.otherwise++ > 0) return;
    report_.first_otherwise =
        fmt::format("{} is of {}", list_.where(number), identity.empty() ? "nobody" : identity);
  }

  NewGalleryPicture picture_of(Index number, Picture& picture) const {
    NewGalleryPicture made;
    made.path = list_.where(number);
    made.digest = std::move(picture.digest);
    made.height = picture.height;
    made.width = picture.width;
    made.identity = wanted_identity(number);
    made.thumbnail = std::move(picture.thumbnail);
    return made;
  }

  void acknowledge(Index count) {
    done_ += count;
    if (options_.quiet || options_.json == "-") return;
    fmt::print("{} of {} pictures done, {} added\n", done_, report_.listed, report_.added);
    std::fflush(stdout);
  }

  const AddOptions& options_;
  PictureGallery& gallery_;
  Model model_;
  PictureList list_;
  Workers workers_;
  Embedder embedder_;
  PictureWishes wishes_;
  AddReport report_;
  Index done_ = 0;
};

void add(const AddOptions& options) {
  PictureGallery gallery(options.gallery, GalleryAccess::write, options.wait);
  add_pictures(options, open_pictures(options.pictures, options, options.quiet), gallery);
}

void tell(const AddOptions& options, const AddReport& report, Index now) {
  fmt::print("{}: {} of {} pictures added, {} now\n", printable(options.gallery), report.added,
             report.listed, now);
  if (report.there > 0) {
    fmt::print("  already there: {} of the same bytes as others in it\n", report.there);
  }
  if (report.otherwise > 0) {
    fmt::print(
        "  {} of them under another name (the first: {}); `kindred gallery remove` and add again "
        "to rename\n",
        report.otherwise, printable(report.first_otherwise));
  }
  tell_unreadable(report.unreadable, options.quiet);
  if (report.interrupted) fmt::print("  stopped: what was added before stays\n");
}

}  // namespace

void add_pictures(const AddOptions& options, PictureList list, PictureGallery& gallery) {
  const AddReport report = PictureAdder(options, std::move(list), gallery).run();
  const Index now = gallery.size();
  Json numbers = {{"gallery", options.gallery},
                  {"listed", report.listed},
                  {"added", report.added},
                  {"already_there", report.there},
                  {"under_another_name", report.otherwise},
                  {"pictures", now},
                  {"interrupted", report.interrupted},
                  {"unreadable", report.unreadable},
                  {"left_out", report.left_out}};
  const bool tells = write_json(options, numbers) && !options.quiet;
  if (tells) tell(options, report, now);
  const bool none = !report.unreadable.empty() && report.added + report.there == 0;
  if (!none || report.interrupted) return;
  fail(ErrorKind::data, fmt::format("none of {} pictures could be read; the first: {}",
                                    report.listed, report.unreadable.front()));
}

void add_gallery_add(const Command& gallery) {
  auto options = std::make_shared<AddOptions>();
  const Command command = gallery.add_command("add", "add pictures to a gallery");
  add_gallery_option(command, options->gallery);
  add_pictures_option(command, *options,
                      "images, folders (class folders name who they show), archives, lists");
  command.option("pictures").required();
  add_name_option(command, *options);
  add_wait(command, *options);
  add_json(command, *options);
  add_threads(command, *options);
  add_quiet(command, *options);
  command.footer(
      "Pictures whose bytes are there already are counted and skipped.\n"
      "Example:\n  kindred gallery add family.db holiday/*.jpg --name Ada");
  command.callback([options] { add(*options); },
                   [options](FileUse& files) { files.writes_beside_inputs(options->gallery); });
}

}  // namespace kindred::tools
