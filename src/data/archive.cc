#include "data/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <string_view>

#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr Index kMostBytes = Index{1} << 40;  // of all files together
constexpr Index kMostFiles = 50'000'000;
constexpr Index kHint = Index{64} << 20;  // of a claimed size, believed at most
constexpr std::size_t kBlockBytes = std::size_t{1} << 18;

bool climbs_out(std::string_view name) {
  if (name.empty() || name.front() == '/') return true;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    if (name.substr(begin, end - begin) == "..") return true;
    begin = end + 1;
  }
  return false;
}

}  // namespace

struct Archive::Impl {
  std::string path;
  std::string name;
  ::archive* handle = nullptr;
  ::archive_entry* entry = nullptr;
  Index files = 0;
  Index bytes = 0;

  ~Impl() {
    if (handle != nullptr) archive_read_free(handle);
  }
  [[noreturn]] void fail_reading() const {
    const char* reason = archive_error_string(handle);
    fail(ErrorKind::data, fmt::format("{}: archive is damaged or of an unknown kind{}: {}", path,
                                      name.empty() ? "" : fmt::format(" at or after {}", name),
                                      reason == nullptr ? "no reason given" : reason));
  }
};

Archive::Archive(const std::string& path) : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    fail(ErrorKind::no_input, fmt::format("{}: cannot open: {}", path, std::strerror(errno)));
  }
  if (!S_ISREG(status.st_mode)) {
    fail(ErrorKind::no_input, fmt::format("{}: is not a regular file", path));
  }
  impl_->handle = archive_read_new();
  archive_read_support_format_zip(impl_->handle);
  archive_read_support_format_tar(impl_->handle);
  archive_read_support_filter_gzip(impl_->handle);
  archive_read_support_filter_bzip2(impl_->handle);
  archive_read_support_filter_xz(impl_->handle);
  if (archive_read_open_filename(impl_->handle, path.c_str(), kBlockBytes) != ARCHIVE_OK) {
    impl_->fail_reading();
  }
}

Archive::~Archive() = default;

bool Archive::next() {
  for (;;) {
    const int result = archive_read_next_header(impl_->handle, &impl_->entry);
    if (result == ARCHIVE_EOF) return false;
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) impl_->fail_reading();
    if (archive_entry_filetype(impl_->entry) != AE_IFREG) continue;
    const char* name = archive_entry_pathname_utf8(impl_->entry);
    if (name == nullptr) name = archive_entry_pathname(impl_->entry);
    impl_->name = name == nullptr ? "" : name;
    if (climbs_out(impl_->name)) {
      fail(ErrorKind::data,
           fmt::format("{}: holds a file named '{}', which lies outside of the archive; it is not "
                       "read",
                       impl_->path, impl_->name));
    }
    if (++impl_->files > kMostFiles) {
      fail(ErrorKind::data, fmt::format("{}: holds more than {} files", impl_->path, kMostFiles));
    }
    return true;
  }
}

const std::string& Archive::name() const { return impl_->name; }

std::vector<std::byte> Archive::read(Index most) {
  // What the header claims is a hint; the end is where the data ends.
  std::vector<std::byte> bytes;
  const auto claimed = static_cast<Index>(archive_entry_size(impl_->entry));
  bytes.reserve(static_cast<std::size_t>(std::clamp<Index>(claimed, 0, std::min(most, kHint))));
  for (;;) {
    const void* block = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int result = archive_read_data_block(impl_->handle, &block, &size, &offset);
    if (result == ARCHIVE_EOF) break;
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) impl_->fail_reading();
    const auto end = offset + static_cast<la_int64_t>(size);
    if (offset < static_cast<la_int64_t>(bytes.size()) || end > most) {
      fail(ErrorKind::data, fmt::format("{}: {} is larger than {} MiB unpacked; it is not read",
                                        impl_->path, impl_->name, most >> 20));
    }
    bytes.resize(static_cast<std::size_t>(offset));  // holes of sparse files are zeros
    const auto* first = static_cast<const std::byte*>(block);
    bytes.insert(bytes.end(), first, first + size);
  }
  impl_->bytes += static_cast<Index>(bytes.size());
  if (impl_->bytes > kMostBytes) {
    fail(ErrorKind::data,
         fmt::format("{}: holds more than {} GiB unpacked", impl_->path, kMostBytes >> 30));
  }
  return bytes;
}

bool is_archive(const std::string& path) {
  constexpr std::array<std::string_view, 8> kEndings{".zip",    ".npz",     ".tar",    ".tgz",
                                                     ".tar.gz", ".tar.bz2", ".tar.xz", ".txz"};
  if (std::any_of(kEndings.begin(), kEndings.end(),
                  [&](std::string_view ending) { return path.ends_with(ending); })) {
    return true;
  }
  std::array<char, 4> begin{};
  std::ifstream(path, std::ios::binary).read(begin.data(), begin.size());
  return std::string_view(begin.data(), begin.size()) == "PK\x03\x04";
}

std::vector<std::byte> gunzip(std::vector<std::byte> bytes, Index most, const std::string& where) {
  if (bytes.size() < 2 || bytes[0] != std::byte{0x1F} || bytes[1] != std::byte{0x8B}) return bytes;
  const std::unique_ptr<::archive, decltype(&archive_read_free)> handle(archive_read_new(),
                                                                        archive_read_free);
  archive_read_support_filter_gzip(handle.get());
  archive_read_support_format_raw(handle.get());
  const auto refuse = [&](const std::string& why) {
    fail(ErrorKind::data, fmt::format("{}: gzip {}", where, why));
  };
  const auto refuse_damaged = [&] {
    const char* reason = archive_error_string(handle.get());
    refuse(fmt::format("is damaged: {}", reason == nullptr ? "no reason given" : reason));
  };
  ::archive_entry* entry = nullptr;
  if (archive_read_open_memory(handle.get(), bytes.data(), bytes.size()) != ARCHIVE_OK ||
      archive_read_next_header(handle.get(), &entry) != ARCHIVE_OK) {
    refuse_damaged();
  }
  std::vector<std::byte> unpacked;
  std::vector<std::byte> block(kBlockBytes);
  for (;;) {
    const la_ssize_t size = archive_read_data(handle.get(), block.data(), block.size());
    if (size < 0) refuse_damaged();
    if (size == 0) return unpacked;
    if (static_cast<Index>(unpacked.size()) + size > most) {
      refuse(fmt::format("unpacks to more than {} MiB; it is not read", most >> 20));
    }
    unpacked.insert(unpacked.end(), block.begin(), block.begin() + size);
  }
}

}  // namespace kindred
