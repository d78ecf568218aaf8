#include "kindred/gallery/gallery.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "core/files/fail_io.h"
#include "core/files/file_lock.h"
#include "core/files/output_target.h"
#include "gallery/gallery_impl.h"
#include "kindred/core/file.h"
#include "kindred/core/output_file.h"
#include "kindred/train/embedder.h"
#include "kindred/train/model_bytes.h"

namespace kindred {
namespace {

constexpr std::string_view kFingerprint = "model_fingerprint";
constexpr std::string_view kPreparation = "preparation";
constexpr std::string_view kDimension = "dimension";
constexpr std::string_view kThumbnails = "thumbnails";
constexpr mode_t kOwnerOnly = 0600;  // a gallery of faces is nobody else's business

void require_new(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || (S_ISREG(status.st_mode) && status.st_size == 0))
    return;
  fail(ErrorKind::usage,
       fmt::format("{}: exists, so no gallery is made of it; `kindred gallery add` adds to one, or "
                   "name another",
                   path));
}

/// SQLite would take what lies beside a file of that name for this one's: its last changes.
void require_nothing_beside(const std::string& path) {
  std::error_code none;
  for (const std::string& left : Database::beside(find_target(path).file)) {
    if (!std::filesystem::exists(std::filesystem::symlink_status(left, none))) continue;
    fail(ErrorKind::cannot_create,
         fmt::format("{}: is left of an earlier gallery of that name; remove it, or name another",
                     left));
  }
}

void write_model_file(Database& database, std::span<const std::byte> file) {
  Statement insert(database, "INSERT INTO model VALUES (?, ?)");
  for (std::size_t at = 0, part = 0; at < file.size(); at += kModelPart, ++part) {
    const std::size_t size = std::min<std::size_t>(kModelPart, file.size() - at);
    insert.bind(1, static_cast<std::int64_t>(part)).bind_bytes(2, file.subspan(at, size)).run();
  }
}

void write_empty_gallery(const std::string& file, std::span<const std::byte> model_file,
                         const Model& model, bool keeps_thumbnails) {
  Database database(file, Database::Mode::unnamed, 0);
  write_schema(database);
  Transaction transaction(database, Transaction::Kind::writes);
  write_model_file(database, model_file);
  set_meta(database, kFingerprint, model.fingerprint);
  set_meta(database, kPreparation, model.preparation ? text_of(*model.preparation) : "");
  set_meta(database, kDimension, fmt::format("{}", Embedder(model, Workers(1)).embedding()));
  set_meta(database, kThumbnails, keeps_thumbnails ? "1" : "0");
  set_meta(database, kAdditions, "0");
  set_meta(database, kRemovals, "0");
  transaction.commit();
}

GalleryFacts read_facts(Database& database) {
  GalleryFacts facts;
  facts.model_fingerprint = meta_text(database, kFingerprint).value_or("");
  facts.preparation = meta_text(database, kPreparation).value_or("");
  facts.dimension = meta_number(database, kDimension, 1, kMostDimension);
  facts.keeps_thumbnails = meta_number(database, kThumbnails, 0, 1) == 1;
  return facts;
}

void set_threshold(Database& database, std::string_view key, std::optional<double> value) {
  if (value) {
    set_meta(database, key, fmt::format("{}", *value));
  } else {
    remove_meta(database, key);
  }
}

}  // namespace

const FileKind kGalleryFile{"a gallery", [](const std::string& path) {
                              constexpr std::size_t kHeader = 100;
                              return begins_as_gallery(beginning_of_file(path, kHeader));
                            }};

void PictureGallery::create(const std::string& path, const std::string& model_file,
                            bool keeps_thumbnails) {
  const FileLock lock = FileLock::of_output(path);  // two that make one at once
  require_new(path);
  require_nothing_beside(path);
  const std::vector<std::byte> given = read_file(model_file);
  const Model model = read_model(given, model_file);
  // It may have been trained on whom the gallery will hold, and forget.
  const std::vector<std::byte> bytes = without_class_names(given, model_file);
  OutputFile output(path);
  const std::string& beside = output.beside();
  // Before there is anything in it, whatever the process grants by default.
  if (::fchmod(output.descriptor(), kOwnerOnly) != 0) fail_io(path, "taking others' rights away");
  write_empty_gallery(beside, bytes, model, keeps_thumbnails);
  output.commit();
  const PictureGallery made(path, GalleryAccess::write);  // what was written can be read
  static_cast<void>(made.model());
}

PictureGallery::PictureGallery(const std::string& path, GalleryAccess access, double wait_seconds)
    : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  impl_->database = open_gallery(path, access, wait_seconds);
  impl_->facts = read_facts(*impl_->database);
  if (access == GalleryAccess::write) impl_->finished_remove = scrub(*impl_->database);
}

void PictureGallery::discard(PictureGallery gallery) {
  if (gallery.impl_->database->is_moved()) return;
  const std::string file = gallery.impl_->database->resolved();
  gallery.impl_->database.reset();  // what SQLite has beside it goes with the last who closes it
  std::error_code none;
  std::filesystem::remove(file, none);
  for (const std::string& left : Database::beside(file)) std::filesystem::remove(left, none);
}

PictureGallery::PictureGallery(PictureGallery&&) noexcept = default;
PictureGallery::~PictureGallery() = default;

const std::string& PictureGallery::path() const { return impl_->path; }
bool PictureGallery::finished_remove() const { return impl_->finished_remove; }
const GalleryFacts& PictureGallery::facts() const { return impl_->facts; }

Model PictureGallery::model() const {
  std::vector<std::byte> bytes;
  {
    const std::lock_guard lock(impl_->mutex);
    Statement parts(*impl_->database, "SELECT part, bytes FROM model ORDER BY part");
    for (std::int64_t part = 0; parts.step(); ++part) {
      if (parts.integer(0) != part)
        fail_gallery(*impl_->database, "a part of its model is missing");
      const std::span<const std::byte> piece = parts.bytes(1);
      bytes.insert(bytes.end(), piece.begin(), piece.end());
    }
  }
  Model model = read_model(bytes, impl_->path + " (its model)");
  if (model.fingerprint != impl_->facts.model_fingerprint) {
    fail_gallery(*impl_->database, "its model is another than the one that made its embeddings");
  }
  return model;
}

GalleryThresholds PictureGallery::thresholds() const {
  const std::lock_guard lock(impl_->mutex);
  Database& database = *impl_->database;
  Transaction transaction(database, Transaction::Kind::reads);
  GalleryThresholds thresholds;
  thresholds.identify = meta_real(database, "threshold.identify");
  thresholds.identify_centroid = meta_real(database, "threshold.identify_centroid");
  thresholds.compare = meta_real(database, "threshold.compare");
  thresholds.far = meta_real(database, "threshold.far");
  transaction.commit();
  return thresholds;
}

void PictureGallery::set_thresholds(const GalleryThresholds& thresholds) {
  const std::lock_guard lock(impl_->mutex);
  Database& database = *impl_->database;
  Transaction transaction(database, Transaction::Kind::writes);
  set_threshold(database, "threshold.identify", thresholds.identify);
  set_threshold(database, "threshold.identify_centroid", thresholds.identify_centroid);
  set_threshold(database, "threshold.compare", thresholds.compare);
  set_threshold(database, "threshold.far", thresholds.far);
  transaction.commit();
}

}  // namespace kindred
