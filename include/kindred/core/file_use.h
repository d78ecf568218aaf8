#pragma once
#include <memory>
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/file_kinds.h"

namespace KINDRED_API kindred {

struct OutputTarget;

/// Keeps outputs from other processes while it lives: each has a lock beside it ("out.h5.lock").
class OutputLocks {
 public:
  OutputLocks(OutputLocks&&) noexcept;
  OutputLocks& operator=(OutputLocks&&) noexcept;
  ~OutputLocks();

  /// Why a file system keeps nobody away from some output; "" where all do.
  const std::string& unsupported() const;

 private:
  friend class FileUse;
  struct Impl;
  explicit OutputLocks(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// What a piece of work is going to read and write, looked at before it begins: an output must not
/// cost an input, nor be found impossible after hours.
class FileUse {
 public:
  /// A file, a folder with all that is in it, or a group of a file ("FILE.h5:/group"). One that is
  /// missing is no fault here.
  void reads(const std::string& path);
  /// A file, made or replaced. Where there is one already it has to be empty or of `kind`, if such
  /// is named.
  void writes(const std::string& path, const FileKind* kind = nullptr);
  /// The same of one that lock() leaves to the work, which keeps others away by itself.
  void writes_locked(const std::string& path, const FileKind* kind = nullptr);
  /// The same of one that may lie in a folder that is read, too: it is no part of what is taken
  /// there.
  void writes_beside_inputs(const std::string& path, const FileKind* kind = nullptr);
  /// One that the work can do without: it costs no input, but whether it can be written is not
  /// asked, and lock() leaves it alone.
  void may_write(const std::string& path, const FileKind* kind = nullptr);
  /// A folder that is made where it is missing: files are written into it later.
  void makes(const std::string& folder);

  /// What another piece of the work does.
  void add(const FileUse& other);

  /// Fails with usage where a file would be written that is read, or written twice, under whatever
  /// names, or that this program's standard output goes to, or that is of another kind; with
  /// cannot_create where one cannot be written. Changes nothing that stays.
  void check() const;
  /// Keeps the outputs from other processes, but for those in folders that are made by the work.
  /// Fails with cannot_create where another process writes
  /// one: the message names it.
  OutputLocks lock() const;

 private:
  struct Output {
    std::string path;
    const FileKind* kind = nullptr;
    bool locked_by_work = false;
    bool beside_inputs = false;
    bool needed = true;
  };
  bool lies_in_what_is_made(const OutputTarget& target) const;

  std::vector<std::string> inputs_;
  std::vector<Output> outputs_;
  std::vector<std::string> folders_;
};

}  // namespace kindred
