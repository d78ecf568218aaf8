#include "gallery/database.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cmath>
#include <new>

#include "core/files/fail_io.h"

namespace kindred {
namespace {

// What no gallery comes near: a text or blob, the words of a statement, columns, attached files
// (VACUUM takes one).
struct Limit {
  int of;
  int most;
};
constexpr Limit kLimits[] = {
    {SQLITE_LIMIT_LENGTH, 1 << 26},
    {SQLITE_LIMIT_SQL_LENGTH, 1 << 14},
    {SQLITE_LIMIT_COLUMN, 32},
    {SQLITE_LIMIT_EXPR_DEPTH, 32},
    {SQLITE_LIMIT_COMPOUND_SELECT, 4},
    {SQLITE_LIMIT_VDBE_OP, 1 << 16},
    {SQLITE_LIMIT_FUNCTION_ARG, 8},
    {SQLITE_LIMIT_ATTACHED, 1},
    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 100},
    {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
    {SQLITE_LIMIT_WORKER_THREADS, 0},
};

constexpr int kOpenFlags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;

/// The path as a URI, which only such takes options.
std::string uri_of(const std::string& path) {
  std::string uri = "file:";
  if (!path.starts_with('/')) uri += "./";
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '/' || c == '.' || c == '_' || c == '-';
    uri += plain ? std::string(1, c) : fmt::format("%{:02x}", static_cast<unsigned char>(c));
  }
  return uri;
}

/// Throws the Error that a result code stands for.
[[noreturn]] void fail_by(const std::string& path, sqlite3* handle, int code) {
  const int reason = handle != nullptr ? sqlite3_system_errno(handle) : 0;
  const std::string words =
      reason != 0 ? text_of_failure(reason) : std::string(sqlite3_errstr(code));
  switch (code & 0xff) {
    case SQLITE_NOMEM: throw std::bad_alloc();
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      fail(ErrorKind::cannot_create,
           fmt::format("{}: another process keeps it locked; try again when that is done", path));
    case SQLITE_READONLY:
      fail(ErrorKind::cannot_create,
           fmt::format("{}: may not be written: the file or its folder is write-protected", path));
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      fail(kind_of_failure(reason, ErrorKind::no_input),
           fmt::format("{}: cannot be opened: {}", path, words));
    case SQLITE_FULL:
      fail(ErrorKind::io, fmt::format("{}: writing failed: the disk is full; nothing of this step "
                                      "was kept",
                                      path));
    case SQLITE_IOERR:
      fail(kind_of_failure(reason, ErrorKind::io),
           fmt::format("{}: reading or writing failed: {}", path, words));
    case SQLITE_NOTADB:
      fail(ErrorKind::data, fmt::format("{}: is no gallery: it is no SQLite file", path));
    case SQLITE_CORRUPT:
    case SQLITE_FORMAT:
    case SQLITE_TOOBIG:
    case SQLITE_SCHEMA:
      fail(ErrorKind::data,
           fmt::format("{}: is damaged: {}; `sqlite3 FILE .recover` may save what is left of it",
                       path, words));
    default:
      fail(ErrorKind::internal,
           fmt::format("{}: SQLite: {} ({})", path,
                       handle != nullptr ? sqlite3_errmsg(handle) : words, code));
  }
}

}  // namespace

