#include "data/hdf5/hdf5_array.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "data/hdf5/hdf5_lzf.h"

namespace kindred {
namespace {

constexpr Index kMostBytes = Index{1} << 42;          // what a data set may claim at all
constexpr Index kMostInflatedBytes = Index{1} << 30;  // inflated in one piece
constexpr Index kSmall = Index{1} << 20;              // claims below this need no backing
constexpr Index kLarge = Index{256} << 20;  // what unpacks to more must not be mostly nothing
constexpr Index kMostRatio = 256;
constexpr Index kDeflateRatio = 1100;  // deflate cannot do better than 1032 to 1

// a * b, or -1 where that does not fit.
Index product(Index a, Index b) {
  Index result = 0;
  return __builtin_mul_overflow(a, b, &result) ? -1 : result;
}

std::vector<Index> extent_of(hid_t space) {
  if (H5Sget_simple_extent_type(space) == H5S_NULL) return {0};
  std::array<hsize_t, H5S_MAX_RANK> size{};
  const int rank = H5Sget_simple_extent_dims(space, size.data(), nullptr);
  return {size.begin(), size.begin() + std::max(rank, 0)};
}

// Frees what HDF5 allocated for strings of variable length.
struct Reclaim {
  hid_t type;
  hid_t space;
  void* data;
  ~Reclaim() { H5Dvlen_reclaim(type, space, H5P_DEFAULT, data); }
};

std::string filter_name(H5Z_filter_t filter) {
  const char* const name = filter == H5Z_FILTER_SZIP          ? "szip"
                           : filter == H5Z_FILTER_NBIT        ? "nbit"
                           : filter == H5Z_FILTER_SCALEOFFSET ? "scaleoffset"
                           : filter == 305                    ? "LZO"
                           : filter == 307                    ? "bzip2"
                           : filter == 32001                  ? "Blosc"
                           : filter == 32004                  ? "LZ4"
                           : filter == 32008                  ? "bitshuffle"
                           : filter == 32013                  ? "ZFP"
                           : filter == 32015                  ? "Zstandard"
                           : filter == 32026                  ? "Blosc2"
                                                              : "a filter";
  return fmt::format("{} (HDF5 filter {})", name, static_cast<int>(filter));
}

// h5repack leaves out, without an error, what it cannot unpack: it is named for the filters that
// come with HDF5 alone.
std::string way_around(H5Z_filter_t filter) {
  if (filter >= H5Z_FILTER_RESERVED) {
    return "write it anew with gzip by the program that reads it (h5py: compression='gzip')";
  }
  return "repack it with `h5repack -f GZIP=1 IN OUT`";
}

std::string unpadded(std::string text, H5T_str_t padding) {
  if (padding == H5T_STR_NULLTERM) return text.substr(0, text.find('\0'));
  const char pad = padding == H5T_STR_SPACEPAD ? ' ' : '\0';
  const std::size_t last = text.find_last_not_of(pad);
  return text.substr(0, last == std::string::npos ? 0 : last + 1);
}

/// "/images"
std::string name_of_array(hid_t id) {
  std::array<char, 256> name{};
  H5Iget_name(id, name.data(), name.size());
  return name.data();
}

/// Whole rows of an array, of a MiB or a row at least.
std::vector<Index> small_chunk(const std::vector<Index>& shape, Index element_bytes) {
  constexpr Index kBytes = Index{1} << 20;
  Index row = element_bytes;
  for (std::size_t i = 1; i < shape.size(); ++i) row *= std::max<Index>(shape[i], 1);
  std::vector<Index> chunk = shape;
  if (!chunk.empty()) chunk[0] = std::clamp<Index>(kBytes / row, 1, std::max<Index>(shape[0], 1));
  return chunk;
}

}  // namespace

Hdf5Kind hdf5_kind(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
    case H5T_ENUM: return Hdf5Kind::integer;
    case H5T_FLOAT: return Hdf5Kind::real;
    case H5T_STRING: return Hdf5Kind::text;
    case H5T_COMPOUND: return Hdf5Kind::records;
    case H5T_VLEN: {
      const Hdf5Id element(H5Tget_super(type));
      const bool bytes =
          H5Tget_class(element.get()) == H5T_INTEGER && H5Tget_size(element.get()) == 1;
      return bytes ? Hdf5Kind::bytes : Hdf5Kind::other;
    }
    default: return Hdf5Kind::other;
  }
}

Hdf5Array::Hdf5Array(Hdf5Id opened, std::string place, Index file_bytes) : id(std::move(opened)) {
  const Hdf5Session session;
  where = std::move(place);
  if (!id.valid()) {
    fail(ErrorKind::data, fmt::format("{}: cannot be opened: {}", where, hdf5_reason()));
  }
  check_storage(file_bytes);
}

