#include "kindred/core/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <new>
#include <system_error>

#include "core/files/fail_io.h"
#include "core/files/file_handle.h"
#include "core/files/made_folders.h"
#include "core/files/opened_file.h"
#include "core/files/running_checksum.h"
#include "kindred/core/error.h"
#include "kindred/core/memory.h"
#include "kindred/core/output_file.h"

namespace kindred {

void write_file_durably(const std::string& path,
                        std::span<const std::span<const std::byte>> parts) {
  OutputFile file(path);
  for (const auto& part : parts) file.write(part);
  file.commit();
}

void write_file_durably(const std::string& path, std::string_view text) {
  const std::array<std::span<const std::byte>, 1> parts{
      std::as_bytes(std::span(text.data(), text.size()))};
  write_file_durably(path, parts);
}

std::vector<std::byte> read_file(const std::string& path, Index most) {
  const OpenedFile file = open_to_read(path);
  if (file.size > most) {
    fail(ErrorKind::data,
         fmt::format("{}: has {} bytes; at most {} are expected here", path, file.size, most));
  }
  constexpr Index kSmall = Index{64} << 20;
  if (file.size > kSmall && file.size > machine_memory()) {
    fail(ErrorKind::system,
         fmt::format("{}: has {}, more than the {} that the process may have", path,
                     text_of_bytes(file.size), text_of_bytes(machine_memory())));
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(file.size));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(file.handle.get(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail_io(path, "reading");
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

namespace {

std::filesystem::file_type type_of(const std::string& path) {
  std::error_code code;
  const std::filesystem::file_type type = std::filesystem::status(path, code).type();
  if (type == std::filesystem::file_type::none) {  // another reason than that it is not there
    fail(kind_of_failure(code.value(), ErrorKind::no_input),
         fmt::format("{}: cannot be looked at: {}", path, code.message()));
  }
  return type;
}

}  // namespace

bool exists(const std::string& path) {
  return type_of(path) != std::filesystem::file_type::not_found;
}

bool is_folder(const std::string& path) {
  return type_of(path) == std::filesystem::file_type::directory;
}

std::string beginning_of_file(const std::string& path, std::size_t most) {
  const FileHandle file = FileHandle::open(path, O_RDONLY | O_NONBLOCK);
  const bool says_nothing =  // about the file
      errno == EIO || kind_of_failure(errno, ErrorKind::no_input) == ErrorKind::system;
  if (!file.valid() && says_nothing) fail_io(path, "opening");
  struct stat status {};
  if (!file.valid() || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return "";
  std::string bytes(most, '\0');
  ssize_t got = 0;
  do {
    got = ::read(file.get(), bytes.data(), bytes.size());
  } while (got < 0 && errno == EINTR);
  if (got < 0) fail_io(path, "reading");
  bytes.resize(static_cast<std::size_t>(got));
  return bytes;
}

void make_folders(const std::string& path) {
  MadeFolders folders;
  folders.make(path);
  folders.keep();
}

std::uint64_t checksum(std::span<const std::byte> bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

std::uint64_t checksum(std::span<const std::span<const std::byte>> parts) {
  RunningChecksum sum;
  for (const auto& part : parts) sum.add(part);
  return sum.value();
}

std::string hex(std::uint64_t value) { return fmt::format("{:016x}", value); }

}  // namespace kindred
