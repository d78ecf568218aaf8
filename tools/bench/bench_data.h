#pragma once
#include <string>

#include "kindred/core/shape.h"

namespace kindred::tools {

/// A data set for measurements: the one that is named, or one of 964 classes of 4 to 20 random
/// images of `shape` that is written to a temporary file and removed again.
class BenchData {
 public:
  BenchData(const std::string& path, const Shape& shape);
  ~BenchData();
  BenchData(const BenchData&) = delete;
  BenchData& operator=(const BenchData&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::string temporary_folder_;
};

}  // namespace kindred::tools
