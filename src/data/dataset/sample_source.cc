#include "kindred/data/sample_source.h"

#include <fmt/format.h>

#include <cassert>
#include <cstring>

#include "core/check_finite.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr const char* kName = "samples in memory";

template <typename T>
Index count_samples(std::span<const T> values, const Shape& shape) {
  const auto count = static_cast<Index>(values.size());
  if (shape.channels < 1 || shape.height < 1 || shape.width < 1 || count == 0 ||
      count % shape.size() != 0) {
    fail(ErrorKind::data,
         fmt::format("{}: {} values are no whole number of samples of {} x {} x {}", kName, count,
                     shape.height, shape.width, shape.channels));
  }
  return count / shape.size();
}

class MemorySource final : public SampleSource {
 public:
  template <typename T>
  MemorySource(std::span<const T> values, const Shape& shape, Element element)
      : SampleSource(kName, count_samples(values, shape), shape, element),
        bytes_(size() * sample_bytes()) {
    std::memcpy(bytes_.data(), values.data(), values.size_bytes());
  }

  bool in_memory() const override { return true; }
  void read(std::span<const Index> samples, std::byte* dst, Reading /*reading*/) override {
    const auto bytes = static_cast<std::size_t>(sample_bytes());
    for (const Index sample : samples) {
      assert(sample >= 0 && sample < size());
      std::memcpy(dst, bytes_.data() + sample * sample_bytes(), bytes);
      dst += bytes;
    }
  }

 private:
  Buffer<std::byte> bytes_;
};

}  // namespace

std::unique_ptr<SampleSource> samples_in_memory(std::span<const std::uint8_t> values,
                                                const Shape& shape) {
  return std::make_unique<MemorySource>(values, shape, Element::u8);
}

std::unique_ptr<SampleSource> samples_in_memory(std::span<const float> values, const Shape& shape) {
  const Index rows = count_samples(values, shape);
  check_finite(ConstMatrixView(values.data(), rows, shape.size()), kName);
  return std::make_unique<MemorySource>(values, shape, Element::f32);
}

}  // namespace kindred
