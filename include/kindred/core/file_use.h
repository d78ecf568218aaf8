#pragma once
#include <string>
#include <vector>

#include "kindred/core/export.h"

namespace KINDRED_API kindred {

/// What a piece of work is going to read and write, looked at before it begins: an output must not
/// cost an input, nor be found impossible after hours.
class FileUse {
 public:
  /// A file, a folder with all that is in it, or a group of a file ("FILE.h5:/group"). One that is
  /// missing is no fault here.
  void reads(const std::string& path);
  /// A file, made or replaced.
  void writes(const std::string& path);
  /// The same of one that may lie in a folder that is read: it is no part of what is taken there.
  void writes_beside_inputs(const std::string& path);
  /// One that the work can do without: it costs no input, but whether it can be written is not
  /// asked.
  void may_write(const std::string& path);
  /// A folder that is made where it is missing: files are written into it later.
  void makes(const std::string& folder);

  /// What another piece of the work does.
  void add(const FileUse& other);

  /// Fails with usage where a file would be written that is read, or written twice, under whatever
  /// names, or that this program's standard output goes to; with cannot_create where one cannot be
  /// written. Changes nothing that stays.
  void check() const;

 private:
  struct Output {
    std::string path;
    bool beside_inputs = false;
    bool needed = true;
  };
  bool will_be_made(const std::string& folder) const;

  std::vector<std::string> inputs_;
  std::vector<Output> outputs_;
  std::vector<std::string> folders_;
};

}  // namespace kindred