void Hdf5Array::check_storage(Index file_bytes) {
  const Hdf5Id plan(H5Dget_create_plist(id.get()));
  const H5D_layout_t layout = H5Pget_layout(plan.get());
  // Before anything else is asked: a virtual data set may open its sources when asked its extent.
  if (layout == H5D_VIRTUAL) {
    fail(ErrorKind::data,
         fmt::format("{}: is a virtual data set, whose parts may lie in other files; write its "
                     "values into one file by the program that made it",
                     where));
  }
  if (H5Pget_external_count(plan.get()) > 0) {
    fail(ErrorKind::data,
         fmt::format("{}: keeps its values in another file, which is not followed; copy them into "
                     "one file: `h5repack -l CONTI IN OUT`",
                     where));
  }
  Index lzf_bytes = -1;  // that chunks unpack to
  const int filters = layout == H5D_CHUNKED ? H5Pget_nfilters(plan.get()) : 0;
  for (int i = 0; i < filters; ++i) {
    unsigned flags = 0;
    unsigned config = 0;
    std::array<unsigned, 3> values{};
    std::size_t count = values.size();
    const H5Z_filter_t filter = H5Pget_filter2(plan.get(), static_cast<unsigned>(i), &flags, &count,
                                               values.data(), 0, nullptr, &config);
    if (filter == kLzfFilter) {
      lzf_bytes = count < 3 ? 0 : static_cast<Index>(values[2]);
    } else if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE &&
               filter != H5Z_FILTER_FLETCHER32) {
      fail(ErrorKind::data, fmt::format("{}: is packed with {}; deflate, shuffle, fletcher32 and "
                                        "lzf are read; {}",
                                        where, filter_name(filter), way_around(filter)));
    }
  }
  compressed = filters > 0;
  const Hdf5Id type(H5Dget_type(id.get()));
  const Hdf5Id space(H5Dget_space(id.get()));
  if (!type.valid() || !space.valid()) {
    fail(ErrorKind::data, fmt::format("{}: cannot be read: {}", where, hdf5_reason()));
  }
  kind = hdf5_kind(type.get());
  element_bytes = static_cast<Index>(H5Tget_size(type.get()));
  is_signed = H5Tget_class(type.get()) != H5T_INTEGER || H5Tget_sign(type.get()) != H5T_SGN_NONE;
  shape = extent_of(space.get());
  // Numbers may be read as double or int64: that size has to fit, too.
  Index claimed = std::max<Index>(element_bytes, 8);
  for (const Index extent : shape) {
    elements = product(elements, extent);
    claimed = elements < 0 || extent < 0 ? -1 : product(claimed, extent);
    if (claimed < 0) break;
  }
  if (claimed < 0 || claimed > kMostBytes) {
    fail(ErrorKind::data, fmt::format("{}: claims [{}] elements, more than can be held", where,
                                      fmt::join(shape, ", ")));
  }
  if (layout == H5D_CHUNKED) {
    std::array<hsize_t, H5S_MAX_RANK> size{};
    const int rank = H5Pget_chunk(plan.get(), H5S_MAX_RANK, size.data());
    chunk.assign(size.begin(), size.begin() + std::max(rank, 0));
    Index bytes = element_bytes;
    for (const Index extent : chunk) {
      if (extent < 1) {
        fail(ErrorKind::data, fmt::format("{}: has chunks of [{}] elements; the file is damaged",
                                          where, fmt::join(chunk, ", ")));
      }
      bytes = bytes < 0 ? -1 : product(bytes, extent);
    }
    if (bytes < 0 || bytes > kMostInflatedBytes) {
      fail(ErrorKind::data,
           fmt::format("{}: has chunks of [{}] elements, over 1 GiB each; repack it with smaller "
                       "chunks: `h5repack -l {}:CHUNK={} IN OUT`",
                       where, fmt::join(chunk, ", "), name_of_array(id.get()),
                       fmt::join(small_chunk(shape, element_bytes), "x")));
    }
    if (lzf_bytes >= 0 && lzf_bytes != bytes) {  // HDF5 would read on behind what was unpacked
      fail(ErrorKind::data,
           fmt::format("{}: its chunks have {} bytes, but unpack to {}; the file is "
                       "damaged",
                       where, bytes, lzf_bytes));
    }
  }
  const auto stored = static_cast<Index>(H5Dget_storage_size(id.get()));
  const Index backed = std::min(stored, file_bytes) * (compressed ? kDeflateRatio : 1);
  const Index needed = element_bytes * elements;
  if (needed > kSmall && needed > backed) {
    fail(ErrorKind::data,
         fmt::format("{}: claims [{}] elements ({} bytes), but the file stores only {} bytes for "
                     "them; it is incomplete or damaged",
                     where, fmt::join(shape, ", "), needed, std::min(stored, file_bytes)));
  }
  if (needed > kLarge && needed / kMostRatio > file_bytes) {
    fail(ErrorKind::data,
         fmt::format("{}: unpacks to [{}] elements ({} bytes), over {} times what the whole file "
                     "has; where that is meant, unpack it: `h5repack -f NONE IN OUT`",
                     where, fmt::join(shape, ", "), needed, kMostRatio));
  }
}

