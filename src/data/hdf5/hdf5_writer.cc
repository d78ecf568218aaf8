#include <fmt/format.h>
#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <new>

#include "core/files/fail_io.h"
#include "core/files/positioned_io.h"
#include "data/hdf5/hdf5_proof.h"
#include "data/hdf5/hdf5_session.h"
#include "kindred/core/output_file.h"
#include "kindred/data/hdf5_file.h"

namespace kindred {
namespace {

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
  OutputFile output;  // outlives the file, which HDF5 has open by name
  Hdf5Id file;
  Hdf5Proof proof;
  int open = 0;  // objects that were not closed yet, or never will: a failure lies behind

  explicit Impl(const std::string& path) : output(path) {}

  [[noreturn]] void fail_writing(const std::string& name) const {
    const std::string reason = hdf5_reason();
    const int named = failure_named(reason);
    fail(kind_of_failure(named, ErrorKind::io),
         fmt::format("{}: /{}: writing failed: {}", output.path(), name,
                     named != 0 ? text_of_failure(named) : reason));
  }

  void check(bool done, const std::string& name) const {
    if (!done) fail_writing(name);
  }

  /// An object that is written to: it must be closed.
  Hdf5Id opened(hid_t id, const std::string& name) {
    Hdf5Id object(id);
    check(object.valid(), name);
    ++open;
    return object;
  }

  /// HDF5 writes what it kept back when an object is closed: this can fail as writing can.
  void close(Hdf5Id& object, const std::string& name) {
    check(object.reset() >= 0, name);
    --open;
  }

  Hdf5Id open_dataset(const std::string& name) {
    return opened(H5Dopen2(file.get(), name.c_str(), H5P_DEFAULT), name);
  }

  Hdf5Id create(const std::string& name, hid_t type, const std::vector<Index>& shape,
                const Hdf5Storage& storage) {
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
    return opened(H5Dcreate2(file.get(), name.c_str(), type, space.get(), H5P_DEFAULT, plan.get(),
                             H5P_DEFAULT),
                  name);
  }

