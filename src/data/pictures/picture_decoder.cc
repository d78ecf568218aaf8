#include "kindred/data/picture_decoder.h"

#include <algorithm>

#include "data/pictures/picture_making.h"
#include "data/pictures/picture_processes.h"

namespace kindred {

struct KINDRED_HIDDEN PictureDecoder::Impl {
  Impl(const PictureWishes& wishes, int count) : processes(wishes, count) {}

  PictureProcesses processes;
};

PictureDecoder::PictureDecoder(const PictureWishes& wishes, int processes) {
  check_wishes(wishes);
  impl_ = std::make_unique<Impl>(wishes, std::max(1, processes));
}

PictureDecoder::~PictureDecoder() = default;

Picture PictureDecoder::decode(const std::vector<std::byte>& file, const std::string& where,
                               const PictureRegion& region) {
  return impl_->processes.call(where, make_picture, file, where, region);
}

}  // namespace kindred
