#include "data/dataset/sample_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr Index kConvertedBytes = Index{4} << 20;  // converted at once

// Where each stored value belongs in [height, width, channels].
std::vector<Index> places_of(AxisOrder order, const Shape& shape) {
  std::vector<Index> places;
  if (order == AxisOrder::hwc) return places;
  const Index outer = order == AxisOrder::chw ? shape.height : shape.width;
  const Index inner = order == AxisOrder::chw ? shape.width : shape.height;
  for (Index c = 0; c < shape.channels; ++c) {
    for (Index i = 0; i < outer; ++i) {
      for (Index j = 0; j < inner; ++j) {
        const Index y = order == AxisOrder::chw ? i : j;
        const Index x = order == AxisOrder::chw ? j : i;
        places.push_back((y * shape.width + x) * shape.channels + c);
      }
    }
  }
  return places;
}

bool holds_bytes(const Hdf5Dataset& data) {
  return data.kind() == Hdf5Kind::integer && data.element_bytes() == 1 && !data.is_signed();
}

}  // namespace

SampleRows::SampleRows(Hdf5Dataset data, std::string where, Element element) : element_(element) {
  const std::vector<Index>& shape = data.shape();
  for (std::size_t i = 1; i < shape.size(); ++i) sample_values_ *= shape[i];
  sample_bytes_ = sample_values_ * (element == Element::u8 ? 1 : Index{sizeof(float)});
  size_ = shape[0];
  block_rows_ = data.chunk().empty() ? 0 : std::min(data.chunk()[0], size_);
  parts_.push_back({std::move(data), std::move(where), 0, size_});
}

SampleRows::SampleRows(const Hdf5Layout& layout)
    : element_(layout.vectors ? Element::f32 : Element::u8),
      sample_values_(layout.shape.size()),
      place_(places_of(layout.order, layout.shape)) {
  sample_bytes_ = sample_values_ * (element_ == Element::u8 ? 1 : Index{sizeof(float)});
  for (const LayoutPart& part : layout.parts) {
    const Hdf5File file = Hdf5File::open(part.file);
    Hdf5Dataset data = file.dataset(part.images, Index{1} << 20);
    if (!data.chunk().empty()) block_rows_ = std::max(block_rows_, data.chunk()[0]);
    bytes_ = bytes_ && holds_bytes(data);
    size_ += part.count;
    parts_.push_back({std::move(data), file.where(part.images), part.first, part.count});
  }
  block_rows_ = std::min(block_rows_, size_);
  if (element_ == Element::u8 && !bytes_) find_scale();
}

const Hdf5Dataset* SampleRows::plain() const {
  const Part& part = parts_[0];
  const bool whole = parts_.size() == 1 && part.first == 0 && part.count == part.data.shape()[0];
  return whole && bytes_ && place_.empty() ? &part.data : nullptr;
}

Index SampleRows::reading_bytes() const {
  constexpr Index kLeast = Index{2} << 20;  // its chunk cache and conversion buffers
  Index chunk_bytes = 0;
  for (const Part& part : parts_) {
    Index bytes = part.data.chunk().empty() ? 0 : part.data.element_bytes();
    for (const Index extent : part.data.chunk()) bytes *= extent;
    chunk_bytes = std::max(chunk_bytes, bytes);
  }
  const Index pieces = place_.empty() && bytes_ ? 0 : kConvertedBytes * Index{sizeof(float)};
  return kLeast + 2 * chunk_bytes + pieces;
}

void SampleRows::find_scale() {
  float low = 0;
  float high = 0;
  bool whole = true;
  const Index most = std::max<Index>(1, kConvertedBytes / (sample_values_ * Index{sizeof(float)}));
  for (const Part& part : parts_) {
    for (Index row = 0; row < part.count; row += most) {
      const Index count = std::min(most, part.count - row);
      stored_floats_.resize(static_cast<std::size_t>(count * sample_values_));
      part.data.read_rows(part.first + row, count, stored_floats_.data());
      for (std::size_t i = 0; i < stored_floats_.size(); ++i) {
        const float value = stored_floats_[i];
        if (!std::isfinite(value)) {
          fail(ErrorKind::data,
               fmt::format("{} row {} holds {}; every value must be finite", part.where,
                           part.first + row + static_cast<Index>(i) / sample_values_, value));
        }
        low = std::min(low, value);
        high = std::max(high, value);
        whole = whole && value == std::floor(value);
      }
    }
  }
  if (low >= 0 && high <= 255 && whole && high > 1) return;
  low_ = low;
  scale_ = low >= 0 && high <= 1 ? 255 : 255 / (high - low);
}

void SampleRows::read(Index first, Index count, std::byte* dst) const {
  for (const Part& part : parts_) {
    const Index own = std::min(count, part.count - first);
    if (own > 0) {
      read_part(part, part.first + first, own, dst);
      dst += own * sample_bytes_;
      count -= own;
    }
    first = std::max<Index>(0, first - part.count);
    if (count == 0) return;
  }
}

void SampleRows::read_part(const Part& part, Index first, Index count, std::byte* dst) const {
  if (element_ == Element::f32) {
    part.data.read_rows(first, count, reinterpret_cast<float*>(dst));
    return;
  }
  auto* pixels = reinterpret_cast<std::uint8_t*>(dst);
  if (bytes_ && place_.empty()) {
    part.data.read_rows(first, count, pixels);
    return;
  }
  const auto values = static_cast<std::size_t>(sample_values_);
  const Index most = std::max<Index>(1, kConvertedBytes / sample_values_);
  for (Index done = 0; done < count; done += most) {
    const Index rows = std::min(most, count - done);
    const std::size_t total = static_cast<std::size_t>(rows) * values;
    if (bytes_) {
      stored_bytes_.resize(total);
      part.data.read_rows(first + done, rows, stored_bytes_.data());
    } else {
      stored_floats_.resize(total);
      part.data.read_rows(first + done, rows, stored_floats_.data());
    }
    for (std::size_t i = 0; i < total; ++i) {
      const std::size_t in = i % values;
      const std::size_t to = place_.empty() ? i : i - in + static_cast<std::size_t>(place_[in]);
      pixels[to] = bytes_ ? stored_bytes_[i]
                          : static_cast<std::uint8_t>(std::clamp(
                                std::lround((stored_floats_[i] - low_) * scale_), 0L, 255L));
    }
    pixels += total;
  }
}

}  // namespace kindred
