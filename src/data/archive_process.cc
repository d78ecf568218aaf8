#include "data/archive_process.h"

#include <fmt/format.h>

#include <optional>

namespace kindred {
namespace {

constexpr std::size_t kListed = 4096;          // files that cross together
constexpr Index kReadBytes = Index{32} << 20;  // that cross together, and the last file
// A call may pass over much that is not wanted; the bytes are bounded by Archive's ratio.
constexpr IsolationLimits kLimits{.memory = Index{3} << 30, .seconds = 600};

// "./a/1.jpg" is what tar makes of "tar cf x.tar .".
std::string without_dot(const std::string& name) {
  return name.starts_with("./") ? name.substr(2) : name;
}

}  // namespace

struct ArchiveProcess::InChild {
  std::string path;
  std::optional<Archive> archive;
  std::string end;  // why nothing more can be read

  bool next() {
    if (!archive) archive.emplace(path);
    return archive->next();
  }

  void find(const std::string& name) {
    while (next()) {
      if (archive->refusal().empty() && without_dot(archive->name()) == name) return;
    }
    fail(ErrorKind::data, fmt::format("{}: changed while it was read", path));
  }

  FileContent content(const std::string& name, Index most) {
    FileContent content;
    try {
      if (end.empty()) find(name);
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

  static std::vector<FileContent> read(InChild* self, std::vector<std::string> names, Index most) {
    std::vector<FileContent> contents;
    Index bytes = 0;
    for (std::size_t i = 0; i < names.size() && bytes < kReadBytes; ++i) {
      contents.push_back(self->content(names[i], most));
      bytes += static_cast<Index>(contents.back().bytes.size());
    }
    return contents;
  }
};

ArchiveProcess::ArchiveProcess(const std::string& path)
    : reader_(new InChild{path, {}, {}}), process_(path, kLimits) {}

ArchiveProcess::~ArchiveProcess() = default;

std::vector<ArchiveEntry> ArchiveProcess::list() {
  return process_.call(InChild::list, reader_.get());
}

std::vector<FileContent> ArchiveProcess::read(const std::vector<std::string>& names, Index most) {
  return process_.call(InChild::read, reader_.get(), names, most);
}

}  // namespace kindred
