#include <fmt/format.h>
#include <turbojpeg.h>

#include <memory>
#include <string_view>

#include "data/image/image.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr std::ptrdiff_t kMostScans = 100;  // progressive files have about ten

struct Free {
  void operator()(void* handle) const { tjDestroy(handle); }
};

// What libjpeg-turbo only warns of and everybody shows without loss.
bool harmless(std::string_view warning) {
  return warning.find("extraneous bytes") != warning.npos ||
         warning.find("Unknown Adobe color transform") != warning.npos;
}

// Each scan is a pass over all pixels, and need not have more than a few bytes. In packed data FF
// is never followed by DA; small images inside of the file may have some more.
std::ptrdiff_t scans_in(std::span<const std::byte> bytes) {
  std::ptrdiff_t scans = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    if (bytes[i] == std::byte{0xFF} && bytes[i + 1] == std::byte{0xDA}) ++scans;
  }
  return scans;
}

}  // namespace

Image decode_jpeg(std::span<const std::byte> bytes, const std::string& where) {
  const std::unique_ptr<void, Free> decoder(tjInitDecompress());
  if (!decoder) fail(ErrorKind::internal, "libjpeg-turbo could not be started");
  const auto* const data = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto size = static_cast<unsigned long>(bytes.size());
  int width = 0;
  int height = 0;
  int sampling = 0;
  int space = 0;
  if (tjDecompressHeader3(decoder.get(), data, size, &width, &height, &sampling, &space) != 0 &&
      (tjGetErrorCode(decoder.get()) != TJERR_WARNING || width == 0)) {
    fail(ErrorKind::data, fmt::format("{}: is not a JPEG that can be read: {}", where,
                                      tjGetErrorStr2(decoder.get())));
  }
  check_image_size(height, width, where);
  if (space == TJCS_CMYK || space == TJCS_YCCK) {
    fail(ErrorKind::data, fmt::format("{}: is a JPEG for printing (CMYK); convert it to RGB or "
                                      "grey",
                                      where));
  }
  if (scans_in(bytes) > kMostScans) {
    fail(ErrorKind::data,
         fmt::format("{}: has more than {} scans; it is taken for a bomb", where, kMostScans));
  }
  const bool grey = space == TJCS_GRAY;
  Image image{{.channels = grey ? 1 : 3, .height = height, .width = width}, {}};
  image.pixels.resize(static_cast<std::size_t>(image.shape.size()));
  if (tjDecompress2(decoder.get(), data, size, image.pixels.data(), width, 0, height,
                    grey ? TJPF_GRAY : TJPF_RGB, TJFLAG_ACCURATEDCT) != 0) {
    const char* reason = tjGetErrorStr2(decoder.get());
    if (tjGetErrorCode(decoder.get()) != TJERR_WARNING || !harmless(reason)) {
      fail(ErrorKind::data, fmt::format("{}: JPEG is damaged: {}", where, reason));
    }
  }
  return image;
}

}  // namespace kindred
