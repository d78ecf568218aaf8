#include "data/dataset/sample_stream.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <numeric>

namespace kindred {
namespace {

constexpr Index kStreamedBytes = Index{32} << 10;  // read at once where there are no chunks
constexpr Index kMostLanes = 32;

}  // namespace

/// A lane for the length of a call.
class SampleStream::Turn {
 public:
  explicit Turn(SampleStream& stream) : stream_(stream) {
    std::unique_lock guard(stream.lock_);
    stream.idle_.wait(guard, [&] { return !stream.lanes_.empty() || stream.unmade_ > 0; });
    if (!stream.lanes_.empty()) {
      lane_ = std::move(stream.lanes_.back());
      stream.lanes_.pop_back();
      return;
    }
    lane_ = std::make_unique<Lane>();
    if (stream.way_ == Way::chunks) {
      lane_->decoder = std::make_unique<ChunkDecoder>(stream.chunks_->table().pipeline);
    }
    --stream.unmade_;
  }
  ~Turn() {
    {
      const std::lock_guard guard(stream_.lock_);
      stream_.lanes_.push_back(std::move(lane_));
    }
    stream_.idle_.notify_one();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  Lane& lane() { return *lane_; }

 private:
  SampleStream& stream_;
  std::unique_ptr<Lane> lane_;
};

SampleStream::SampleStream(SampleRows rows, BlockCache::Limits memory)
    : size_(rows.size()), sample_bytes_(rows.sample_bytes()) {
  if (const Hdf5Dataset* const data = rows.plain()) {
    std::optional<ChunkTable> table = read_chunk_table(*data);
    const Index element = rows.element() == Element::u8 ? 1 : Index{sizeof(float)};
    if (table && table->pipeline.element_bytes == element && table->row_bytes() == sample_bytes_) {
      least_bytes_ = table->bytes();
      chunks_.emplace(std::move(*table));
      way_ = chunks_->table().rows_lie_whole() ? Way::whole_rows : Way::chunks;
    }
  }
  lanes_.reserve(kMostLanes);
  unmade_ = kMostLanes;
  if (way_ == Way::whole_rows) {
    block_rows_ = chunks_->block_rows();
    return;
  }
  if (way_ == Way::chunks) {
    block_rows_ = chunks_->block_rows();
  } else {
    block_rows_ = rows.block_rows() > 0 ? rows.block_rows()
                                        : std::max<Index>(1, kStreamedBytes / sample_bytes_);
  }
  block_rows_ = std::min(block_rows_, size_);
  const Index blocks = blocks_of(size_, block_rows_);
  const Index block_bytes = block_rows_ * sample_bytes_;
  const Index each = way_ == Way::chunks ? ChunkDecoder::bytes_for(chunks_->table().pipeline)
                                         : rows.reading_bytes();
  least_bytes_ += BlockCache::overhead(blocks) + block_bytes + each;
  if (way_ == Way::chunks) {
    // As many callers side by side as a quarter of the memory lets unpack.
    unmade_ = std::clamp<Index>(memory.bytes / 4 / each, 1, kMostLanes);
  } else {
    rows_ = std::move(rows);
  }
  const Index callers = way_ == Way::chunks ? unmade_ : 1;
  memory.bytes -= least_bytes_ - block_bytes + (callers - 1) * each;
  cache_ = std::make_unique<BlockCache>(blocks, block_bytes, memory);
}

void SampleStream::read(std::span<const Index> samples, std::byte* dst, Reading reading) {
  Turn turn(*this);
  Lane& lane = turn.lane();
  // By place in the file, so that each block is made at most once however few are held.
  lane.order.resize(samples.size());
  lane.late.reserve(samples.size());
  std::iota(lane.order.begin(), lane.order.end(), Index{0});
  const auto sample = [&](Index i) { return samples[static_cast<std::size_t>(i)]; };
  const auto before = [&](Index a, Index b) {
    return sample(a) != sample(b) ? sample(a) < sample(b) : a < b;
  };
  if (!std::is_sorted(lane.order.begin(), lane.order.end(), before)) {
    std::sort(lane.order.begin(), lane.order.end(), before);
  }
  assert(lane.order.empty() ||
         (sample(lane.order.front()) >= 0 && sample(lane.order.back()) < size_));
  if (way_ == Way::whole_rows) {
    chunks_->read_rows(samples, lane.order, dst, lane.late);
  } else {
    read_blocks(lane, samples, dst, reading);
  }
}

void SampleStream::read_blocks(Lane& lane, std::span<const Index> samples, std::byte* dst,
                               Reading reading) {
  const auto bytes = static_cast<std::size_t>(sample_bytes_);
  const auto sample = [&](Index i) {
    return samples[static_cast<std::size_t>(lane.order[static_cast<std::size_t>(i)])];
  };
  const auto block = [&](Index i) { return sample(i) / block_rows_; };
  const auto count = static_cast<Index>(samples.size());
  if (chunks_ && reading == Reading::random) {
    for (Index i = 0; i < count; ++i) {
      const bool first = i == 0 || block(i) != block(i - 1);
      if (first && !cache_->holds(block(i))) chunks_->expect_block(block(i));
    }
  }
  for (Index first = 0, end = 0; first < count; first = end) {
    const Index number = block(first);
    while (end < count && block(end) == number) ++end;
    cache_->with(
        number, reading, [&](std::byte* rows) { make_block(lane, number, rows); },
        [&](const std::byte* rows) {
          for (Index i = first; i < end; ++i) {
            std::memcpy(dst + lane.order[static_cast<std::size_t>(i)] * sample_bytes_,
                        rows + sample(i) % block_rows_ * sample_bytes_, bytes);
          }
        });
  }
}

void SampleStream::make_block(Lane& lane, Index block, std::byte* dst) {
  if (chunks_) {
    chunks_->read_block(block, *lane.decoder, dst);
    return;
  }
  const std::lock_guard guard(library_);
  const Index first = block * block_rows_;
  rows_->read(first, std::min(block_rows_, size_ - first), dst);
}

}  // namespace kindred
