#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>
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

// Pixels with alpha behind each become pixels without, mixed as bytes: not as libpng would mix
// light, but as WebP's are, and as other programs do.
void put_on_white(Image& image) {
  const auto channels = static_cast<std::size_t>(image.shape.channels);
  std::size_t to = 0;
  for (std::size_t from = 0; from < image.pixels.size(); from += channels + 1) {
    const unsigned alpha = image.pixels[from + channels];
    for (std::size_t c = 0; c < channels; ++c) {
      image.pixels[to++] = on_white(image.pixels[from + c], alpha);
    }
  }
  image.pixels.resize(to);
}

/// libpng's older interface, which gives 16 bits as they are; what longjmp() passes over has no
/// destructors.
struct DeepPng {
  std::span<const std::byte> rest;
  png_structp reader = nullptr;
  png_infop info = nullptr;
  char error[128] = "";
  std::vector<std::uint8_t> line = {};

  ~DeepPng() { png_destroy_read_struct(&reader, &info, nullptr); }
};

void give_bytes(png_structp reader, png_bytep dst, std::size_t count) {
  auto& own = *static_cast<DeepPng*>(png_get_io_ptr(reader));
  if (count > own.rest.size()) png_error(reader, "Read Error");
  std::memcpy(dst, own.rest.data(), count);
  own.rest = own.rest.subspan(count);
}

void keep_error(png_structp reader, png_const_charp text) {
  auto& own = *static_cast<DeepPng*>(png_get_error_ptr(reader));
  std::strncpy(own.error, text, sizeof own.error - 1);
  png_longjmp(reader, 1);
}

void ignore_warning(png_structp /*reader*/, png_const_charp /*text*/) {}

bool read_deep_header(DeepPng& own) {
  own.reader = png_create_read_struct(PNG_LIBPNG_VER_STRING, &own, keep_error, ignore_warning);
  own.info = png_create_info_struct(own.reader);
  if (setjmp(png_jmpbuf(own.reader)) != 0) return false;
  png_set_read_fn(own.reader, &own, give_bytes);
  png_read_info(own.reader, own.info);
  png_set_tRNS_to_alpha(own.reader);
  return true;
}

// All lines of `passes`; each is given to `dst` as it comes, 16 bits a value.
bool read_deep_lines(DeepPng& own, std::size_t height, std::vector<std::uint8_t>& dst) {
  if (setjmp(png_jmpbuf(own.reader)) != 0) return false;
  const int passes = png_set_interlace_handling(own.reader);
  png_read_update_info(own.reader, own.info);
  const std::size_t line = png_get_rowbytes(own.reader, own.info);
  dst.resize(line * height);
  for (int pass = 0; pass < passes; ++pass) {
    for (std::size_t y = 0; y < height; ++y) {
      png_read_row(own.reader, dst.data() + y * line, nullptr);
    }
  }
  png_read_end(own.reader, nullptr);
  return true;
}

// 16 bits a channel mean what 8 bits do.
Image decode_deep_png(std::span<const std::byte> bytes, const std::string& where, int bits) {
  DeepPng own{.rest = bytes};
  if (!read_deep_header(own)) {
    fail(ErrorKind::data, fmt::format("{}: is not a PNG that can be read: {}", where, own.error));
  }
  const auto width = static_cast<Index>(png_get_image_width(own.reader, own.info));
  const auto height = static_cast<Index>(png_get_image_height(own.reader, own.info));
  check_image_size(height, width, where);
  if (!read_deep_lines(own, static_cast<std::size_t>(height), own.line)) {
    fail(ErrorKind::data, fmt::format("{}: PNG is damaged: {}", where, own.error));
  }
  const int stored = png_get_channels(own.reader, own.info);  // with alpha: 2 or 4
  Image image{{.channels = stored >= 3 ? 3 : 1, .height = height, .width = width}, {}};
  image.pixels.reserve(own.line.size() / 2);
  for (std::size_t i = 0; i + 1 < own.line.size(); i += 2) {
    const bool alpha = stored % 2 == 0 && i / 2 % static_cast<std::size_t>(stored) ==
                                              static_cast<std::size_t>(stored) - 1;
    const unsigned value = own.line[i] * 256U + own.line[i + 1];
    if (!alpha) image.largest = std::max(image.largest, static_cast<int>(value));
    image.pixels.push_back(byte_of(value, alpha ? 16 : bits));
  }
  if (stored % 2 == 0) put_on_white(image);
  return image;
}

}  // namespace

Image decode_png(std::span<const std::byte> bytes, Index channels, const std::string& where,
                 int bits) {
  constexpr std::size_t kDepth = 24;  // where IHDR has it
  if (bytes.size() > kDepth && bytes[kDepth] == std::byte{16}) {
    Image image = decode_deep_png(bytes, where, bits);
    return channels == 0 ? image : with_channels(std::move(image), channels);
  }
  PngState reader;
  png_image& state = reader.state;
  if (png_image_begin_read_from_memory(&state, bytes.data(), bytes.size()) == 0) {
    fail(ErrorKind::data,
         fmt::format("{}: is not a PNG that can be read: {}", where, state.message));
  }
  const auto width = static_cast<Index>(state.width);
  const auto height = static_cast<Index>(state.height);
  check_image_size(height, width, where);
  const Index asked = channels;
  const bool clear = (state.format & PNG_FORMAT_FLAG_ALPHA) != 0;
  if (channels == 0 || clear) {
    channels = (state.format & PNG_FORMAT_FLAG_COLOR) != 0 ? 3 : 1;
  }
  state.format = clear ? (channels == 1 ? PNG_FORMAT_GA : PNG_FORMAT_RGBA)
                       : (channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB);
  Image image{{.channels = channels, .height = height, .width = width}, {}};
  image.pixels.resize(static_cast<std::size_t>(height * width * (channels + (clear ? 1 : 0))));
  if (png_image_finish_read(&state, nullptr, image.pixels.data(), 0, nullptr) == 0) {
    fail(ErrorKind::data, fmt::format("{}: PNG is damaged: {}", where, state.message));
  }
  if (clear) put_on_white(image);
  return asked == 0 ? image : with_channels(std::move(image), asked);
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
