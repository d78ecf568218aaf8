#include "data/archive/archive_process.h"

#include <fmt/format.h>

#include <optional>

namespace kindred {
namespace {

constexpr std::size_t kListed = 4096;          // files that cross together, or are passed over
constexpr Index kMostCalls = 1 << 20;          // that pass over files alone
constexpr Index kReadBytes = Index{32} << 20;  // that cross together, and the last file
constexpr double kSeconds = 600;               // a call may pass over much
constexpr Index kMemory = Index{1} << 30;      // beside what is read

// A file is held while it grows, and once more to cross.
IsolationLimits archive_limits(Index most) {
  return {.memory = kMemory + 4 * most, .seconds = kSeconds};
}

// "./a/1.jpg" is what tar makes of "tar cf x.tar .".
std::string without_dot(const std::string& name) {
  return name.starts_with("./") ? name.substr(2) : name;
}

}  // namespace

struct ArchiveProcess::InChild {
  std::string path;
  Index most;
  std::optional<Archive> archive;
  std::string end;  // why nothing more can be read

  bool next() {
    if (!archive) archive.emplace(path);
    return archive->next();
  }

  /// False where a call has passed over enough.
  bool find(const std::string& name) {
    for (std::size_t passed = 0; passed < kListed; ++passed) {
      if (!next()) fail(ErrorKind::data, fmt::format("{}: changed while it was read", path));
      if (archive->refusal().empty() && without_dot(archive->name()) == name) return true;
    }
    return false;
  }

  std::optional<FileContent> content(const std::string& name) {
    FileContent content;
    try {
      if (end.empty() && !find(name)) return std::nullopt;
    } catch (const Error& error) {
      end = error.what();
    }
    try {
      if (end.empty()) content.bytes = archive->read(most);
      if (!end.empty()) content.error = fmt::format("{}: {}: is out of reach: {}", path, name, end);
    } catch (const Error& error) {
      content.error = error.what();
    }
    return content;
  }

  static std::vector<ArchiveEntry> list(InChild* self) {
    std::vector<ArchiveEntry> entries;
    while (entries.size() < kListed && self->next()) {
      entries.push_back({without_dot(self->archive->name()), self->archive->refusal()});
    }
    return entries;
  }

  static std::vector<FileContent> read(InChild* self, std::vector<std::string> names) {
    std::vector<FileContent> contents;
    Index bytes = 0;
    for (std::size_t i = 0; i < names.size() && bytes < kReadBytes; ++i) {
      std::optional<FileContent> content = self->content(names[i]);
      if (!content) break;
      contents.push_back(std::move(*content));
      bytes += static_cast<Index>(contents.back().bytes.size());
    }
    return contents;
  }
};

ArchiveProcess::ArchiveProcess(const std::string& path, Index most)
    : reader_(new InChild{path, most, {}, {}}), process_(path, archive_limits(most)) {}

ArchiveProcess::~ArchiveProcess() = default;

std::vector<ArchiveEntry> ArchiveProcess::list() {
  return process_.call(InChild::list, reader_.get());
}

std::vector<FileContent> ArchiveProcess::read(const std::vector<std::string>& names) {
  // Each call has a time limit of its own.
  for (Index call = 0; call < kMostCalls; ++call) {
    std::vector<FileContent> contents = process_.call(InChild::read, reader_.get(), names);
    if (!contents.empty() || names.empty()) return contents;
  }
  fail(ErrorKind::data, "its reader finds no end");
}

}  // namespace kindred
