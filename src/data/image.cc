#include "data/image.h"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>

#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr Index kMostPixels = 64'000'000;

/// libpng's state, freed at the end whatever happens.
struct PngState {
  png_image state{};
  PngState() { state.version = PNG_IMAGE_VERSION; }
  ~PngState() { png_image_free(&state); }
  PngState(const PngState&) = delete;
  PngState& operator=(const PngState&) = delete;
};

/// What an output pixel takes from along one axis: `weights` of the source pixels from `first` on,
/// in units of 1 / source extent; they add up to the source extent.
struct Span {
  Index first;
  std::vector<std::uint64_t> weights;
};

// In units where a source pixel is `to` long and an output pixel is `from` long.
std::vector<Span> area_spans(Index from, Index to) {
  std::vector<Span> spans;
  for (Index i = 0; i < to; ++i) {
    const Index begin = i * from;
    const Index end = begin + from;
    Span span{begin / to, {}};
    for (Index j = span.first; j * to < end; ++j) {
      span.weights.push_back(
          static_cast<std::uint64_t>(std::min(end, (j + 1) * to) - std::max(begin, j * to)));
    }
    spans.push_back(std::move(span));
  }
  return spans;
}

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
  if (width * height > kMostPixels) {
    fail(ErrorKind::data, fmt::format("{}: claims {} x {} pixels; at most {} are read", where,
                                      width, height, kMostPixels));
  }
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
    fail(ErrorKind::internal, fmt::format("a PNG of {} x {} pixels could not be made: {}",
                                          image.shape.width, image.shape.height, state.message));
  }
  bytes.resize(size);
  return bytes;
}

Image area_resize(const Image& image, Index height, Index width) {
  const Shape& from = image.shape;
  const std::vector<Span> rows = area_spans(from.height, height);
  const std::vector<Span> columns = area_spans(from.width, width);
  const auto area = static_cast<std::uint64_t>(from.height * from.width);
  Image result{{.channels = from.channels, .height = height, .width = width}, {}};
  result.pixels.reserve(static_cast<std::size_t>(result.shape.size()));
  for (const Span& row : rows) {
    for (const Span& column : columns) {
      for (Index c = 0; c < from.channels; ++c) {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < row.weights.size(); ++i) {
          const std::uint8_t* pixel =
              image.pixels.data() +
              ((row.first + static_cast<Index>(i)) * from.width + column.first) * from.channels + c;
          std::uint64_t line = 0;
          for (const std::uint64_t weight : column.weights) {
            line += weight * *pixel;
            pixel += from.channels;
          }
          sum += row.weights[i] * line;
        }
        result.pixels.push_back(static_cast<std::uint8_t>((2 * sum + area) / (2 * area)));
      }
    }
  }
  return result;
}

void invert(Image& image) {
  for (std::uint8_t& value : image.pixels) value = static_cast<std::uint8_t>(255 - value);
}

}  // namespace kindred
