#include "data/chunks/chunk_finder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <memory>

#include "core/files/file_handle.h"

namespace kindred {

/// What the driver was last asked to read of the data, while it is to be noted.
struct ChunkFinder::NotedRead {
  bool noting = false;
  bool noted = false;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

namespace {

#if H5_VERSION_GE(1, 12, 0)
using ObjectInfo = H5O_info1_t;
#else
using ObjectInfo = H5O_info_t;
#endif

/// An open file of the driver; HDF5 knows its first member.
template <typename Noted>
struct DriverFile {
  H5FD_t base{};
  FileHandle file;
  haddr_t end_of_addresses = 0;
  haddr_t end_of_file = 0;
  Noted read;

  static DriverFile* of(H5FD_t* file) { return reinterpret_cast<DriverFile*>(file); }
  static const DriverFile* of(const H5FD_t* file) {
    return reinterpret_cast<const DriverFile*>(file);
  }

  static H5FD_t* open(const char* name, unsigned flags, hid_t /*access*/, haddr_t /*most*/) {
    if ((flags & H5F_ACC_RDWR) != 0) return nullptr;
    auto opened = std::make_unique<DriverFile>();
    opened->file = FileHandle(::open(name, O_RDONLY | O_CLOEXEC));
    struct stat status {};
    if (!opened->file.valid() || ::fstat(opened->file.get(), &status) != 0) return nullptr;
    opened->end_of_file = static_cast<haddr_t>(status.st_size);
    return &opened.release()->base;
  }
  static herr_t close(H5FD_t* file) {
    delete of(file);
    return 0;
  }
  static int compare(const H5FD_t* a, const H5FD_t* b) { return a < b ? -1 : a > b ? 1 : 0; }
  static herr_t query(const H5FD_t* /*file*/, unsigned long* flags) {
    *flags = 0;
    return 0;
  }
  static haddr_t get_end_of_addresses(const H5FD_t* file, H5FD_mem_t /*type*/) {
    return of(file)->end_of_addresses;
  }
  static herr_t set_end_of_addresses(H5FD_t* file, H5FD_mem_t /*type*/, haddr_t end) {
    of(file)->end_of_addresses = end;
    return 0;
  }
  static haddr_t get_end_of_file(const H5FD_t* file, H5FD_mem_t /*type*/) {
    return of(file)->end_of_file;
  }
  static herr_t get_handle(H5FD_t* file, hid_t /*access*/, void** handle) {
    *handle = &of(file)->read;
    return 0;
  }
  static herr_t read_at(H5FD_t* file, H5FD_mem_t type, hid_t /*transfer*/, haddr_t offset,
                        std::size_t bytes, void* dst) {
    DriverFile* const self = of(file);
    if (self->read.noting && type == H5FD_MEM_DRAW) {
      self->read.noted = true;
      self->read.offset = offset;
      self->read.bytes = bytes;
      return 0;
    }
    auto* to = static_cast<char*>(dst);
    while (bytes > 0) {
      const ssize_t count = ::pread(self->file.get(), to, bytes, static_cast<off_t>(offset));
      if (count < 0) return -1;
      if (count == 0) break;
      to += count;
      offset += static_cast<haddr_t>(count);
      bytes -= static_cast<std::size_t>(count);
    }
    std::memset(to, 0, bytes);  // behind the end, as HDF5's own driver has it
    return 0;
  }
  static herr_t write_at(H5FD_t* /*file*/, H5FD_mem_t /*type*/, hid_t /*transfer*/,
                         haddr_t /*offset*/, std::size_t /*bytes*/, const void* /*src*/) {
    return -1;
  }
};

template <typename Noted>
hid_t register_driver() {
  using File = DriverFile<Noted>;
  static const H5FD_class_t driver = [] {
    H5FD_class_t made{};
#ifdef H5FD_CLASS_VERSION
    made.version = H5FD_CLASS_VERSION;
    made.value = static_cast<H5FD_class_value_t>(600);
#endif
    made.name = "kindred chunk finder";
    made.maxaddr = static_cast<haddr_t>(INT64_MAX);
    made.fc_degree = H5F_CLOSE_WEAK;
    made.open = File::open;
    made.close = File::close;
    made.cmp = File::compare;
    made.query = File::query;
    made.get_eoa = File::get_end_of_addresses;
    made.set_eoa = File::set_end_of_addresses;
    made.get_eof = File::get_end_of_file;
    made.get_handle = File::get_handle;
    made.read = File::read_at;
    made.write = File::write_at;
    const H5FD_mem_t map[] = H5FD_FLMAP_DICHOTOMY;
    std::copy(std::begin(map), std::end(map), std::begin(made.fl_map));
    return made;
  }();
  static const hid_t id = H5FDregister(&driver);
  return id;
}

}  // namespace

ChunkFinder::ChunkFinder(hid_t dataset, const std::string& path, std::uint64_t most_bytes)
    : scratch_(most_bytes) {
  std::array<char, 4096> name{};
  const ssize_t length = H5Iget_name(dataset, name.data(), name.size());
  if (length < 1 || length >= static_cast<ssize_t>(name.size())) return;
  const Hdf5Id access(H5Pcreate(H5P_FILE_ACCESS));
  if (H5Pset_driver(access.get(), register_driver<NotedRead>(), nullptr) < 0) return;
  file_ = hdf5_open(path, access.get());
  void* handle = nullptr;
  if (!file_.valid() || H5Fget_vfd_handle(file_.get(), access.get(), &handle) < 0) return;
  read_ = static_cast<NotedRead*>(handle);
  Hdf5Id opened(H5Dopen2(file_.get(), name.data(), H5P_DEFAULT));
  ObjectInfo asked;
  ObjectInfo found;
  const bool same = opened.valid() && H5Oget_info1(dataset, &asked) >= 0 &&
                    H5Oget_info1(opened.get(), &found) >= 0 && asked.addr == found.addr;
  if (same) dataset_ = std::move(opened);
}

bool ChunkFinder::find(const hsize_t* at, Found& found) {
  found = {};
  hsize_t bytes = 0;
  if (H5Dget_chunk_storage_size(dataset_.get(), at, &bytes) < 0 || bytes == 0) {
    // Never written, or damaged: only the slow way tells.
    haddr_t address = HADDR_UNDEF;
    if (++slow_ > kMostSlow ||
        H5Dget_chunk_info_by_coord(dataset_.get(), at, &found.mask, &address, &bytes) < 0) {
      return false;
    }
    found.stored = address != HADDR_UNDEF;
    found.offset = address;
    found.bytes = bytes;
    if (!found.stored || bytes == 0) return true;
  }
  found.stored = true;
  found.bytes = bytes;
  if (bytes > scratch_.size()) return true;
  *read_ = {.noting = true};
  const herr_t done = H5Dread_chunk(dataset_.get(), H5P_DEFAULT, at, &found.mask, scratch_.data());
  read_->noting = false;
  found.offset = read_->offset;
  return done >= 0 && read_->noted && read_->bytes == bytes;
}

}  // namespace kindred
