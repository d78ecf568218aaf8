#include <fcntl.h>
#include <fmt/format.h>
#include <libdeflate.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <new>

#include "data/hdf5/hdf5_session.h"
#include "kindred/data/hdf5_file.h"

namespace kindred {
namespace {

constexpr const char* kFreeSpace = "; free some space and run again";

bool sync(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags);
  if (fd < 0) return false;
  const bool synced = ::fsync(fd) == 0;
  ::close(fd);
  return synced;
}

Hdf5Id space_of(const std::vector<Index>& shape) {
  if (shape.empty()) return Hdf5Id(H5Screate(H5S_SCALAR));
  const std::vector<hsize_t> size(shape.begin(), shape.end());
  return Hdf5Id(H5Screate_simple(static_cast<int>(size.size()), size.data(), nullptr));
}

// `rows`, filled up with zeros to a whole chunk, as a zlib stream unless the level is 0.
std::vector<std::uint8_t> packed_chunk(std::span<const std::uint8_t> rows, std::size_t chunk_bytes,
                                       int level) {
  struct Free {
    void operator()(libdeflate_compressor* c) const { libdeflate_free_compressor(c); }
  };
  std::vector<std::uint8_t> whole(rows.begin(), rows.end());
  whole.resize(chunk_bytes);
  if (level == 0) return whole;
  const std::unique_ptr<libdeflate_compressor, Free> compressor(libdeflate_alloc_compressor(level));
  if (!compressor) throw std::bad_alloc();
  std::vector<std::uint8_t> packed(libdeflate_zlib_compress_bound(compressor.get(), chunk_bytes));
  packed.resize(libdeflate_zlib_compress(compressor.get(), whole.data(), whole.size(),
                                         packed.data(), packed.size()));
  return packed;
}

}  // namespace

struct Hdf5Writer::Impl {
  std::string path;
  std::string beside;
  Hdf5Id file;

  ~Impl() {
    if (!file.valid()) return;
    file.reset();
    ::unlink(beside.c_str());
  }

  [[noreturn]] void fail_writing(const std::string& name) const {
    const std::string reason = hdf5_reason();
    const bool full = reason.find(std::strerror(ENOSPC)) != reason.npos;
    fail(ErrorKind::io, fmt::format("{}: /{}: writing failed: {}{}", beside, name, reason,
                                    full ? kFreeSpace : ""));
  }

  void check(bool done, const std::string& name) const {
    if (!done) fail_writing(name);
  }

  Hdf5Id create(const std::string& name, hid_t type, const std::vector<Index>& shape,
                const Hdf5Storage& storage) const {
    const Hdf5Id plan(H5Pcreate(H5P_DATASET_CREATE));
    H5Pset_obj_track_times(plan.get(), false);
    const bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
    if (!storage.chunk.empty() && !empty) {
      std::vector<hsize_t> chunk(storage.chunk.begin(), storage.chunk.end());
      for (std::size_t i = 0; i < chunk.size() && i < shape.size(); ++i) {
        chunk[i] = std::min(chunk[i], static_cast<hsize_t>(shape[i]));
      }
      check(H5Pset_chunk(plan.get(), static_cast<int>(chunk.size()), chunk.data()) >= 0, name);
      if (storage.shuffle) H5Pset_shuffle(plan.get());
      if (storage.gzip > 0) H5Pset_deflate(plan.get(), static_cast<unsigned>(storage.gzip));
    }
    const Hdf5Id space = space_of(shape);
    Hdf5Id id(H5Dcreate2(file.get(), name.c_str(), type, space.get(), H5P_DEFAULT, plan.get(),
                         H5P_DEFAULT));
    check(id.valid(), name);
    return id;
  }

  Hdf5Id create_attribute(const std::string& object, const std::string& name, hid_t type) const {
    const Hdf5Id owner(H5Oopen(file.get(), object.c_str(), H5P_DEFAULT));
    const Hdf5Id space(H5Screate(H5S_SCALAR));
    Hdf5Id id(H5Acreate2(owner.get(), name.c_str(), type, space.get(), H5P_DEFAULT, H5P_DEFAULT));
    check(id.valid(), object + " attribute " + name);
    return id;
  }
};

Hdf5Writer::Hdf5Writer(const std::string& path) : impl_(std::make_unique<Impl>()) {
  const Hdf5Session session;
  impl_->path = path;
  impl_->beside = path + ".partial";
  // Tried first by hand: HDF5's own message does not carry the reason in a usable form.
  const int fd = ::open(impl_->beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) {
    fail(ErrorKind::cannot_create,
         fmt::format("{}: cannot create: {}", impl_->beside, std::strerror(errno)));
  }
  ::close(fd);
  const Hdf5Id plan(H5Pcreate(H5P_FILE_CREATE));
  H5Pset_obj_track_times(plan.get(), false);
  impl_->file = Hdf5Id(H5Fcreate(impl_->beside.c_str(), H5F_ACC_TRUNC, plan.get(), H5P_DEFAULT));
  if (!impl_->file.valid()) {
    const std::string reason = hdf5_reason();
    ::unlink(impl_->beside.c_str());
    fail(ErrorKind::cannot_create, fmt::format("{}: cannot create: {}", impl_->beside, reason));
  }
}

