#include "kindred/data/pictures.h"

#include <algorithm>
#include <cmath>

#include "data/image/image.h"

namespace kindred {
namespace {

// Sheets made at once: what is too much is thrown away.
constexpr Index kSheetsPerRound = 8;

// The size pictures are shown at: the sides' ratio kept, never larger than they are.
Shape cell_shape(const Shape& shape, Index largest_side) {
  const Index side = std::max(shape.height, shape.width);
  if (side <= largest_side) return shape;
  const auto scaled = [&](Index size) {
    return std::max<Index>(1, (size * largest_side + side / 2) / side);
  };
  return {.channels = shape.channels, .height = scaled(shape.height), .width = scaled(shape.width)};
}

// Pictures side by side, `columns` a row; the rest of the last row stays black.
Image sheet_of(const Dataset& dataset, std::span<const Index> samples, const Shape& cell,
               Index columns) {
  const auto count = static_cast<Index>(samples.size());
  Image sheet{{.channels = cell.channels,
               .height = blocks_of(count, columns) * cell.height,
               .width = std::min(columns, count) * cell.width},
              {}};
  sheet.pixels.resize(static_cast<std::size_t>(sheet.shape.size()));
  Image image{dataset.shape(), {}};
  image.pixels.resize(static_cast<std::size_t>(dataset.sample_bytes()));
  const Index line = cell.width * cell.channels;
  for (Index i = 0; i < count; ++i) {
    dataset.read(samples.subspan(static_cast<std::size_t>(i), 1),
                 reinterpret_cast<std::byte*>(image.pixels.data()));
    const bool same = cell.height == image.shape.height && cell.width == image.shape.width;
    const Image small = same ? image : resize(image, cell.height, cell.width);
    for (Index y = 0; y < cell.height; ++y) {
      const Index row = i / columns * cell.height + y;
      std::copy_n(small.pixels.data() + y * line, line,
                  sheet.pixels.data() +
                      (row * sheet.shape.width + i % columns * cell.width) * cell.channels);
    }
  }
  return sheet;
}

// Most of it is black.
bool is_ink(const Image& sheet) {
  if (sheet.shape.channels != 1) return false;
  const auto black = std::count_if(sheet.pixels.begin(), sheet.pixels.end(),
                                   [](std::uint8_t value) { return value < 16; });
  return 2 * black > static_cast<std::ptrdiff_t>(sheet.pixels.size());
}

}  // namespace

PictureSheets picture_sheets(const Workers& workers, const Dataset& dataset,
                             std::span<const Index> samples, const PictureOptions& options) {
  PictureSheets pictures;
  const Shape& shape = dataset.shape();
  if (dataset.element() != Element::u8 || (shape.channels != 1 && shape.channels != 3)) {
    return pictures;
  }
  const auto count = static_cast<Index>(samples.size());
  const Shape cell = cell_shape(shape, options.largest_side);
  pictures.width = cell.width;
  pictures.height = cell.height;
  pictures.per_sheet = options.per_sheet;
  pictures.columns =
      static_cast<Index>(std::ceil(std::sqrt(static_cast<double>(options.per_sheet))));
  Index bytes = 0;
  for (Index first = 0; first < count; first += kSheetsPerRound * options.per_sheet) {
    const Index sheets = std::min(kSheetsPerRound, blocks_of(count - first, options.per_sheet));
    std::vector<std::string> encoded(static_cast<std::size_t>(sheets));
    std::vector<std::uint8_t> ink(encoded.size());
    workers.for_each(sheets, [&](Index s, int) {
      const Index begin = first + s * options.per_sheet;
      const Image sheet = sheet_of(
          dataset,
          samples.subspan(static_cast<std::size_t>(begin),
                          static_cast<std::size_t>(std::min(options.per_sheet, count - begin))),
          cell, pictures.columns);
      encoded[static_cast<std::size_t>(s)] = options.jpeg_quality > 0 && cell.channels == 3
                                                 ? encode_jpeg(sheet, options.jpeg_quality)
                                                 : encode_png(sheet);
      ink[static_cast<std::size_t>(s)] = is_ink(sheet) ? 1 : 0;
    });
    if (first == 0) pictures.ink = ink.front() != 0;
    for (std::string& sheet : encoded) {
      bytes += static_cast<Index>(sheet.size());
      if (bytes > options.most_bytes && pictures.count > 0) return pictures;
      pictures.count = std::min(count, pictures.count + options.per_sheet);
      pictures.sheets.push_back(std::move(sheet));
    }
  }
  return pictures;
}

}  // namespace kindred