std::string Database::beginning(const std::string& path, std::size_t size) {
  sqlite3* handle = nullptr;
  const int opened = sqlite3_open_v2((uri_of(path) + "?immutable=1").c_str(), &handle,
                                     SQLITE_OPEN_READONLY | kOpenFlags, nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> closing(handle, &sqlite3_close);
  if (opened != SQLITE_OK) fail_by(path, handle, opened);
  sqlite3_file* file = nullptr;
  sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  std::string bytes(size, '\0');
  const int read = file->pMethods->xRead(file, bytes.data(), static_cast<int>(size), 0);
  if (read == SQLITE_IOERR_SHORT_READ) return bytes;  // zeros behind its end
  if (read != SQLITE_OK) fail_by(path, handle, read);
  return bytes;
}

Database::Database(std::string path, Mode mode, double wait_seconds)
    : path_(std::move(path)), has_name_(mode != Mode::unnamed) {
  const std::string uri = uri_of(path_);
  const int access = mode == Mode::untouched ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  const int code = sqlite3_open_v2((uri + (mode == Mode::untouched ? "?immutable=1" : "")).c_str(),
                                   &handle_, access | kOpenFlags, nullptr);
  try {
    if (code != SQLITE_OK) fail_with(code);
    set_up(wait_seconds);
    if (mode == Mode::read) run("PRAGMA query_only = ON");
  } catch (...) {
    sqlite3_close(handle_);
    throw;
  }
}

Database::~Database() { sqlite3_close(handle_); }

void Database::set_up(double wait_seconds) {
  sqlite3_busy_timeout(handle_, static_cast<int>(std::lround(1000 * std::min(wait_seconds, 1e6))));
  for (const Limit& limit : kLimits) sqlite3_limit(handle_, limit.of, limit.most);
  for (const int off : {SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_VIEW,
                        SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, SQLITE_DBCONFIG_TRUSTED_SCHEMA,
                        SQLITE_DBCONFIG_DQS_DDL, SQLITE_DBCONFIG_DQS_DML}) {
    sqlite3_db_config(handle_, off, 0, nullptr);
  }
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  run("PRAGMA cell_size_check = ON");
  run("PRAGMA secure_delete = ON");
  run("PRAGMA synchronous = FULL");
}

std::string Database::resolved() const { return sqlite3_db_filename(handle_, "main"); }

std::vector<std::string> Database::beside(const std::string& resolved) {
  return {resolved + "-wal", resolved + "-shm", resolved + "-journal"};
}

bool Database::is_moved() const {
  int moved = 0;
  const int code = sqlite3_file_control(handle_, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return has_name_ && code == SQLITE_OK && moved != 0;
}

void Database::check_place() const {
  if (!is_moved()) return;
  fail(
      ErrorKind::io,
      fmt::format("{}: was moved, removed or replaced while it was in use, so nothing of this step "
                  "was kept; {}-wal may hold what was added last: put the gallery back beside it",
                  path_, resolved()));
}

bool Database::writable() const { return sqlite3_db_readonly(handle_, "main") == 0; }

void Database::run(const char* sql) {
  Statement statement(*this, sql);
  while (statement.step()) {
  }
}

std::int64_t Database::number(const char* sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.integer(0) : 0;
}

Index Database::changed() const { return sqlite3_changes64(handle_); }
Index Database::last_id() const { return sqlite3_last_insert_rowid(handle_); }

void Database::fail_with(int code) const { fail_by(path_, handle_, code); }

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
  check(sqlite3_prepare_v3(database.handle_, sql.data(), static_cast<int>(sql.size()), 0,
                           &statement_, nullptr));
}

Statement::~Statement() { sqlite3_finalize(statement_); }

void Statement::check(int code) {
  if (code != SQLITE_OK) database_.fail_with(code);
}

Statement& Statement::bind(int parameter, std::int64_t value) {
  check(sqlite3_bind_int64(statement_, parameter, value));
  return *this;
}

Statement& Statement::bind(int parameter, std::string_view text) {
  // A null pointer would be NULL, not an empty text.
  check(sqlite3_bind_text64(statement_, parameter, text.empty() ? "" : text.data(), text.size(),
                            SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind_bytes(int parameter, std::span<const std::byte> bytes) {
  check(sqlite3_bind_blob64(statement_, parameter,
                            bytes.empty() ? "" : static_cast<const void*>(bytes.data()),
                            bytes.size(), SQLITE_STATIC));
  return *this;
}

Statement& Statement::bind_null(int parameter) {
  check(sqlite3_bind_null(statement_, parameter));
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) database_.fail_with(code);
  reset();
  return false;
}

void Statement::run() {
  while (step()) {
  }
}

void Statement::reset() { sqlite3_reset(statement_); }

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::string Statement::text(int column) const {
  const auto* const text = sqlite3_column_text(statement_, column);
  if (text == nullptr) return "";
  return {reinterpret_cast<const char*>(text),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::span<const std::byte> Statement::bytes(int column) const {
  const void* const blob = sqlite3_column_blob(statement_, column);
  if (blob == nullptr) return {};
  return {static_cast<const std::byte*>(blob),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Transaction::Transaction(Database& database, Kind kind) : database_(database), kind_(kind) {
  database.run(kind == Kind::writes ? "BEGIN IMMEDIATE" : "BEGIN");
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.run("ROLLBACK");
  } catch (...) {  // SQLite has rolled back by itself, as it does where the disk is full
  }
}

void Transaction::commit() {
  if (kind_ == Kind::writes) database_.check_place();
  database_.run("COMMIT");
  open_ = false;
}

}  // namespace kindred
