#pragma once
#include <pybind11/pybind11.h>
#include <sys/types.h>

#include <memory>
#include <mutex>
#include <string>

#include "kindred/data/dataset.h"

namespace kindred::python {

/// A data set in Python's hands, used by several trainings and threads at once.
class HeldDataset {
 public:
  /// Of a file: it is looked at, and read where samples are asked for; not held in memory.
  HeldDataset(std::string path, DatasetNames names);
  /// Of arrays.
  explicit HeldDataset(Dataset dataset);
  ~HeldDataset();

  /// The data set. In a process that was forked since it was opened a file is opened again: what
  /// reads it is a process of the other one's.
  const Dataset& get();
  /// A data set of its own for a training, on the same samples; of arrays only.
  std::unique_ptr<Dataset> for_training() const;
  bool is_file() const { return !path_.empty(); }
  const std::string& path() const { return path_; }  ///< absolute; "" of arrays
  const DatasetNames& names() const { return names_; }

 private:
  void open();

  std::string path_;
  DatasetNames names_;
  std::mutex mutex_;
  pid_t opened_by_ = 0;
  std::shared_ptr<Dataset> dataset_;
};

}  // namespace kindred::python
