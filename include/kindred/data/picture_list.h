#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/function_ref.h"
#include "kindred/core/parallel.h"
#include "kindred/data/picture_decoder.h"
#include "kindred/data/sample_kinds.h"
#include "kindred/data/work_observer.h"

namespace KINDRED_API kindred {

class PictureRegions;

/// Pictures wherever they lie: image files, folders (with or without class folders), archives,
/// lists, and whatever else `kindred import` reads. Nothing is decoded before read().
///
/// Classes and splits are what an import would make of the same sources, in the same order. Sources
/// that no format of import knows are pictures without classes; pictures beside class folders have
/// none, and come last.
class PictureList {
 public:
  /// Fails with no_input or data where there is no picture at all.
  explicit PictureList(std::span<const std::string> sources);
  PictureList(PictureList&&) noexcept;
  ~PictureList();

  Index size() const;
  /// As data sets have it in /paths; a picture that was named itself as it was named. Unique.
  const std::string& path(Index picture) const;
  /// The file as the caller can find it: "photos/anna/1.jpg", "faces.zip: anna/1.jpg".
  std::string where(Index picture) const;
  /// "" of pictures without one.
  std::string class_name(Index picture) const;
  /// True where each picture has a class.
  bool has_classes() const;
  /// Files that are no pictures, with the reason.
  const std::vector<std::string>& left_out() const;
  /// The same counted by reasons, for people; "" where there are none.
  std::string left_out_text() const;
  /// What was guessed, for people.
  const std::vector<std::string>& notes() const;

  /// What is known of some pictures, as an import writes it: labels only where all have classes.
  SampleColumns columns(std::span<const Index> pictures) const;

  /// From now on pictures are what their regions hold. One that has no line in the list becomes an
  /// error at read().
  void set_regions(PictureRegions& regions);

  /// Pictures that were read, in no order: `picture[i]` became `read[i]`.
  struct Block {
    std::vector<Index> pictures;
    std::vector<Picture> read;
  };
  /// Pictures [begin, end) of the list.
  struct Run {
    Index begin = 0;
    Index end = 0;
  };
  /// Decodes pictures on as many processes as `workers` has threads. `take` is called on this
  /// thread, block by block, while the next block is decoded. Ends early, with false, where the
  /// observer asks to stop. Fails with data, io or system as the sources do, and as `take` does.
  bool read(const PictureWishes& wishes, const Workers& workers, Run run,
            FunctionRef<void(Block&)> take, WorkObserver* observer = nullptr) const;
  /// All of them.
  bool read(const PictureWishes& wishes, const Workers& workers, FunctionRef<void(Block&)> take,
            WorkObserver* observer = nullptr) const {
    return read(wishes, workers, {0, size()}, take, observer);
  }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kindred
