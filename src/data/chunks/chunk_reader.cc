#include "data/chunks/chunk_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>

#include "core/files/fail_io.h"
#include "core/files/positioned_io.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

FileHandle open_same_file(const ChunkTable& table) {
  FileHandle file = FileHandle::open(table.file, O_RDONLY);
  struct stat status {};
  if (!file.valid() || ::fstat(file.get(), &status) != 0) {
    const int reason = errno;
    fail(kind_of_failure(reason, ErrorKind::no_input),
         fmt::format("{}: cannot open: {}", table.file, text_of_failure(reason)));
  }
  if (status.st_dev != table.device || status.st_ino != table.inode) {
    fail(ErrorKind::data, fmt::format("{}: was replaced while it was being opened", table.file));
  }
  table.check(static_cast<std::uint64_t>(status.st_size));
  return file;
}

void fill_with(std::span<const std::byte> pattern, Index bytes, std::byte* dst) {
  const auto width = static_cast<Index>(pattern.size());
  for (Index i = 0; i < bytes; ++i) dst[i] = pattern[static_cast<std::size_t>(i % width)];
}

// A box of a chunk into the array it is part of: extents, strides in bytes, one axis after the
// other; along the last axis bytes lie side by side.
void copy_box(const Index* extent, std::size_t axes, const Index* src_stride,
              const Index* dst_stride, const std::byte* src, std::byte* dst) {
  if (axes == 1) {
    std::memcpy(dst, src, static_cast<std::size_t>(*extent));
    return;
  }
  for (Index i = 0; i < *extent; ++i) {
    copy_box(extent + 1, axes - 1, src_stride + 1, dst_stride + 1, src + i * *src_stride,
             dst + i * *dst_stride);
  }
}

}  // namespace

ChunkReader::ChunkReader(ChunkTable table)
    : table_(std::move(table)),
      file_(open_same_file(table_)),
      row_bytes_(table_.row_bytes()),
      shape_bytes_(table_.shape),
      chunk_bytes_(table_.chunk) {
  shape_bytes_.back() *= table_.pipeline.element_bytes;
  chunk_bytes_.back() *= table_.pipeline.element_bytes;
}

void ChunkReader::read_block(Index block, ChunkDecoder& decoder, std::byte* dst) const {
  const Index first_row = block * block_rows();
  const Index rows = std::min(block_rows(), table_.shape[0] - first_row);
  const Index count = table_.chunks_of_rows();
  const std::size_t element = static_cast<std::size_t>(table_.pipeline.element_bytes);
  for (Index i = 0; i < count; ++i) {
    const StoredChunk& chunk = table_.chunks[static_cast<std::size_t>(block * count + i)];
    const std::byte* tile = decoder.stored();
    if (chunk.offset == StoredChunk::kNone) {
      fill_with(std::span(table_.fill).first(element), table_.pipeline.chunk_bytes,
                decoder.stored());
    } else {
      read_at(file_.get(), chunk.offset, static_cast<Index>(chunk.bytes), decoder.stored(),
              table_.where);
      tile = decoder.decode(static_cast<Index>(chunk.bytes), chunk.mask);
    }
    if (tile == nullptr) {
      fail(ErrorKind::data,
           fmt::format("{}: the chunk of rows {} to {}, at byte {} of the file, is damaged: {}",
                       table_.where, first_row, first_row + rows - 1, chunk.offset,
                       decoder.reason()));
    }
    copy_tile(tile, i, rows, dst);
  }
}

// Chunk number `chunk` of those that share their rows: what of it is inside the data set.
void ChunkReader::copy_tile(const std::byte* tile, Index chunk, Index rows, std::byte* dst) const {
  constexpr std::size_t kMostAxes = 32;  // HDF5's own limit
  const std::size_t axes = table_.shape.size();
  assert(axes <= kMostAxes);
  Index extent[kMostAxes];
  Index src_stride[kMostAxes];
  Index dst_stride[kMostAxes];
  Index src_step = 1;
  Index dst_step = 1;
  for (std::size_t axis = axes; axis-- > 1;) {
    const Index begin = chunk % table_.grid[axis] * chunk_bytes_[axis];
    chunk /= table_.grid[axis];
    extent[axis] = std::min(chunk_bytes_[axis], shape_bytes_[axis] - begin);
    src_stride[axis] = src_step;
    dst_stride[axis] = dst_step;
    dst += begin * dst_step;
    src_step *= chunk_bytes_[axis];
    dst_step *= shape_bytes_[axis];
  }
  const bool vector = axes == 1;  // of single elements: rows are what lies side by side
  extent[0] = vector ? rows * table_.pipeline.element_bytes : rows;
  src_stride[0] = src_step;
  dst_stride[0] = dst_step;
  copy_box(extent, axes, src_stride, dst_stride, tile, dst);
}

void ChunkReader::expect_block(Index block) const {
  const Index count = table_.chunks_of_rows();
  for (Index i = 0; i < count; ++i) {
    const StoredChunk& chunk = table_.chunks[static_cast<std::size_t>(block * count + i)];
    if (chunk.offset != StoredChunk::kNone) {
      read_ahead(file_.get(), chunk.offset, static_cast<Index>(chunk.bytes));
    }
  }
}

std::uint64_t ChunkReader::offset_of(Index row) const {
  const StoredChunk& chunk = table_.chunks[static_cast<std::size_t>(row / block_rows())];
  if (chunk.offset == StoredChunk::kNone) return chunk.offset;
  return chunk.offset + static_cast<std::uint64_t>(row % block_rows() * row_bytes_);
}

// How many of order[first ...] follow each other in the file and in dst.
Index ChunkReader::run_length(std::span<const Index> rows, std::span<const Index> order,
                              Index first) const {
  const auto at = [&](Index i) { return order[static_cast<std::size_t>(i)]; };
  const Index row = rows[static_cast<std::size_t>(at(first))];
  Index length = 1;
  while (first + length < static_cast<Index>(order.size())) {
    const Index next = at(first + length);
    if (next != at(first) + length || rows[static_cast<std::size_t>(next)] != row + length ||
        (row + length) / block_rows() != row / block_rows()) {
      break;
    }
    ++length;
  }
  return length;
}

void ChunkReader::read_rows(std::span<const Index> rows, std::span<const Index> order,
                            std::byte* dst, std::vector<Index>& late) const {
  const int file = file_.get();
  const auto count = static_cast<Index>(order.size());
  late.clear();
  for (Index i = 0; i < count;) {
    const Index length = run_length(rows, order, i);
    const Index place = order[static_cast<std::size_t>(i)];
    const std::uint64_t offset = offset_of(rows[static_cast<std::size_t>(place)]);
    std::byte* const to = dst + place * row_bytes_;
    const Index bytes = length * row_bytes_;
    if (offset == StoredChunk::kNone) {
      const auto element = static_cast<std::size_t>(table_.pipeline.element_bytes);
      fill_with(std::span(table_.fill).first(element), bytes, to);
    } else if (!read_if_cached(file, offset, bytes, to)) {
      read_ahead(file, offset, bytes);
      late.push_back(i);
    }
    i += length;
  }
  for (const Index i : late) {
    const Index place = order[static_cast<std::size_t>(i)];
    read_at(file, offset_of(rows[static_cast<std::size_t>(place)]),
            run_length(rows, order, i) * row_bytes_, dst + place * row_bytes_, table_.where);
  }
}

}  // namespace kindred
