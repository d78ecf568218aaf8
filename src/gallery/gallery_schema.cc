#include "gallery/gallery_schema.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <map>

#include "core/files/fail_io.h"

namespace kindred {
namespace {

constexpr std::size_t kHeader = 100;  // bytes of SQLite's file header
constexpr std::size_t kFormatAt = 60;
constexpr std::size_t kApplicationAt = 68;
constexpr std::string_view kMagic{"SQLite format 3\0", 16};

struct Table {
  const char* name;
  const char* sql;
};
// Texts and numbers are what their columns say (STRICT). Ids
// of pictures are never given twice: what was removed is not mistaken for what came later.
constexpr Table kTables[] = {
    {"embeddings",
     "CREATE TABLE embeddings (picture INTEGER PRIMARY KEY, vector BLOB NOT NULL) STRICT"},
    {"identities",
     "CREATE TABLE identities (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT"},
    {"meta", "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID"},
    {"model", "CREATE TABLE model (part INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT"},
    {"pictures",
     "CREATE TABLE pictures (id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL, digest TEXT "
     "NOT NULL UNIQUE, height INTEGER NOT NULL, width INTEGER NOT NULL, identity INTEGER) STRICT"},
    {"pictures_of_identity", "CREATE INDEX pictures_of_identity ON pictures (identity)"},
    {"pictures_of_path", "CREATE INDEX pictures_of_path ON pictures (path)"},
    {"thumbnails",
     "CREATE TABLE thumbnails (picture INTEGER PRIMARY KEY, jpeg BLOB NOT NULL) STRICT"},
};

[[noreturn]] void fail_format(const std::string& path, std::int64_t format) {
  if (format > kGalleryFormat) {
    fail(ErrorKind::data,
         fmt::format("{}: is a gallery of format {}, of a newer Kindred; this one reads format {}: "
                     "update it",
                     path, format, kGalleryFormat));
  }
  fail(ErrorKind::data,
       fmt::format("{}: is a gallery of format {}, expected {}", path, format, kGalleryFormat));
}

/// Without opening it: a pipe would wait, and closing a file gives up the locks that this process
/// has on it elsewhere. SQLite knows, and keeps such files open.
void check_regular(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    fail(
        kind_of_failure(errno, ErrorKind::no_input),
        fmt::format("{}: {}; `kindred gallery new` makes a gallery", path, text_of_failure(errno)));
  }
  if (S_ISDIR(status.st_mode)) {
    fail(ErrorKind::data, fmt::format("{}: is a folder, not a gallery", path));
  }
  if (!S_ISREG(status.st_mode)) {
    fail(ErrorKind::data, fmt::format("{}: is no regular file, so no gallery", path));
  }
  if (status.st_size == 0) {
    fail(ErrorKind::data,
         fmt::format("{}: is empty; `kindred gallery new` makes a gallery of it", path));
  }
}

/// Big-endian, as SQLite's file header has them.
std::int64_t number_at(const std::string& bytes, std::size_t at) {
  std::int64_t number = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    number = number << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return number;
}

void check_identity(const std::string& path) {
  // Locks and a WAL are made for what is opened with them: for nobody else's file.
  const std::string begin = Database::beginning(path, kHeader);
  if (!begin.starts_with(kMagic)) {
    fail(ErrorKind::data, fmt::format("{}: is no gallery: it is no SQLite file", path));
  }
  if (number_at(begin, kApplicationAt) != kGalleryApplication) {
    fail(ErrorKind::data,
         fmt::format("{}: is no gallery: it is an SQLite file of another program", path));
  }
  const std::int64_t format = number_at(begin, kFormatAt);
  if (format != kGalleryFormat) fail_format(path, format);
}

/// Its tables are ours, word for word: no views, no triggers, no columns that compute.
void check_schema(Database& database) {
  Statement statement(database,
                      "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite!_%' "
                      "ESCAPE '!'");
  std::map<std::string, std::string> found;
  while (statement.step()) found[statement.text(0)] = statement.text(1);
  for (const Table& table : kTables) {
    const auto entry = found.find(table.name);
    if (entry == found.end()) fail_gallery(database, fmt::format("has no '{}'", table.name));
    if (entry->second != table.sql) {
      fail_gallery(database, fmt::format("its '{}' is not as a gallery has it", table.name));
    }
    found.erase(entry);
  }
  if (found.empty()) return;
  fail_gallery(database, fmt::format("has '{}', which no gallery has", found.begin()->first));
}

bool has_wal(const std::string& path) {
  struct stat status {};
  return ::stat((path + "-wal").c_str(), &status) == 0 && status.st_size > 0;
}

std::unique_ptr<Database> open_to_read(const std::string& path, double wait_seconds) {
  try {
    auto database = std::make_unique<Database>(path, Database::Mode::read, wait_seconds);
    database->number("SELECT count(*) FROM sqlite_schema");  // makes what is shared with others
    return database;
  } catch (const Error& error) {
    // In a folder that may not be written nothing can be shared. What lies there whole is read as
    // it is.
    const bool refused =
        error.kind() == ErrorKind::no_input || error.kind() == ErrorKind::cannot_create;
    if (!refused || has_wal(path)) throw;
  }
  return std::make_unique<Database>(path, Database::Mode::untouched, wait_seconds);
}

}  // namespace