template <typename T>
void Hdf5Array::read_rows(Index first, Index count, T* dst) const {
  const Hdf5Session session;
  const Hdf5Id space(H5Dget_space(id.get()));
  const Hdf5Id memory = hdf5_select_rows(space.get(), first, count);
  if (H5Dread(id.get(), hdf5_native<T>(), memory.get(), space.get(), H5P_DEFAULT, dst) < 0) {
    fail(ErrorKind::data, fmt::format("{}: cannot be read, the file is truncated or damaged: {}",
                                      where, hdf5_reason()));
  }
}

std::vector<std::string> hdf5_read_strings(hid_t id, bool attribute, Index count,
                                           const std::string& where) {
  const Hdf5Session session;
  const Hdf5Id type(attribute ? H5Aget_type(id) : H5Dget_type(id));
  if (hdf5_kind(type.get()) != Hdf5Kind::text) {
    fail(ErrorKind::data, fmt::format("{}: does not hold text", where));
  }
  const auto read = [&](hid_t memory, void* dst) {
    const herr_t done = attribute ? H5Aread(id, memory, dst)
                                  : H5Dread(id, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, dst);
    if (done < 0) {
      fail(ErrorKind::data, fmt::format("{}: cannot be read, the file is truncated or damaged: {}",
                                        where, hdf5_reason()));
    }
  };
  std::vector<std::string> texts(static_cast<std::size_t>(count));
  if (count == 0) return texts;
  // The type in memory is the file's: HDF5 converts neither fixed to variable length nor ASCII to
  // UTF-8.
  if (H5Tis_variable_str(type.get()) > 0) {
    std::vector<char*> pointers(texts.size(), nullptr);
    const Hdf5Id space(attribute ? H5Aget_space(id) : H5Dget_space(id));
    const Reclaim reclaim{type.get(), space.get(), pointers.data()};
    read(type.get(), pointers.data());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (pointers[i] != nullptr) texts[i] = pointers[i];
    }
    return texts;
  }
  const std::size_t width = H5Tget_size(type.get());
  const H5T_str_t padding = H5Tget_strpad(type.get());
  std::vector<char> bytes(width * texts.size());
  read(type.get(), bytes.data());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    texts[i] = unpadded(std::string(bytes.data() + i * width, width), padding);
  }
  return texts;
}

std::vector<std::vector<std::byte>> hdf5_read_bytes(const Hdf5Array& array, Index first,
                                                    Index count) {
  const Hdf5Session session;
  if (array.kind != Hdf5Kind::bytes || array.shape.size() != 1 || first < 0 || count < 0 ||
      first > array.shape[0] - count) {
    fail(ErrorKind::data, fmt::format("{}: is no column of bytes", array.where));
  }
  const Hdf5Id type(H5Dget_type(array.id.get()));
  const Hdf5Id space(H5Dget_space(array.id.get()));
  const Hdf5Id memory = hdf5_select_rows(space.get(), first, count);
  std::vector<hvl_t> pieces(static_cast<std::size_t>(count));
  const Reclaim reclaim{type.get(), memory.get(), pieces.data()};
  if (H5Dread(array.id.get(), type.get(), memory.get(), space.get(), H5P_DEFAULT, pieces.data()) <
      0) {
    fail(ErrorKind::data, fmt::format("{}: cannot be read, the file is truncated or damaged: {}",
                                      array.where, hdf5_reason()));
  }
  std::vector<std::vector<std::byte>> contents;
  for (const hvl_t& piece : pieces) {
    const auto* const bytes = static_cast<const std::byte*>(piece.p);
    contents.emplace_back(bytes, bytes + (bytes == nullptr ? 0 : piece.len));
  }
  return contents;
}

template void Hdf5Array::read_rows(Index, Index, float*) const;
template void Hdf5Array::read_rows(Index, Index, double*) const;
template void Hdf5Array::read_rows(Index, Index, std::int64_t*) const;
template void Hdf5Array::read_rows(Index, Index, std::uint64_t*) const;
template void Hdf5Array::read_rows(Index, Index, std::int32_t*) const;
template void Hdf5Array::read_rows(Index, Index, std::uint8_t*) const;

}  // namespace kindred
