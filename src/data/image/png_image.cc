#include <fmt/format.h>
#include <png.h>

#include <new>
#include <string_view>

#include "data/image/image.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

/// libpng's state, freed at the end whatever happens.
struct PngState {
  png_image state{};
  PngState() { state.version = PNG_IMAGE_VERSION; }
  ~PngState() { png_image_free(&state); }
  PngState(const PngState&) = delete;
  PngState& operator=(const PngState&) = delete;
};

}  // namespace

Image decode_png(std::span<const std::byte> bytes, Index channels, const std::string& where) {
  PngState reader;
  png_image& state = reader.state;
  if (png_image_begin_read_from_memory(&state, bytes.data(), bytes.size()) == 0) {
    fail(ErrorKind::data,
         fmt::format("{}: is not a PNG that can be read: {}", where, state.message));
  }
  const auto width = static_cast<Index>(state.width);
  const auto height = static_cast<Index>(state.height);
  check_image_size(height, width, where);
  state.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;  // 16 bits a channel mean what 8 bits do
  if (channels == 0) channels = (state.format & PNG_FORMAT_FLAG_COLOR) != 0 ? 3 : 1;
  state.format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  Image image{{.channels = channels, .height = height, .width = width}, {}};
  image.pixels.resize(static_cast<std::size_t>(image.shape.size()));
  const png_color white{255, 255, 255};
  if (png_image_finish_read(&state, &white, image.pixels.data(), 0, nullptr) == 0) {
    fail(ErrorKind::data, fmt::format("{}: PNG is damaged: {}", where, state.message));
  }
  return image;
}

std::string encode_png(const Image& image) {
  PngState writer;
  png_image& state = writer.state;
  state.width = static_cast<png_uint_32>(image.shape.width);
  state.height = static_cast<png_uint_32>(image.shape.height);
  state.format = image.shape.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  std::string bytes(PNG_IMAGE_PNG_SIZE_MAX(state), '\0');
  png_alloc_size_t size = bytes.size();
  if (png_image_write_to_memory(&state, bytes.data(), &size, 0, image.pixels.data(), 0, nullptr) ==
      0) {
    if (std::string_view(state.message).find("memory") != std::string_view::npos) {
      throw std::bad_alloc();
    }
    fail(ErrorKind::internal, fmt::format("a PNG of {} x {} pixels could not be made: {}",
                                          image.shape.width, image.shape.height, state.message));
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace kindred
