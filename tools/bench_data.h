#pragma once
#include <string>

namespace kindred::tools {

/// A data set for measurements: the one that is named, or one of 964 classes of 20 random images
/// of 28x28 that is written to a temporary file and removed again.
class BenchData {
 public:
  explicit BenchData(const std::string& path);
  ~BenchData();
  BenchData(const BenchData&) = delete;
  BenchData& operator=(const BenchData&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::string temporary_folder_;
};

}  // namespace kindred::tools
