#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/shape.h"
#include "kindred/data/picture_region.h"
#include "kindred/data/preparation.h"

namespace KINDRED_API kindred {

/// What is wanted of pictures.
struct PictureWishes {
  Preparation preparation = {};
  Shape shape = {};     ///< of the samples that they become: 1 or 3 channels
  Index thumbnail = 0;  ///< pixels along its longer side; 0: none
  bool digest = false;  ///< of the file's bytes
  double seconds = 60;  ///< that one picture may take
};

/// A picture as a network sees it, or the reason why there is none.
struct Picture {
  std::string error;                 ///< empty where all is well; the rest is empty otherwise
  std::vector<std::uint8_t> sample;  ///< [height, width, channels] of the wishes' shape
  Index height = 0;                  ///< of the upright picture, in pixels
  Index width = 0;
  std::string thumbnail;  ///< a JPEG file of pixels alone: it holds nothing of the file's EXIF
  std::string digest;     ///< SHA-256 of the file's bytes, in 64 hexadecimal digits

  auto fields() { return std::tie(error, sample, height, width, thumbnail, digest); }
};

/// Makes samples of image files, which others wrote: each is decoded in a child process with limits
/// of memory and time. One that crashes or hangs its decoder costs no more than itself.
/// Thread-safe: as many calls decode at a time as there are processes, others wait.
class PictureDecoder {
 public:
  /// Fails with system where no process can be started, with data where the shape is none of a
  /// picture.
  PictureDecoder(const PictureWishes& wishes, int processes);
  ~PictureDecoder();

  /// `where` names the picture in messages. Never fails by what the file holds: that is told by
  /// Picture::error.
  Picture decode(const std::vector<std::byte>& file, const std::string& where,
                 const PictureRegion& region = {});

 private:
  friend class PictureList;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kindred
