#include "kindred/core/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <vector>

#include "core/files/fail_io.h"
#include "core/files/file_handle.h"
#include "core/files/output_target.h"
#include "core/files/partial_file.h"
#include "core/files/positioned_io.h"
#include "core/files/running_checksum.h"

namespace kindred {
namespace {

constexpr Index kPieceBytes = Index{1} << 20;  // read at once
constexpr const char* kWhenFull = "free some space and run again";

/// Calls take(piece) with the file's bytes [done, bytes).
template <typename Take>
void read_pieces(int descriptor, Index done, Index bytes, const std::string& path,
                 const Take& take) {
  std::vector<std::byte> piece(static_cast<std::size_t>(std::min(bytes - done, kPieceBytes)));
  while (done < bytes) {
    const Index some = std::min(bytes - done, kPieceBytes);
    read_at(descriptor, static_cast<std::uint64_t>(done), some, piece.data(), path);
    take(std::span(piece).first(static_cast<std::size_t>(some)));
    done += some;
  }
}

}  // namespace

struct KINDRED_HIDDEN OutputFile::Impl {
  OutputTarget target;
  PartialFile partial;
  FileHandle stream;                 // the target where it is written into
  std::vector<std::byte> beginning;  // that was left out at first
  RunningChecksum sum;               // of what comes behind it
  Index written = 0;

  void open_stream() {
    if (stream.valid()) return;
    if (target.descriptor >= 0) {
      std::fflush(nullptr);  // what was printed before comes before
      stream = FileHandle(::fcntl(target.descriptor, F_DUPFD_CLOEXEC, 0));
    } else {
      stream = FileHandle(::open(target.file.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC));
    }
    if (!stream.valid() && errno == EINTR && S_ISFIFO(target.status.st_mode)) {
      throw Interrupted(
          ErrorKind::io,
          fmt::format("{}: a signal came before anybody read this pipe", target.path));
    }
    if (!stream.valid()) fail_io(target.path, "opening");
  }

  Index bytes_beside() const {
    struct stat status {};
    if (::fstat(partial.descriptor(), &status) != 0) fail_io(target.path, "looking at it");
    return static_cast<Index>(status.st_size);
  }

  void check_written() const {
    if (written == 0) return;
    const Index left_out = std::ssize(beginning);
    RunningChecksum found;
    std::vector<std::byte> found_beginning(beginning.size());
    if (bytes_beside() == written) {
      read_at(partial.descriptor(), 0, left_out, found_beginning.data(), target.path);
      read_pieces(partial.descriptor(), left_out, written, target.path,
                  [&](std::span<const std::byte> piece) { found.add(piece); });
    }
    if (found.value() != sum.value() || found_beginning != beginning) {
      fail(ErrorKind::io,
           fmt::format("{}: does not read back as it was written; look after the disk",
                       target.path));
    }
  }
};

OutputFile::OutputFile(const std::string& path) : impl_(std::make_unique<Impl>()) {
  impl_->target = find_target(path);
  check_target(impl_->target);
  if (impl_->target.replaced) impl_->partial = PartialFile(impl_->target);
}

OutputFile::OutputFile(OutputFile&&) noexcept = default;
OutputFile& OutputFile::operator=(OutputFile&&) noexcept = default;
OutputFile::~OutputFile() = default;

const std::string& OutputFile::path() const { return impl_->target.path; }

const std::string& OutputFile::beside() {
  if (!impl_->partial.valid()) impl_->partial = PartialFile::temporary(path());
  return impl_->partial.path();
}

int OutputFile::descriptor() {
  beside();
  return impl_->partial.descriptor();
}

void OutputFile::write(std::span<const std::byte> bytes) {
  const bool beside = impl_->partial.valid();
  if (!beside) impl_->open_stream();
  write_all(beside ? impl_->partial.descriptor() : impl_->stream.get(), bytes, path(), kWhenFull);
  impl_->sum.add(bytes);
  impl_->written += static_cast<Index>(bytes.size());
}

void OutputFile::leave_out(Index bytes) {
  Impl& own = *impl_;
  beside();
  own.beginning.resize(static_cast<std::size_t>(bytes));
  write_all(own.partial.descriptor(), own.beginning, path(), kWhenFull);
  own.written = bytes;
}

void OutputFile::fill_in(std::span<const std::byte> bytes) {
  Impl& own = *impl_;
  own.beginning.assign(bytes.begin(), bytes.end());
  write_at(own.partial.descriptor(), 0, std::ssize(bytes), bytes.data(), path());
}

Index OutputFile::commit() {
  Impl& own = *impl_;
  if (own.target.replaced) {
    own.check_written();
    const Index bytes = own.bytes_beside();
    own.partial.put_in_place(own.target.file, path());
    return bytes;
  }
  own.open_stream();
  Index bytes = own.written;
  if (own.partial.valid()) {
    bytes = own.bytes_beside();
    read_pieces(own.partial.descriptor(), 0, bytes, path(), [&](std::span<const std::byte> piece) {
      write_all(own.stream.get(), piece, path(), kWhenFull);
    });
  }
  if (!own.stream.close()) fail_io(path(), "closing");
  return bytes;
}

bool is_written_into(const std::string& path) { return !find_target(path).replaced; }

bool is_standard_output(const std::string& path) {
  return find_target(path).descriptor == STDOUT_FILENO;
}

}  // namespace kindred
