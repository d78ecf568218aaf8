#include "data/hdf5/hdf5_proof.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/files/fail_io.h"
#include "core/files/positioned_io.h"
#include "kindred/core/file.h"

namespace kindred {
namespace {

constexpr Index kBlockBytes = Index{8} << 20;  // read back at once

Index rows_of_block(Index row_bytes) {
  return std::max<Index>(1, kBlockBytes / std::max<Index>(1, row_bytes));
}

/// The checksum of rows that may come a block at a time: that of each goes on from the one before.
std::uint64_t sum_of_rows(std::span<const std::byte> values, Index count) {
  const Index row_bytes = count > 0 ? static_cast<Index>(values.size()) / count : 0;
  const auto block = static_cast<std::size_t>(rows_of_block(row_bytes) * row_bytes);
  std::uint64_t sum = 0;
  while (!values.empty()) {
    const auto some = values.first(std::min(values.size(), block));
    sum = checksum(some, sum);
    values = values.subspan(some.size());
  }
  return sum;
}

std::uint64_t read_back_rows(hid_t file, const std::string& name, const Hdf5Form& form, Index first,
                             Index count) {
  const Hdf5Id data(H5Dopen2(file, name.c_str(), H5P_DEFAULT));
  const Hdf5Id space(H5Dget_space(data.get()));
  const Hdf5Id type = form.type();
  std::uint64_t sum = 0;
  Index row_bytes = static_cast<Index>(form.bytes());
  {
    const Hdf5Id row = hdf5_select_rows(space.get(), first, std::min<Index>(count, 1));
    row_bytes *= static_cast<Index>(H5Sget_simple_extent_npoints(row.get()));
  }
  const Index block = rows_of_block(row_bytes);
  std::vector<std::byte> values;
  for (Index done = 0; done < count; done += block) {
    const Index rows = std::min(block, count - done);
    const Hdf5Id memory = hdf5_select_rows(space.get(), first + done, rows);
    values.assign(static_cast<std::size_t>(rows * row_bytes), std::byte{0});
    if (H5Dread(data.get(), type.get(), memory.get(), space.get(), H5P_DEFAULT, values.data()) <
        0) {
      return ~sum;
    }
    sum = checksum(values, sum);
  }
  return sum;
}

std::uint64_t read_chunk(hid_t file, const std::string& name, Index first, Index bytes) {
  const Hdf5Id data(H5Dopen2(file, name.c_str(), H5P_DEFAULT));
  std::array<hsize_t, H5S_MAX_RANK> offset{};
  offset[0] = static_cast<hsize_t>(first);
  hsize_t stored = 0;
  std::uint32_t skipped = 0;
  if (H5Dget_chunk_storage_size(data.get(), offset.data(), &stored) < 0 ||
      static_cast<Index>(stored) != bytes) {
    return 0;
  }
  std::vector<std::byte> values(stored);
  if (H5Dread_chunk(data.get(), H5P_DEFAULT, offset.data(), &skipped, values.data()) < 0) return 0;
  return checksum(values);
}

std::uint64_t read_attribute(hid_t file, const std::string& object, const std::string& name,
                             const Hdf5Form& form) {
  const Hdf5Id owner(H5Oopen(file, object.c_str(), H5P_DEFAULT));
  const Hdf5Id attribute(H5Aopen(owner.get(), name.c_str(), H5P_DEFAULT));
  std::vector<std::byte> value(form.bytes());
  if (H5Aread(attribute.get(), form.type().get(), value.data()) < 0) return 0;
  return checksum(value);
}

std::uint64_t read_place(int descriptor, Index offset, Index bytes, const std::string& path) {
  std::uint64_t sum = 0;
  std::vector<std::byte> values(static_cast<std::size_t>(std::min(bytes, kBlockBytes)));
  for (Index done = 0; done < bytes; done += kBlockBytes) {
    const Index some = std::min(kBlockBytes, bytes - done);
    read_at(descriptor, static_cast<std::uint64_t>(offset + done), some, values.data(), path);
    sum = checksum(std::span(values).first(static_cast<std::size_t>(some)), sum);
  }
  return sum;
}

/// The superblock says that a writer has the file open until closing it was written down: readers
/// of newer kinds of file refuse such.
bool is_marked_open(int descriptor, const std::string& path) {
  constexpr Index kBegin = 24;     // signature, versions, sizes, and the flags
  constexpr std::size_t kOld = 2;  // kinds of superblock that have them elsewhere: 2 and up
  std::array<std::byte, kBegin> begin{};
  read_at(descriptor, 0, kBegin, begin.data(), path);
  const auto is_set = [](std::byte value) { return value != std::byte{0}; };
  return static_cast<std::size_t>(begin[8]) < kOld &&
         std::any_of(begin.begin() + 20, begin.end(), is_set);
}

}  // namespace

Hdf5Id Hdf5Form::type() const {
  if (width == 0) return Hdf5Id(H5Tcopy(native));
  Hdf5Id text(H5Tcopy(H5T_C_S1));
  H5Tset_size(text.get(), width);
  H5Tset_cset(text.get(), H5T_CSET_UTF8);
  if (!terminated) H5Tset_strpad(text.get(), H5T_STR_NULLPAD);
  return text;
}

std::size_t Hdf5Form::bytes() const { return width > 0 ? width : H5Tget_size(native); }

void Hdf5Proof::wrote_rows(const std::string& name, const Hdf5Form& form, Index first, Index count,
                           std::span<const std::byte> values) {
  pieces_.push_back({Kind::rows, name, {}, form, first, count, sum_of_rows(values, count)});
}

void Hdf5Proof::wrote_chunk(const std::string& name, Index first,
                            std::span<const std::byte> stored) {
  pieces_.push_back(
      {Kind::chunk, name, {}, {}, first, static_cast<Index>(stored.size()), checksum(stored)});
}

void Hdf5Proof::wrote_at(const std::string& name, Index offset, std::span<const std::byte> bytes) {
  const auto count = static_cast<Index>(bytes.size());
  pieces_.push_back({Kind::place, name, {}, {}, offset, count, sum_of_rows(bytes, count)});
}

void Hdf5Proof::wrote_attribute(const std::string& object, const std::string& name,
                                const Hdf5Form& form, std::span<const std::byte> value) {
  pieces_.push_back({Kind::attribute, object, name, form, 0, 1, checksum(value)});
}

std::uint64_t Hdf5Proof::sum_of(const Piece& piece, hid_t file, int descriptor,
                                const std::string& path) const {
  switch (piece.kind) {
    case Kind::rows: return read_back_rows(file, piece.name, piece.form, piece.first, piece.count);
    case Kind::chunk: return read_chunk(file, piece.name, piece.first, piece.count);
    case Kind::attribute: return read_attribute(file, piece.name, piece.attribute, piece.form);
    case Kind::place: break;
  }
  return read_place(descriptor, piece.first, piece.count, path);
}

void Hdf5Proof::check(const std::string& file, int descriptor, const std::string& path) const {
  const Hdf5Session session;
  const Hdf5Id access(H5Pcreate(H5P_FILE_ACCESS));
  H5Pset_file_locking(access.get(), false, true);  // it is locked by who writes it
  const Hdf5Id opened = hdf5_open(file, access.get());
  if (!opened.valid()) {
    const std::string reason = hdf5_reason();
    const int named = failure_named(reason);
    fail(kind_of_failure(named, ErrorKind::io),
         fmt::format("{}: writing failed: what was written cannot be opened: {}", path,
                     named != 0 ? text_of_failure(named) : reason));
  }
  if (is_marked_open(descriptor, path)) {
    fail(ErrorKind::io, fmt::format("{}: writing failed: it is not closed on the disk", path));
  }
  for (const Piece& piece : pieces_) {
    if (sum_of(piece, opened.get(), descriptor, path) == piece.sum) continue;
    fail(ErrorKind::io,
         fmt::format("{}: /{}{}{}: writing failed: it does not read back as it was written; look "
                     "after the disk",
                     path, piece.name == "/" ? "" : piece.name,
                     piece.attribute.empty() ? "" : " attribute ", piece.attribute));
  }
}

}  // namespace kindred