bool begins_as_gallery(const std::string& begin) {
  return begin.size() >= kHeader && begin.starts_with(kMagic) &&
         number_at(begin, kApplicationAt) == kGalleryApplication;
}

void fail_gallery(const Database& database, const std::string& what) {
  fail(ErrorKind::data,
       fmt::format("{}: {}; it is no gallery of Kindred's, or damaged", database.path(), what));
}

void write_schema(Database& database) {
  database.run("PRAGMA page_size = 8192");
  // Nothing beside the file: it has no name yet, and nobody would remove what a kill leaves.
  database.run("PRAGMA journal_mode = MEMORY");
  Transaction transaction(database, Transaction::Kind::writes);
  database.run(fmt::format("PRAGMA application_id = {}", kGalleryApplication).c_str());
  database.run(fmt::format("PRAGMA user_version = {}", kGalleryFormat).c_str());
  for (const Table& table : kTables) database.run(table.sql);
  transaction.commit();
}

std::unique_ptr<Database> open_gallery(const std::string& path, GalleryAccess access,
                                       double wait_seconds) {
  check_regular(path);
  check_identity(path);
  std::unique_ptr<Database> database =
      access == GalleryAccess::read
          ? open_to_read(path, wait_seconds)
          : std::make_unique<Database>(path, Database::Mode::write, wait_seconds);
  if (access == GalleryAccess::write) {
    if (!database->writable()) {
      fail(ErrorKind::cannot_create, fmt::format("{}: is write-protected", path));
    }
    database->run("PRAGMA journal_mode = WAL");
  }
  Transaction transaction(*database, Transaction::Kind::reads);
  check_schema(*database);
  transaction.commit();
  return database;
}

std::optional<std::string> meta_text(Database& database, std::string_view key) {
  Statement statement(database, "SELECT value FROM meta WHERE key = ?");
  statement.bind(1, key);
  if (!statement.step()) return std::nullopt;
  return statement.text(0);
}

Index meta_number(Database& database, std::string_view key, Index low, Index high) {
  const std::string text = meta_text(database, key).value_or("");
  Index value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size() || value < low || value > high) {
    fail_gallery(database, fmt::format("its {} is '{}'; expected {} to {}", key, text, low, high));
  }
  return value;
}

std::optional<double> meta_real(Database& database, std::string_view key) {
  const std::optional<std::string> text = meta_text(database, key);
  if (!text) return std::nullopt;
  double value = 0;
  const char* const last = text->data() + text->size();
  const auto [end, fault] = std::from_chars(text->data(), last, value);
  if (fault != std::errc() || end != last || !std::isfinite(value)) {
    fail_gallery(database, fmt::format("its {} is '{}', which is no number", key, *text));
  }
  return value;
}

void set_meta(Database& database, std::string_view key, std::string_view text) {
  Statement(database, "INSERT OR REPLACE INTO meta VALUES (?, ?)").bind(1, key).bind(2, text).run();
}

void remove_meta(Database& database, std::string_view key) {
  Statement(database, "DELETE FROM meta WHERE key = ?").bind(1, key).run();
}

}  // namespace kindred