  void write_attribute(const std::string& object, const std::string& name, const Hdf5Form& form,
                       std::span<const std::byte> value) {
    const std::string where = object + " attribute " + name;
    Hdf5Id owner = opened(H5Oopen(file.get(), object.c_str(), H5P_DEFAULT), where);
    const Hdf5Id space(H5Screate(H5S_SCALAR));
    const Hdf5Id type = form.type();
    Hdf5Id id = opened(
        H5Acreate2(owner.get(), name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
        where);
    check(H5Awrite(id.get(), type.get(), value.data()) >= 0, where);
    close(id, where);
    close(owner, where);
    proof.wrote_attribute(object, name, form, value);
  }
};

Hdf5Writer::Hdf5Writer(const std::string& path) : impl_(std::make_unique<Impl>(path)) {
  const Hdf5Session session;
  const Hdf5Id plan(H5Pcreate(H5P_FILE_CREATE));
  H5Pset_obj_track_times(plan.get(), false);
  const Hdf5Id access(H5Pcreate(H5P_FILE_ACCESS));
  H5Pset_file_locking(access.get(), false, true);  // it is locked already
  impl_->file = hdf5_create(impl_->output.beside(), plan.get(), access.get());
  impl_->check(impl_->file.valid(), "");
}

Hdf5Writer::Hdf5Writer(Hdf5Writer&&) noexcept = default;
Hdf5Writer& Hdf5Writer::operator=(Hdf5Writer&&) noexcept = default;
Hdf5Writer::~Hdf5Writer() {
  const Hdf5Session session;
  impl_.reset();
}

void Hdf5Writer::group(const std::string& name) {
  const Hdf5Session session;
  Hdf5Id id = impl_->opened(
      H5Gcreate2(impl_->file.get(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), name);
  impl_->close(id, name);
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
  Hdf5Id id = impl_->create(name, hdf5_native<T>(), shape, storage);
  impl_->close(id, name);
}

template <typename T>
void Hdf5Writer::write_rows(const std::string& name, Index first, Index count,
                            std::span<const T> values) {
  const Hdf5Session session;
  Hdf5Id id = impl_->open_dataset(name);
  const Hdf5Id space(H5Dget_space(id.get()));
  const Hdf5Id memory = hdf5_select_rows(space.get(), first, count);
  const auto expected = static_cast<std::size_t>(H5Sget_simple_extent_npoints(memory.get()));
  if (values.size() != expected) {
    fail(ErrorKind::internal,
         fmt::format("{}: /{}: {} values for {} elements", path(), name, values.size(), expected));
  }
  if (!values.empty()) {
    impl_->check(H5Dwrite(id.get(), hdf5_native<T>(), memory.get(), space.get(), H5P_DEFAULT,
                          values.data()) >= 0,
                 name);
  }
  impl_->close(id, name);
  if (values.empty()) return;
  impl_->proof.wrote_rows(name, {.native = hdf5_native<T>()}, first, count, std::as_bytes(values));
}

template <typename T>
Index Hdf5Writer::reserve(const std::string& name, const std::vector<Index>& shape) {
  const Hdf5Session session;
  const Hdf5Id plan(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_obj_track_times(plan.get(), false);
  H5Pset_alloc_time(plan.get(), H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(plan.get(), H5D_FILL_TIME_NEVER);
  const Hdf5Id space = space_of(shape);
  Hdf5Id id = impl_->opened(H5Dcreate2(impl_->file.get(), name.c_str(), hdf5_native<T>(),
                                       space.get(), H5P_DEFAULT, plan.get(), H5P_DEFAULT),
                            name);
  const haddr_t offset = H5Dget_offset(id.get());
  impl_->check(offset != HADDR_UNDEF, name);
  impl_->close(id, name);
  return static_cast<Index>(offset);
}

void Hdf5Writer::write_reserved(const std::string& name, Index offset,
                                std::span<const std::byte> bytes) {
  write_at(impl_->output.descriptor(), static_cast<std::uint64_t>(offset),
           static_cast<Index>(bytes.size()), bytes.data(), fmt::format("{}: /{}", path(), name));
  impl_->proof.wrote_at(name, offset, bytes);
}

void Hdf5Writer::write_packed(const std::string& name, Index first,
                              std::span<const std::uint8_t> values, int level,
                              const Workers& workers) {
  const Hdf5Session session;
  Hdf5Id id = impl_->open_dataset(name);
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
    impl_->proof.wrote_chunk(name, static_cast<Index>(offset[0]), std::as_bytes(std::span(piece)));
    offset[0] += chunk[0];
  }
  impl_->close(id, name);
}

void Hdf5Writer::shorten(const std::string& name, Index rows) {
  const Hdf5Session session;
  Hdf5Id id = impl_->open_dataset(name);
  const Hdf5Id space(H5Dget_space(id.get()));
  std::array<hsize_t, H5S_MAX_RANK> size{};
  H5Sget_simple_extent_dims(space.get(), size.data(), nullptr);
  size[0] = static_cast<hsize_t>(rows);
  impl_->check(H5Dset_extent(id.get(), size.data()) >= 0, name);
  impl_->close(id, name);
}

const std::string& Hdf5Writer::path() const { return impl_->output.path(); }

void Hdf5Writer::write_strings(const std::string& name, std::span<const std::string> values,
                               const Hdf5Storage& storage) {
  const Hdf5Session session;
  std::size_t width = 1;
  for (const std::string& value : values) width = std::max(width, value.size());
  std::vector<char> bytes(width * values.size(), '\0');
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::copy(values[i].begin(), values[i].end(), bytes.data() + i * width);
  }
  const Hdf5Form form{.width = width};
  const Hdf5Id type = form.type();
  const auto count = static_cast<Index>(values.size());
  Hdf5Id id = impl_->create(name, type.get(), {count}, storage);
  if (!values.empty()) {
    impl_->check(H5Dwrite(id.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) >= 0,
                 name);
  }
  impl_->close(id, name);
  if (!values.empty()) {
    impl_->proof.wrote_rows(name, form, 0, count, std::as_bytes(std::span(bytes)));
  }
}

void Hdf5Writer::attribute(const std::string& object, const std::string& name,
                           const std::string& value) {
  const Hdf5Session session;
  const Hdf5Form form{.width = value.size() + 1, .terminated = true};
  impl_->write_attribute(object, name, form, std::as_bytes(std::span(value.c_str(), form.width)));
}

void Hdf5Writer::attribute(const std::string& object, const std::string& name, double value) {
  const Hdf5Session session;
  impl_->write_attribute(object, name, {.native = H5T_NATIVE_DOUBLE},
                         std::as_bytes(std::span(&value, 1)));
}

void Hdf5Writer::attribute(const std::string& object, const std::string& name, std::int64_t value) {
  const Hdf5Session session;
  impl_->write_attribute(object, name, {.native = H5T_NATIVE_INT64},
                         std::as_bytes(std::span(&value, 1)));
}

Index Hdf5Writer::finish() {
  const Hdf5Session session;
  if (impl_->open != 0) fail(ErrorKind::internal, path() + ": was not written whole");
  impl_->check(H5Fflush(impl_->file.get(), H5F_SCOPE_LOCAL) >= 0, "");
  impl_->check(impl_->file.reset() >= 0, "");
  impl_->proof.check(impl_->output.beside(), impl_->output.descriptor(), path());
  return impl_->output.commit();
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
