#include "data/chunks/chunk_table.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>

#include "core/files/positioned_io.h"
#include "data/chunks/chunk_finder.h"
#include "data/hdf5/hdf5_access.h"
#include "data/hdf5/hdf5_session.h"

namespace kindred {
namespace {

constexpr Index kMostChunkBytes = Index{1} << 30;  // unpacked in one piece

static_assert(std::endian::native == std::endian::little, "stored floats are used as they are");

[[noreturn]] void refuse_chunk(const std::string& where, Index row, std::uint64_t offset,
                               std::uint64_t bytes, std::uint64_t file_bytes) {
  fail(ErrorKind::data, fmt::format("{}: row {} is said to lie at byte {}, {} bytes long, but the "
                                    "file has {}; it is truncated or damaged",
                                    where, row, offset, bytes, file_bytes));
}

/// A data set on its way to a table; inside a session.
class TableReader {
 public:
  TableReader(hid_t id, const std::string& where) : id_(id), plan_(H5Dget_create_plist(id)) {
    table_.where = where;
  }

  ChunkTable read() {
    if (!read_shape() || !has_plain_type() || !open_file()) return {};
    const H5D_layout_t layout = H5Pget_layout(plan_.get());
    const bool done = layout == H5D_CONTIGUOUS ? read_one_piece()
                      : layout == H5D_CHUNKED  ? read_filters() && read_chunks()
                                               : false;
    if (!done) return {};
    table_.check(file_bytes_);
    return std::move(table_);
  }

 private:
  bool read_shape() {
    const Hdf5Id space(H5Dget_space(id_));
    std::array<hsize_t, H5S_MAX_RANK> size{};
    const int rank = H5Sget_simple_extent_dims(space.get(), size.data(), nullptr);
    if (rank < 1) return false;
    table_.shape.assign(size.begin(), size.begin() + rank);
    return std::count(table_.shape.begin(), table_.shape.end(), 0) == 0;
  }

  bool has_plain_type() {
    const Hdf5Id type(H5Dget_type(id_));
    const bool byte = H5Tget_class(type.get()) == H5T_INTEGER && H5Tget_size(type.get()) == 1 &&
                      H5Tget_sign(type.get()) == H5T_SGN_NONE && H5Tget_precision(type.get()) == 8;
    if (!byte && H5Tequal(type.get(), H5T_IEEE_F32LE) <= 0) return false;
    table_.pipeline.element_bytes = byte ? 1 : 4;
    return H5Pget_fill_value(plan_.get(), byte ? H5T_NATIVE_UINT8 : H5T_NATIVE_FLOAT,
                             table_.fill.data()) >= 0;
  }

  bool open_file() {
    const Hdf5Id file(H5Iget_file_id(id_));
    const Hdf5Id access(H5Fget_access_plist(file.get()));
    void* handle = nullptr;
    if (H5Pget_driver(access.get()) != H5FD_SEC2 ||
        H5Fget_vfd_handle(file.get(), access.get(), &handle) < 0) {
      return false;
    }
    file_ = *static_cast<int*>(handle);
    struct stat status {};
    std::array<char, 4096> name{};
    const ssize_t length = H5Fget_name(file.get(), name.data(), name.size());
    if (::fstat(file_, &status) != 0 || length < 1 || length >= static_cast<ssize_t>(name.size())) {
      return false;
    }
    table_.file = name.data();
    table_.device = status.st_dev;
    table_.inode = status.st_ino;
    file_bytes_ = static_cast<std::uint64_t>(status.st_size);
    return true;
  }

  bool read_filters() {
    for (int i = 0; i < H5Pget_nfilters(plan_.get()); ++i) {
      unsigned flags = 0;
      unsigned config = 0;
      std::array<unsigned, 8> values{};
      std::size_t count = values.size();
      const H5Z_filter_t filter = H5Pget_filter2(plan_.get(), static_cast<unsigned>(i), &flags,
                                                 &count, values.data(), 0, nullptr, &config);
      std::vector<ChunkFilter>& filters = table_.pipeline.filters;
      if (filter == H5Z_FILTER_DEFLATE) {
        if (std::count(filters.begin(), filters.end(), ChunkFilter::deflate) > 0) return false;
        filters.push_back(ChunkFilter::deflate);
      } else if (filter == H5Z_FILTER_SHUFFLE) {
        if (count < 1 || values[0] != table_.pipeline.element_bytes) return false;
        filters.push_back(ChunkFilter::shuffle);
      } else if (filter == H5Z_FILTER_FLETCHER32) {
        filters.push_back(ChunkFilter::fletcher32);
      } else {
        return false;
      }
    }
    return true;
  }

