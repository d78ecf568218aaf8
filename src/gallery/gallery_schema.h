#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gallery/database.h"
#include "kindred/gallery/gallery.h"

/// What a gallery's file is: its tables and the texts of `meta`.
namespace kindred {

constexpr std::int64_t kGalleryFormat = 1;                ///< user_version
constexpr std::int64_t kGalleryApplication = 0x4b6e4731;  ///< application_id: "KnG1"
constexpr Index kModelPart = Index{16} << 20;             ///< bytes of the model's file in one row
constexpr Index kMostDimension = Index{1} << 20;          ///< of an embedding
constexpr Index kMostThumbnail = Index{1} << 20;          ///< bytes

/// Whether a file of these first 100 bytes is a gallery.
bool begins_as_gallery(const std::string& begin);

/// Writes the tables into an empty file. Who first opens it to write makes it one that writes ahead
/// (WAL).
void write_schema(Database& database);

/// Opens a gallery. Fails with no_input, data or cannot_create; writes nothing before the file is
/// known to be a gallery of a format that this program reads.
std::unique_ptr<Database> open_gallery(const std::string& path, GalleryAccess access,
                                       double wait_seconds);

/// A text of `meta`.
std::optional<std::string> meta_text(Database& database, std::string_view key);
/// A whole number; fails with data where it is none or outside.
Index meta_number(Database& database, std::string_view key, Index low, Index high);
/// A finite number, where there is one.
std::optional<double> meta_real(Database& database, std::string_view key);
void set_meta(Database& database, std::string_view key, std::string_view text);
void remove_meta(Database& database, std::string_view key);

/// Fails with data: "PATH: WHAT".
[[noreturn]] void fail_gallery(const Database& database, const std::string& what);

}  // namespace kindred
