#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kindred/core/parallel.h"
#include "kindred/core/shape.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/data/pair_list.h"

namespace kindred {

/// How the images of a data set are stored.
struct ImageStorage {
  Shape shape = {};
  Index most_samples = 0;  ///< that may be appended
  Index run = 1;           ///< samples of a class that follow each other: chunks hold whole runs
  Index chunk = 0;         ///< samples a chunk; 0: whole runs, 64 KiB or more
  int gzip = 0;            ///< 0 to 12
  std::string preparation = {};  ///< how they were made of pictures (kindred/data/preparation.h)
  std::string source = {};       ///< where the images come from
};

/// A list of pairs to be kept: as /pairs, /same and /fold where `group` is empty, else in it.
struct KeptPairs {
  std::string group;
  PairList list;
};

/// What is written beside the images; columns left empty are left out.
struct ImageColumns {
  std::vector<std::int64_t> labels;
  std::vector<std::string> class_names;
  std::vector<std::uint8_t> split;
  std::vector<std::string> paths;
  std::vector<std::int64_t> groups;
  std::string group_name = "groups";
  std::vector<std::int32_t> episode;
  std::vector<std::uint8_t> role;
  std::vector<KeptPairs> pairs;
};

/// Writes all columns that are there.
void write_columns(Hdf5Writer& writer, const ImageColumns& columns);

/// Writes a data set of images (datasets/README.md) beside `path` and renames it into place in
/// finish(); destroyed before that, it leaves nothing behind. Images go to the file as they come:
/// equal images give equal bytes however they are cut into calls, for any number of workers.
/// Fails with cannot_create or io.
class ImageSetWriter {
 public:
  ImageSetWriter(const std::string& path, const ImageStorage& storage, const Workers& workers);
  ~ImageSetWriter();

  /// Whole samples, shape.size() bytes each.
  void append(std::span<const std::uint8_t> samples);
  /// Returns the file's size in bytes.
  Index finish(const ImageColumns& columns);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kindred
