#include "data/sample_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <numeric>

#include "data/sample_columns.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr Index kPieceBytes = Index{32} << 10;  // read at once where there are no chunks

}  // namespace

SampleStore::SampleStore(SampleRows rows, Index memory_budget)
    : where_(rows.where()),
      element_(rows.element()),
      size_(rows.size()),
      sample_bytes_(rows.sample_bytes()) {
  if (size_ <= memory_budget / sample_bytes_) {
    memory_ = Buffer<std::byte>(size_ * sample_bytes_);
    rows.read(0, size_, memory_.data());
    check_values(memory_.data(), 0, size_);
    return;
  }
  block_rows_ =
      rows.block_rows() > 0 ? rows.block_rows() : std::max<Index>(1, kPieceBytes / sample_bytes_);
  const Index blocks = blocks_of(size_, block_rows_);
  const Index block_bytes = block_rows_ * sample_bytes_;
  const Index slots = std::clamp<Index>(memory_budget / block_bytes, 1, blocks);
  memory_ = Buffer<std::byte>(slots * block_bytes);
  if (element_ == Element::f32) {
    for (Index b = 0; b < blocks; ++b) {
      const Index first = b * block_rows_;
      const Index count = std::min(block_rows_, size_ - first);
      rows.read(first, count, memory_.data());
      check_values(memory_.data(), first, count);
    }
  }
  slots_.resize(static_cast<std::size_t>(slots));
  slot_of_block_.assign(static_cast<std::size_t>(blocks), -1);
  for (int i = 0; i < static_cast<int>(slots); ++i) make_newest(i);
  rows_ = std::move(rows);
}

void SampleStore::check_values(const std::byte* rows, Index first, Index count) const {
  if (element_ != Element::f32) return;
  const Index columns = sample_bytes_ / static_cast<Index>(sizeof(float));
  check_finite(ConstMatrixView(reinterpret_cast<const float*>(rows), count, columns), where_,
               first);
}

void SampleStore::read(std::span<const Index> samples, std::byte* dst) {
  const auto bytes = static_cast<std::size_t>(sample_bytes_);
  if (in_memory()) {
    for (const Index sample : samples) {
      assert(sample >= 0 && sample < size_);
      std::memcpy(dst, memory_.data() + sample * sample_bytes_, bytes);
      dst += sample_bytes_;
    }
    return;
  }
  const std::lock_guard guard(lock_);
  // By block, so that each is read at most once however few slots there are.
  if (order_.size() < samples.size()) order_.resize(samples.size());
  const auto end = order_.begin() + static_cast<std::ptrdiff_t>(samples.size());
  std::iota(order_.begin(), end, Index{0});
  std::sort(order_.begin(), end, [&](Index a, Index b) {
    return samples[static_cast<std::size_t>(a)] < samples[static_cast<std::size_t>(b)];
  });
  for (auto i = order_.begin(); i != end; ++i) {
    const Index sample = samples[static_cast<std::size_t>(*i)];
    assert(sample >= 0 && sample < size_);
    const std::byte* rows = block(sample / block_rows_);
    std::memcpy(dst + *i * sample_bytes_, rows + sample % block_rows_ * sample_bytes_, bytes);
  }
}

const std::byte* SampleStore::block(Index number) {
  const Index block_bytes = block_rows_ * sample_bytes_;
  int& slot = slot_of_block_[static_cast<std::size_t>(number)];
  if (slot < 0) {
    const int taken = oldest_;
    Index& held = slots_[static_cast<std::size_t>(taken)].block;
    if (held >= 0) slot_of_block_[static_cast<std::size_t>(held)] = -1;
    held = -1;  // until the read below has succeeded
    const Index first = number * block_rows_;
    const Index count = std::min(block_rows_, size_ - first);
    rows_->read(first, count, memory_.data() + taken * block_bytes);
    held = number;
    slot = taken;
  }
  if (slot != newest_) {
    unlink(slot);
    make_newest(slot);
  }
  return memory_.data() + slot * block_bytes;
}

void SampleStore::unlink(int slot) {
  const Slot& s = slots_[static_cast<std::size_t>(slot)];
  (s.newer < 0 ? newest_ : slots_[static_cast<std::size_t>(s.newer)].older) = s.older;
  (s.older < 0 ? oldest_ : slots_[static_cast<std::size_t>(s.older)].newer) = s.newer;
}

void SampleStore::make_newest(int slot) {
  Slot& s = slots_[static_cast<std::size_t>(slot)];
  s.newer = -1;
  s.older = newest_;
  (newest_ < 0 ? oldest_ : slots_[static_cast<std::size_t>(newest_)].newer) = slot;
  newest_ = slot;
}

}  // namespace kindred