  bool in_file(std::uint64_t offset, std::uint64_t bytes) const {
    return offset <= file_bytes_ && bytes <= file_bytes_ - offset;
  }

  bool read_one_piece() {
    table_.chunk = table_.shape;
    table_.grid.assign(table_.shape.size(), 1);
    table_.pipeline.chunk_bytes = table_.pipeline.element_bytes;
    for (const Index extent : table_.shape) table_.pipeline.chunk_bytes *= extent;
    StoredChunk& piece = table_.chunks.emplace_back();
    const haddr_t offset = H5Dget_offset(id_);
    if (offset == HADDR_UNDEF) return H5Dget_storage_size(id_) == 0;  // never written
    piece.offset = offset;
    table_.check(file_bytes_);
    // Versions of HDF5 differ in whether addresses count from behind the user block.
    const auto rows = static_cast<std::uint64_t>(table_.shape[0]);
    return leads_to_row(0, offset) &&
           leads_to_row(table_.shape[0] - 1,
                        offset + (rows - 1) * static_cast<std::uint64_t>(table_.row_bytes()));
  }

  bool leads_to_row(Index row, std::uint64_t offset) const {
    const Index bytes = table_.row_bytes();
    std::vector<std::byte> found(static_cast<std::size_t>(bytes));
    std::vector<std::byte> expected(found.size());
    const Hdf5Id space(H5Dget_space(id_));
    const Hdf5Id memory = hdf5_select_rows(space.get(), row, 1);
    const hid_t type = table_.pipeline.element_bytes == 1 ? H5T_NATIVE_UINT8 : H5T_NATIVE_FLOAT;
    if (H5Dread(id_, type, memory.get(), space.get(), H5P_DEFAULT, expected.data()) < 0) {
      return false;
    }
    read_at(file_, offset, bytes, found.data(), table_.where);
    return found == expected;
  }

  bool read_chunks() {
    const std::size_t rank = table_.shape.size();
    std::array<hsize_t, H5S_MAX_RANK> size{};
    if (H5Pget_chunk(plan_.get(), H5S_MAX_RANK, size.data()) != static_cast<int>(rank)) {
      return false;
    }
    table_.chunk.assign(size.begin(), size.begin() + static_cast<std::ptrdiff_t>(rank));
    const std::vector<Index>& chunk = table_.chunk;
    Index count = 1;
    table_.pipeline.chunk_bytes = table_.pipeline.element_bytes;
    for (std::size_t i = 0; i < rank; ++i) {
      if (chunk[i] < 1) return false;
      table_.grid.push_back(blocks_of(table_.shape[i], chunk[i]));
      table_.pipeline.chunk_bytes *= chunk[i];
      if (__builtin_mul_overflow(count, table_.grid[i], &count)) return false;
    }
    if (static_cast<std::uint64_t>(count) > file_bytes_) return false;
    const auto most = static_cast<std::uint64_t>(table_.pipeline.most_stored());
    ChunkFinder finder(id_, table_.file, most);
    if (!finder.valid()) return false;
    table_.chunks.reserve(static_cast<std::size_t>(count));
    std::vector<hsize_t> at(rank, 0);
    bool proved = false;
    for (Index i = 0; i < count; ++i) {
      Index rest = i;
      for (std::size_t axis = rank; axis-- > 0; rest /= table_.grid[axis]) {
        at[axis] = static_cast<hsize_t>(rest % table_.grid[axis] * chunk[axis]);
      }
      ChunkFinder::Found found;
      if (!finder.find(at.data(), found)) {
        if (finder.is_slow()) return false;
        fail(ErrorKind::data,
             fmt::format("{}: the chunk of row {} cannot be found, the file is truncated or "
                         "damaged: {}",
                         table_.where, at[0], hdf5_reason()));
      }
      StoredChunk& stored = table_.chunks.emplace_back();
      if (!found.stored) continue;
      if (found.bytes == 0 || found.bytes > most || !in_file(found.offset, found.bytes)) {
        refuse_chunk(table_.where, static_cast<Index>(at[0]), found.offset, found.bytes,
                     file_bytes_);
      }
      stored = {found.offset, static_cast<std::uint32_t>(found.bytes), found.mask};
      if (!proved && !leads_to_chunk(at, stored)) return false;
      proved = true;
    }
    return true;
  }

