#include "data/pictures/picture_making.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "core/files/sha256.h"
#include "data/image/image_prepare.h"
#include "data/image/image_region.h"
#include "kindred/core/error.h"
#include "kindred/core/function_ref.h"

namespace kindred {
namespace {

constexpr int kThumbnailQuality = 85;

std::string thumbnail_of(const Image& image, Index longest) {
  const double shrink = static_cast<double>(longest) /
                        static_cast<double>(std::max(image.shape.height, image.shape.width));
  if (shrink >= 1) return encode_jpeg(image, kThumbnailQuality);
  const auto side = [&](Index extent) {
    return std::max(Index{1}, static_cast<Index>(static_cast<double>(extent) * shrink + 0.5));
  };
  return encode_jpeg(resize(image, side(image.shape.height), side(image.shape.width)),
                     kThumbnailQuality);
}

Picture picture_of(const PictureWishes& wishes, Image image, const std::string& where,
                   const PictureRegion& region) {
  if (!region.empty()) image = cut_out(image, region, where);
  Picture picture;
  picture.height = image.shape.height;
  picture.width = image.shape.width;
  if (wishes.thumbnail > 0) picture.thumbnail = thumbnail_of(image, wishes.thumbnail);
  picture.sample = prepared(std::move(image), wishes.preparation, wishes.shape).pixels;
  return picture;
}

Picture failed(std::string error) {
  Picture picture;
  picture.error = std::move(error);
  return picture;
}

// What takes too much memory does so again: what fails once alone was not the picture.
Picture or_reason(const std::string& where, FunctionRef<Picture()> make) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    try {
      return make();
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::internal || error.kind() == ErrorKind::system) throw;
      return failed(error.what());
    } catch (const std::bad_alloc&) {
    }
  }
  return failed(where + ": takes too much memory to read");
}

}  // namespace

void check_wishes(const PictureWishes& wishes) {
  const Shape& shape = wishes.shape;
  const bool picture = shape.channels == 1 || shape.channels == 3;
  constexpr Index kMost = 4096;
  if (picture && shape.height >= 1 && shape.width >= 1 && shape.height <= kMost &&
      shape.width <= kMost) {
    return;
  }
  fail(ErrorKind::data,
       fmt::format("pictures cannot become samples of {} x {} x {} (height, width, channels); they "
                   "have 1 or 3 channels and at most {} x {} pixels",
                   shape.height, shape.width, shape.channels, kMost, kMost));
}

Picture make_picture(const PictureWishes* wishes, std::vector<std::byte> file, std::string where,
                     PictureRegion region) {
  return or_reason(where, [&] {
    const int bits = wishes->preparation.bits;
    Picture picture = picture_of(*wishes, decode_image(file, where, bits), where, region);
    if (wishes->digest) picture.digest = sha256(file);
    return picture;
  });
}

Picture make_picture_of(const PictureWishes* wishes, const ImportImages* images, Index place,
                        std::vector<std::byte> file, PictureRegion region) {
  const std::string where = images->where(place);
  return or_reason(where, [&] {
    const std::vector<std::byte> bytes = file.empty() ? images->file(place) : std::move(file);
    Image image = images->decode(place, bytes, wishes->preparation.bits);
    const std::string digest = !wishes->digest
                                   ? ""
                                   : sha256(bytes.empty() ? std::as_bytes(std::span(image.pixels))
                                                          : std::span<const std::byte>(bytes));
    Picture picture = picture_of(*wishes, std::move(image), where, region);
    picture.digest = digest;
    return picture;
  });
}

}  // namespace kindred