Hdf5Writer::Hdf5Writer(Hdf5Writer&&) noexcept = default;
Hdf5Writer& Hdf5Writer::operator=(Hdf5Writer&&) noexcept = default;
Hdf5Writer::~Hdf5Writer() {
  const Hdf5Session session;
  impl_.reset();
}

void Hdf5Writer::group(const std::string& name) {
  const Hdf5Session session;
  const Hdf5Id id(
      H5Gcreate2(impl_->file.get(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  impl_->check(id.valid(), name);
}

template <typename T>
void Hdf5Writer::write(const std::string& name, const std::vector<Index>& shape,
                       std::span<const T> values, const Hdf5Storage& storage) {
  create<T>(name, shape, storage);
  write_rows(name, 0, shape.empty() ? 1 : shape[0], values);
}

template <typename T>
void Hdf5Writer::create(const std::string& name, const std::vector<Index>& shape,
                        const Hdf5Storage& storage) {
  const Hdf5Session session;
  impl_->create(name, hdf5_native<T>(), shape, storage);
}

template <typename T>
void Hdf5Writer::write_rows(const std::string& name, Index first, Index count,
                            std::span<const T> values) {
  const Hdf5Session session;
  const Hdf5Id id(H5Dopen2(impl_->file.get(), name.c_str(), H5P_DEFAULT));
  impl_->check(id.valid(), name);
  const Hdf5Id space(H5Dget_space(id.get()));
  const Hdf5Id memory = hdf5_select_rows(space.get(), first, count);
  const auto expected = static_cast<std::size_t>(H5Sget_simple_extent_npoints(memory.get()));
  if (values.size() != expected) {
    fail(ErrorKind::internal, fmt::format("{}: /{}: {} values for {} elements", impl_->beside, name,
                                          values.size(), expected));
  }
  if (values.empty()) return;
  impl_->check(H5Dwrite(id.get(), hdf5_native<T>(), memory.get(), space.get(), H5P_DEFAULT,
                        values.data()) >= 0,
               name);
}

template <typename T>
Index Hdf5Writer::reserve(const std::string& name, const std::vector<Index>& shape) {
  const Hdf5Session session;
  const Hdf5Id plan(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_obj_track_times(plan.get(), false);
  H5Pset_alloc_time(plan.get(), H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(plan.get(), H5D_FILL_TIME_NEVER);
  const Hdf5Id space = space_of(shape);
  const Hdf5Id id(H5Dcreate2(impl_->file.get(), name.c_str(), hdf5_native<T>(), space.get(),
                             H5P_DEFAULT, plan.get(), H5P_DEFAULT));
  impl_->check(id.valid(), name);
  const haddr_t offset = H5Dget_offset(id.get());
  impl_->check(offset != HADDR_UNDEF, name);
  return static_cast<Index>(offset);
}

void Hdf5Writer::write_packed(const std::string& name, Index first,
                              std::span<const std::uint8_t> values, int level,
                              const Workers& workers) {
  const Hdf5Session session;
  const Hdf5Id id(H5Dopen2(impl_->file.get(), name.c_str(), H5P_DEFAULT));
  impl_->check(id.valid(), name);
  const Hdf5Id plan(H5Dget_create_plist(id.get()));
  std::array<hsize_t, H5S_MAX_RANK> chunk{};
  const int rank = H5Pget_chunk(plan.get(), H5S_MAX_RANK, chunk.data());
  impl_->check(rank > 0, name);
  std::size_t chunk_bytes = 1;
  for (int i = 0; i < rank; ++i)
    chunk_bytes *= static_cast<std::size_t>(chunk[static_cast<std::size_t>(i)]);
  const auto count = blocks_of(static_cast<Index>(values.size()), static_cast<Index>(chunk_bytes));
  std::vector<std::vector<std::uint8_t>> packed(static_cast<std::size_t>(count));
  workers.for_each(count, [&](Index i, int) {
    const auto begin = static_cast<std::size_t>(i) * chunk_bytes;
    const auto rows = values.subspan(begin, std::min(chunk_bytes, values.size() - begin));
    packed[static_cast<std::size_t>(i)] = packed_chunk(rows, chunk_bytes, level);
  });
  std::array<hsize_t, H5S_MAX_RANK> offset{};
  offset[0] = static_cast<hsize_t>(first);
  for (const std::vector<std::uint8_t>& piece : packed) {
    impl_->check(
        H5Dwrite_chunk(id.get(), H5P_DEFAULT, 0, offset.data(), piece.size(), piece.data()) >= 0,
        name);
    offset[0] += chunk[0];
  }
}

void Hdf5Writer::shorten(const std::string& name, Index rows) {
  const Hdf5Session session;
  const Hdf5Id id(H5Dopen2(impl_->file.get(), name.c_str(), H5P_DEFAULT));
  impl_->check(id.valid(), name);
  const Hdf5Id space(H5Dget_space(id.get()));
  std::array<hsize_t, H5S_MAX_RANK> size{};
  H5Sget_simple_extent_dims(space.get(), size.data(), nullptr);
  size[0] = static_cast<hsize_t>(rows);
  impl_->check(H5Dset_extent(id.get(), size.data()) >= 0, name);
}

const std::string& Hdf5Writer::path() const { return impl_->path; }
const std::string& Hdf5Writer::beside() const { return impl_->beside; }

void Hdf5Writer::write_strings(const std::string& name, std::span<const std::string> values,
                               const Hdf5Storage& storage) {
  const Hdf5Session session;
  std::size_t width = 1;
  for (const std::string& value : values) width = std::max(width, value.size());
  std::vector<char> bytes(width * values.size(), '\0');
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::copy(values[i].begin(), values[i].end(), bytes.data() + i * width);
  }
  const Hdf5Id type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type.get(), width);
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  const Hdf5Id id = impl_->create(name, type.get(), {static_cast<Index>(values.size())}, storage);
  if (values.empty()) return;
  impl_->check(H5Dwrite(id.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) >= 0,
               name);
}

void Hdf5Writer::attribute(const std::string& object, const std::string& name,
                           const std::string& value) {
  const Hdf5Session session;
  const Hdf5Id type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type.get(), value.size() + 1);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  const Hdf5Id id = impl_->create_attribute(object, name, type.get());
  impl_->check(H5Awrite(id.get(), type.get(), value.c_str()) >= 0, object);
}

void Hdf5Writer::attribute(const std::string& object, const std::string& name, double value) {
  const Hdf5Session session;
  const Hdf5Id id = impl_->create_attribute(object, name, H5T_NATIVE_DOUBLE);
  impl_->check(H5Awrite(id.get(), H5T_NATIVE_DOUBLE, &value) >= 0, object);
}

void Hdf5Writer::attribute(const std::string& object, const std::string& name, std::int64_t value) {
  const Hdf5Session session;
  const Hdf5Id id = impl_->create_attribute(object, name, H5T_NATIVE_INT64);
  impl_->check(H5Awrite(id.get(), H5T_NATIVE_INT64, &value) >= 0, object);
}

void Hdf5Writer::finish() {
  const Hdf5Session session;
  impl_->check(H5Fflush(impl_->file.get(), H5F_SCOPE_LOCAL) >= 0, "");
  if (impl_->file.reset() < 0 || !sync(impl_->beside, O_WRONLY | O_CLOEXEC) ||
      ::rename(impl_->beside.c_str(), impl_->path.c_str()) != 0) {
    const int reason = errno;
    ::unlink(impl_->beside.c_str());
    fail(ErrorKind::io, fmt::format("{}: writing failed: {}{}", impl_->path, std::strerror(reason),
                                    reason == ENOSPC ? kFreeSpace : ""));
  }
  const std::string folder = std::filesystem::path(impl_->path).parent_path().string();
  if (!sync(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY)) {
    fail(ErrorKind::io,
         fmt::format("{}: syncing its folder failed: {}", impl_->path, std::strerror(errno)));
  }
}

template void Hdf5Writer::write(const std::string&, const std::vector<Index>&,
                                std::span<const float>, const Hdf5Storage&);
template void Hdf5Writer::write(const std::string&, const std::vector<Index>&,
                                std::span<const double>, const Hdf5Storage&);
template void Hdf5Writer::write(const std::string&, const std::vector<Index>&,
                                std::span<const std::int64_t>, const Hdf5Storage&);
template void Hdf5Writer::write(const std::string&, const std::vector<Index>&,
                                std::span<const std::int32_t>, const Hdf5Storage&);
template void Hdf5Writer::write(const std::string&, const std::vector<Index>&,
                                std::span<const std::uint8_t>, const Hdf5Storage&);
template void Hdf5Writer::create<float>(const std::string&, const std::vector<Index>&,
                                        const Hdf5Storage&);
template void Hdf5Writer::create<double>(const std::string&, const std::vector<Index>&,
                                         const Hdf5Storage&);
template void Hdf5Writer::create<std::int64_t>(const std::string&, const std::vector<Index>&,
                                               const Hdf5Storage&);
template void Hdf5Writer::create<std::int32_t>(const std::string&, const std::vector<Index>&,
                                               const Hdf5Storage&);
template void Hdf5Writer::create<std::uint8_t>(const std::string&, const std::vector<Index>&,
                                               const Hdf5Storage&);
template Index Hdf5Writer::reserve<float>(const std::string&, const std::vector<Index>&);
template Index Hdf5Writer::reserve<std::uint8_t>(const std::string&, const std::vector<Index>&);
template void Hdf5Writer::write_rows(const std::string&, Index, Index, std::span<const float>);
template void Hdf5Writer::write_rows(const std::string&, Index, Index, std::span<const double>);
template void Hdf5Writer::write_rows(const std::string&, Index, Index,
                                     std::span<const std::int64_t>);
template void Hdf5Writer::write_rows(const std::string&, Index, Index,
                                     std::span<const std::int32_t>);
template void Hdf5Writer::write_rows(const std::string&, Index, Index,
                                     std::span<const std::uint8_t>);

}  // namespace kindred