  bool leads_to_chunk(const std::vector<hsize_t>& at, const StoredChunk& stored) const {
    std::vector<std::byte> expected(stored.bytes);
    std::vector<std::byte> found(stored.bytes);
    std::uint32_t mask = 0;
    if (H5Dread_chunk(id_, H5P_DEFAULT, at.data(), &mask, expected.data()) < 0) return false;
    read_at(file_, stored.offset, static_cast<Index>(stored.bytes), found.data(), table_.where);
    return found == expected && mask == stored.mask;
  }

  hid_t id_;
  Hdf5Id plan_;
  ChunkTable table_;
  int file_ = -1;  // HDF5's own
  std::uint64_t file_bytes_ = 0;
};

ChunkTable find_array_chunks(const Hdf5Array* array) {
  const Hdf5Session session;
  return find_chunks(array->id.get(), array->where);
}

}  // namespace

Index ChunkTable::row_bytes() const {
  Index bytes = pipeline.element_bytes;
  for (std::size_t i = 1; i < shape.size(); ++i) bytes *= shape[i];
  return bytes;
}

bool ChunkTable::rows_lie_whole() const {
  return pipeline.filters.empty() && std::equal(shape.begin() + 1, shape.end(), chunk.begin() + 1);
}

void ChunkTable::check(std::uint64_t file_bytes) const {
  const auto wrong = [&](const char* what) {
    fail(ErrorKind::data, fmt::format("{}: its {} cannot be; the file is damaged", where, what));
  };
  const std::size_t rank = shape.size();
  if (rank < 1 || rank > H5S_MAX_RANK || chunk.size() != rank || grid.size() != rank) wrong("rank");
  Index count = 1;
  Index bytes = pipeline.element_bytes;
  if (bytes != 1 && bytes != 4) wrong("type");
  for (std::size_t i = 0; i < rank; ++i) {
    if (shape[i] < 1 || chunk[i] < 1 || grid[i] != blocks_of(shape[i], chunk[i])) wrong("shape");
    if (__builtin_mul_overflow(count, grid[i], &count)) wrong("shape");
    if (__builtin_mul_overflow(bytes, chunk[i], &bytes)) wrong("chunk");
  }
  if (bytes != pipeline.chunk_bytes || count != static_cast<Index>(chunks.size())) wrong("chunk");
  const bool one_piece = chunk == shape && pipeline.filters.empty();
  if (!one_piece && bytes > kMostChunkBytes) wrong("chunk");
  for (Index i = 0; i < count; ++i) {
    const StoredChunk& stored = chunks[static_cast<std::size_t>(i)];
    if (stored.offset == StoredChunk::kNone) continue;
    const auto size = one_piece ? static_cast<std::uint64_t>(bytes) : stored.bytes;
    const bool exact =
        one_piece || !pipeline.filters.empty() || static_cast<Index>(stored.bytes) == bytes;
    if (!exact || stored.offset > file_bytes || size > file_bytes - stored.offset || size == 0 ||
        (!one_piece && static_cast<Index>(size) > pipeline.most_stored())) {
      refuse_chunk(where, i / chunks_of_rows() * chunk[0], stored.offset, size, file_bytes);
    }
  }
}

ChunkTable find_chunks(hid_t dataset, const std::string& where) {
  return TableReader(dataset, where).read();
}

std::optional<ChunkTable> read_chunk_table(const Hdf5Dataset& data) {
  ChunkTable table = Hdf5Access::process(data).call(find_array_chunks, Hdf5Access::array(data));
  if (table.chunks.empty()) return std::nullopt;
  return table;
}

}  // namespace kindred
