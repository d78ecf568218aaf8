#include "data/archive/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <locale.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

#include "core/files/fail_io.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"

namespace kindred {
namespace {

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

/// Names are UTF-8 while in scope, whatever the user's locale: libarchive converts them to it.
class NamesInUtf8 {
 public:
  NamesInUtf8() : utf8_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (utf8_ != nullptr) before_ = ::uselocale(utf8_);
  }
  ~NamesInUtf8() {
    if (utf8_ == nullptr) return;
    ::uselocale(before_);
    ::freelocale(utf8_);
  }
  NamesInUtf8(const NamesInUtf8&) = delete;
  NamesInUtf8& operator=(const NamesInUtf8&) = delete;

 private:
  ::locale_t utf8_;
  ::locale_t before_ = nullptr;
};

std::string name_of_entry(::archive_entry* entry) {
  const char* name = archive_entry_pathname_utf8(entry);
  if (name == nullptr) name = archive_entry_pathname(entry);
  return name == nullptr ? "" : name;
}

const char* refusal_of(::archive_entry* entry) {
  if (archive_entry_hardlink(entry) != nullptr || archive_entry_filetype(entry) == AE_IFLNK) {
    return "is a link, which is not followed";
  }
  if (archive_entry_filetype(entry) != AE_IFREG) return "is a device, a pipe or a socket";
  if (archive_entry_is_encrypted(entry) != 0) return "is encrypted";
  return "";
}

}  // namespace

struct Archive::Impl {
  std::string path;
  Limits limits;
  std::string name;
  std::string refusal;
  ::archive* handle = nullptr;
  ::archive_entry* entry = nullptr;
  Index most_bytes = 0;  // unpacked
  bool ended = false;
  Index files = 0;
  Index bytes = 0;  // handed out

  ~Impl() {
    if (handle != nullptr) archive_read_free(handle);
  }
  [[noreturn]] void fail_reading() const {
    const char* reason = archive_error_string(handle);
    fail(ErrorKind::data, fmt::format("{}: archive is damaged or of an unknown kind{}: {}", path,
                                      name.empty() ? "" : fmt::format(" at or after {}", name),
                                      reason == nullptr ? "no reason given" : reason));
  }

  // `more` is what would be unpacked next.
  void check_ratio(Index more) const {
    const Index passed = std::max<Index>(bytes, archive_filter_bytes(handle, 0));
    if (more <= most_bytes && passed <= most_bytes - more) return;
    fail(ErrorKind::data, fmt::format("{}: unpacks to more than {} MiB at {}, over {} times its "
                                      "size; it is taken for a bomb and not read",
                                      path, most_bytes >> 20, name, limits.ratio));
  }

  void check_name() const {
    if (static_cast<Index>(name.size()) > limits.name_bytes) {
      fail(ErrorKind::data, fmt::format("{}: holds a file whose name has {} bytes; {} are read",
                                        path, name.size(), limits.name_bytes));
    }
    if (climbs_out(name)) {
      fail(ErrorKind::data,
           fmt::format("{}: holds a file named '{}', which lies outside of the archive; it is not "
                       "read",
                       path, name));
    }
  }
};

Archive::Archive(const std::string& path) : Archive(path, Limits()) {}

Archive::Archive(const std::string& path, const Limits& limits) : impl_(std::make_unique<Impl>()) {
  impl_->limits = limits;
  impl_->path = path;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    const int reason = errno;
    fail(kind_of_failure(reason, ErrorKind::no_input),
         fmt::format("{}: cannot open: {}", path, text_of_failure(reason)));
  }
  if (!S_ISREG(status.st_mode)) {
    fail(ErrorKind::no_input, fmt::format("{}: is not a regular file", path));
  }
  impl_->most_bytes = limits.bytes + limits.ratio * static_cast<Index>(status.st_size);
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
  const NamesInUtf8 names;
  while (!impl_->ended) {
    const int result = archive_read_next_header(impl_->handle, &impl_->entry);
    impl_->ended = result == ARCHIVE_EOF;
    if (impl_->ended) break;
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) impl_->fail_reading();
    if (++impl_->files > impl_->limits.files) {
      fail(ErrorKind::data,
           fmt::format("{}: holds more than {} files", impl_->path, impl_->limits.files));
    }
    impl_->name = name_of_entry(impl_->entry);
    impl_->check_name();
    impl_->check_ratio(std::max<Index>(archive_entry_size(impl_->entry), 0));
    if (archive_entry_filetype(impl_->entry) == AE_IFDIR) continue;
    impl_->refusal = refusal_of(impl_->entry);
    return true;
  }
  return false;
}

const std::string& Archive::name() const { return impl_->name; }
const std::string& Archive::refusal() const { return impl_->refusal; }

std::vector<std::byte> Archive::read(Index most) {
  const auto check_size = [&](Index size) {
    if (size <= most) return;
    fail(ErrorKind::data, fmt::format("{}: {}: is larger than {} MiB unpacked; it is not read",
                                      impl_->path, impl_->name, most >> 20));
  };
  // What the header claims is a hint; the end is where the data ends.
  std::vector<std::byte> bytes;
  const auto claimed = std::max<Index>(archive_entry_size(impl_->entry), 0);
  check_size(claimed);
  bytes.reserve(static_cast<std::size_t>(std::min(claimed, kHint)));
  for (;;) {
    const void* block = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int result = archive_read_data_block(impl_->handle, &block, &size, &offset);
    if (result == ARCHIVE_EOF) break;
    if (result != ARCHIVE_OK) {  // a wrong checksum is only warned of
      const char* reason = archive_error_string(impl_->handle);
      fail(ErrorKind::data, fmt::format("{}: {}: is damaged: {}", impl_->path, impl_->name,
                                        reason == nullptr ? "no reason given" : reason));
    }
    if (offset < static_cast<la_int64_t>(bytes.size())) {
      fail(ErrorKind::data,
           fmt::format("{}: {}: is damaged: its pieces overlap", impl_->path, impl_->name));
    }
    check_size(offset > most ? offset : offset + static_cast<Index>(size));
    bytes.resize(static_cast<std::size_t>(offset));  // holes of sparse files are zeros
    const auto* first = static_cast<const std::byte*>(block);
    bytes.insert(bytes.end(), first, first + size);
  }
  impl_->bytes += static_cast<Index>(bytes.size());
  impl_->check_ratio(0);
  return bytes;
}

bool is_archive_name(const std::string& name) {
  constexpr std::array<std::string_view, 8> kEndings{".zip",    ".npz",     ".tar",    ".tgz",
                                                     ".tar.gz", ".tar.bz2", ".tar.xz", ".txz"};
  return std::any_of(kEndings.begin(), kEndings.end(),
                     [&](std::string_view ending) { return name.ends_with(ending); });
}

bool is_archive(const std::string& path) {
  if (is_archive_name(path)) return true;
  return beginning_of_file(path, 4) == "PK\x03\x04";
}

bool is_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1F} && bytes[1] == std::byte{0x8B};
}

std::vector<std::byte> gunzip(std::vector<std::byte> bytes, Index most, const std::string& where) {
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
