#include "train/runs/raw_baseline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "train/runs/run_folder.h"

namespace kindred {
namespace {

constexpr Index kMostSide = 16;
constexpr Index kSamplesAtOnce = 64;  // samples
constexpr double kMostWork = 5e12;    // multiplications of rows by rows: some minutes

/// Means over squares of `side` pixels, those at the far edges over what is left.
class Squares {
 public:
  Squares(const Shape& shape, Index side, const InputScaling& scaling)
      : shape_(shape),
        side_(side),
        rows_(blocks_of(shape.height, side)),
        cols_(blocks_of(shape.width, side)),
        scaling_(scaling) {}
  Index size() const { return rows_ * cols_ * shape_.channels; }
  Index rows() const { return rows_; }
  Index cols() const { return cols_; }

  template <typename T>
  void average(const T* sample, float* dst) const {
    for (Index y = 0; y < rows_; ++y) {
      for (Index x = 0; x < cols_; ++x) {
        for (Index c = 0; c < shape_.channels; ++c) *dst++ = mean(sample, y * side_, x * side_, c);
      }
    }
  }

 private:
  template <typename T>
  float mean(const T* sample, Index top, Index left, Index channel) const {
    const Index bottom = std::min(top + side_, shape_.height);
    const Index right = std::min(left + side_, shape_.width);
    double sum = 0;
    for (Index y = top; y < bottom; ++y) {
      for (Index x = left; x < right; ++x) {
        sum += static_cast<double>(sample[(y * shape_.width + x) * shape_.channels + channel]);
      }
    }
    const auto c = static_cast<std::size_t>(channel);
    const double mean = sum / static_cast<double>((bottom - top) * (right - left));
    return (static_cast<float>(mean) - scaling_.mean[c]) * scaling_.scale[c];
  }

  Shape shape_;
  Index side_;
  Index rows_, cols_;
  const InputScaling& scaling_;
};

}  // namespace

RawBaseline raw_baseline(const Dataset& dataset, std::span<const Index> samples,
                         const InputScaling& scaling, const Workers& workers) {
  const Shape& shape = dataset.shape();
  const Index side = blocks_of(std::max(shape.height, shape.width), kMostSide);
  const Squares squares(shape, side, scaling);
  const bool images = dataset.element() == Element::u8;
  const Index bytes = dataset.sample_bytes();
  const auto count = static_cast<double>(samples.size());
  if (count * count * static_cast<double>(squares.size()) > kMostWork) return {};
  Matrix raw(static_cast<Index>(samples.size()), squares.size());
  workers.for_blocks(raw.rows(), kSamplesAtOnce, [&](Index begin, Index end, int) {
    Buffer<std::byte> read((end - begin) * bytes);
    dataset.read(
        samples.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)),
        read.data());
    for (Index i = begin; i < end; ++i) {
      const std::byte* const sample = read.data() + (i - begin) * bytes;
      if (images) {
        squares.average(reinterpret_cast<const std::uint8_t*>(sample), raw.row(i));
      } else {
        squares.average(reinterpret_cast<const float*>(sample), raw.row(i));
      }
    }
  });
  RawBaseline baseline;
  baseline.what =
      !images     ? "raw vectors"
      : side == 1 ? "raw pixels"
                  : fmt::format("raw pixels, averaged to {} x {}", squares.rows(), squares.cols());
  baseline.result = evaluate_rows(raw.view(), dataset, samples, workers);
  return baseline;
}

}  // namespace kindred
