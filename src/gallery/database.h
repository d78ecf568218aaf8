#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kindred/core/error.h"
#include "kindred/core/index.h"

struct sqlite3;
struct sqlite3_stmt;

namespace kindred {

/// An SQLite file that others may have written: nothing in it is run, only read. This and
/// database.cc are the one place of SQLite.
class Database {
 public:
  enum class Mode {
    write,
    read,
    /// Without locks, and without what waits in the WAL: for what never changes.
    untouched,
    /// As write, of one that has no name yet: nobody can have moved it.
    unnamed,
  };
  /// Fails with what fail() says; nothing is written.
  Database(std::string path, Mode mode, double wait_seconds);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  /// The file's first bytes, as they are: pages may lag behind what waits in the WAL, and are asked
  /// nothing. Neither locks nor files are made. By SQLite, as closing a file gives up the locks
  /// that this process has on it elsewhere: it knows them, and keeps such a file open.
  static std::string beginning(const std::string& path, std::size_t size);

  const std::string& path() const { return path_; }
  /// Where it is, with links followed, and the files that SQLite may make beside it.
  std::string resolved() const;
  static std::vector<std::string> beside(const std::string& resolved);
  bool writable() const;
  /// Another file is at its path now, or none: what is written is found by nobody.
  bool is_moved() const;
  /// Fails with io where it is.
  void check_place() const;
  /// Runs statements that give no rows, or whose rows are no matter.
  void run(const char* sql);
  /// The first column of the first row; 0 where there is none.
  std::int64_t number(const char* sql);
  /// How many rows the last statement changed.
  Index changed() const;
  Index last_id() const;
  /// Throws the Error that the result code of a call stands for.
  [[noreturn]] void fail_with(int code) const;

 private:
  friend class Statement;
  void set_up(double wait_seconds);

  std::string path_;
  bool has_name_ = true;
  sqlite3* handle_ = nullptr;
};

/// A prepared statement. Columns are read by number from 0, parameters bound from 1; what is bound
/// has to stay until the next reset().
class Statement {
 public:
  Statement(Database& database, std::string_view sql);
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  Statement& bind(int parameter, std::int64_t value);
  Statement& bind(int parameter, std::string_view text);
  Statement& bind_bytes(int parameter, std::span<const std::byte> bytes);
  Statement& bind_null(int parameter);
  /// True where there is a row; false at the end, after which the statement is ready to be bound
  /// anew.
  bool step();
  /// Runs it to the end.
  void run();
  void reset();

  std::int64_t integer(int column) const;
  bool is_null(int column) const;
  std::string text(int column) const;
  std::span<const std::byte> bytes(int column) const;

 private:
  void check(int code);

  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
};

/// BEGIN to commit(); rolled back where that is not reached.
class Transaction {
 public:
  /// A reading one sees one state of the file throughout; a writing one keeps other writers out.
  enum class Kind { reads, writes };
  Transaction(Database& database, Kind kind);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  /// Fails with io where it writes, and the file is not at its path any more.
  void commit();

 private:
  Database& database_;
  Kind kind_;
  bool open_ = true;
};

}  // namespace kindred
