#include "data/import/image_arrays.h"

#include <fmt/format.h>

namespace kindred {
namespace {

class ArrayImages final : public ImportImages {
 public:
  explicit ArrayImages(std::vector<ImageArray> arrays) : arrays_(std::move(arrays)) {}

  void visit(std::span<const Index> wanted,
             FunctionRef<bool(Index place, FileContent content)> take) const override {
    for (const Index place : wanted) {
      if (!take(place, {})) return;
    }
  }

  bool parses() const override { return false; }

  Image decode(Index place, std::span<const std::byte> /*bytes*/, int /*bits*/) const override {
    const ImageArray& array = find(place);
    const Shape& shape = array.shape;
    const auto* const pixels = reinterpret_cast<const std::uint8_t*>(array.bytes.data()) +
                               array.begin + place * array.record_bytes + array.offset;
    if (!array.planar) return {shape, {pixels, pixels + shape.size()}};
    Image image{shape, {}};
    image.pixels.reserve(static_cast<std::size_t>(shape.size()));
    const Index plane = shape.height * shape.width;
    for (Index i = 0; i < plane; ++i) {
      for (Index c = 0; c < shape.channels; ++c) image.pixels.push_back(pixels[c * plane + i]);
    }
    return image;
  }

  std::string where(Index place) const override {
    const ImageArray& array = find(place);
    return fmt::format("{}: image {}", array.where, place);
  }

 private:
  // `place` becomes the record's number in its array.
  const ImageArray& find(Index& place) const {
    auto array = arrays_.begin();
    for (; place >= array->count; ++array) place -= array->count;
    return *array;
  }

  std::vector<ImageArray> arrays_;
};

}  // namespace

std::unique_ptr<ImportImages> images_in_arrays(std::vector<ImageArray> arrays) {
  return std::make_unique<ArrayImages>(std::move(arrays));
}

}  // namespace kindred
