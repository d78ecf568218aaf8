#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "kindred/core/error.h"
#include "kindred/core/export.h"
#include "kindred/core/index.h"

namespace KINDRED_API kindred {

/// A signal came while somebody was awaited who would read a pipe: nothing was written into it.
class Interrupted : public Error {
 public:
  using Error::Error;
};

/// A file that is written as a whole. It is written beside `path`, under a name that nobody has,
/// and takes the place of `path` in commit(); destroyed before that, it leaves nothing and `path`
/// is as it was. Where `path` is a symbolic link, the file that it leads to is replaced. Replaced
/// files keep their rights. Devices, pipes, and what this process's standard output already goes
/// to are written into, and never replaced; opening a pipe that nobody reads waits, and fails with
/// Interrupted where a signal comes meanwhile.
class OutputFile {
 public:
  /// Fails with cannot_create where `path` cannot be written: its folder is missing, it is a
  /// folder, or rights are.
  explicit OutputFile(const std::string& path);
  OutputFile(OutputFile&&) noexcept;
  OutputFile& operator=(OutputFile&&) noexcept;
  ~OutputFile();

  const std::string& path() const;  ///< as given
  /// The regular file that is being written, for who writes by name or by descriptor and checks
  /// what was written: beside `path`, or among temporary files where that is written into.
  const std::string& beside();
  int descriptor();

  /// Appends. Fails with io.
  void write(std::span<const std::byte> bytes);

  /// For a beginning that is known at the end alone: leaves room for it before the first write(),
  /// and fills it in before commit(). Fail with io. REQUIRES: equally many bytes.
  void leave_out(Index bytes);
  void fill_in(std::span<const std::byte> bytes);

  /// Reads back what write() wrote and compares, syncs, closes, puts in place, and syncs the
  /// folder: after a crash `path` is either the old file or the whole new one. Fails with io; every
  /// result on the way counts. Returns the bytes of the file. Nothing may be written afterwards.
  Index commit();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// True where `path` is written into, as devices and pipes are: what is written cannot be read
/// again. Fails with cannot_create where it leads nowhere.
bool is_written_into(const std::string& path);

/// True where what is written into `path` goes to this process's standard output: results that are
/// printed would stand in the file. Fails with cannot_create where it leads nowhere.
bool is_standard_output(const std::string& path);

}  // namespace kindred
