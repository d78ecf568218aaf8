#include "data/source_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "data/archive.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;

bool is_hidden(std::string_view name) {
  return name.starts_with('.') || name.find("/.") != name.npos || name.starts_with("__MACOSX/");
}

}  // namespace

SourceFiles::SourceFiles(std::span<const std::string> sources)
    : sources_(sources.begin(), sources.end()) {
  for (Index i = 0; i < static_cast<Index>(sources_.size()); ++i) {
    const std::string& source = sources_[static_cast<std::size_t>(i)];
    std::error_code error;
    const fs::file_status status = fs::status(source, error);
    if (!fs::exists(status)) {
      fail(ErrorKind::no_input, fmt::format("{}: cannot open: {}", source, error.message()));
    }
    if (fs::is_directory(status)) {
      list_folder(i);
    } else if (is_archive(source)) {
      list_archive(i);
    } else if (fs::is_regular_file(status)) {
      files_.push_back({fs::path(source).filename().string(), source, source, i});
    } else {
      fail(ErrorKind::no_input, fmt::format("{}: is neither a file nor a folder", source));
    }
  }
}

// Folders behind symbolic links are not entered: they may lead in circles.
void SourceFiles::list_folder(Index source) {
  const fs::path root = sources_[static_cast<std::size_t>(source)];
  std::error_code error;
  const auto check = [&] {
    if (error) {
      fail(ErrorKind::no_input,
           fmt::format("{}: cannot be listed: {}", root.string(), error.message()));
    }
  };
  const auto begin = static_cast<std::ptrdiff_t>(files_.size());
  fs::recursive_directory_iterator walk(root, fs::directory_options::skip_permission_denied, error);
  check();
  for (; walk != fs::recursive_directory_iterator(); walk.increment(error), check()) {
    std::error_code ignored;
    if (!walk->is_regular_file(ignored)) continue;
    std::string name = walk->path().lexically_relative(root).generic_string();
    if (is_hidden(name)) continue;
    files_.push_back({std::move(name), walk->path().string(), walk->path().string(), source});
  }
  check();
  std::sort(files_.begin() + begin, files_.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.name < b.name; });
}

void SourceFiles::list_archive(Index source) {
  const std::string& path = sources_[static_cast<std::size_t>(source)];
  Archive archive(path);
  while (archive.next()) {
    if (is_hidden(archive.name())) continue;
    files_.push_back({archive.name(), fmt::format("{}: {}", path, archive.name()), "", source});
  }
}

void SourceFiles::visit(std::span<const Index> wanted,
                        FunctionRef<bool(Index file, std::vector<std::byte> bytes)> take) const {
  for (Index source = 0; source < static_cast<Index>(sources_.size()); ++source) {
    std::vector<Index> own;
    std::copy_if(wanted.begin(), wanted.end(), std::back_inserter(own), [&](Index file) {
      return (*this)[file].source == source && (*this)[file].path.empty();
    });
    if (own.empty()) continue;
    std::sort(own.begin(), own.end());
    Archive archive(sources_[static_cast<std::size_t>(source)]);
    for (auto next = own.begin(); next != own.end() && archive.next();) {
      if (archive.name() != (*this)[*next].name) continue;
      if (!take(*next++, archive.read(kMostFileBytes))) return;
    }
  }
  for (const Index file : wanted) {
    if (!(*this)[file].path.empty() && !take(file, {})) return;
  }
}

std::vector<std::byte> SourceFiles::content(Index file, Index most) const {
  const SourceFile& wanted = (*this)[file];
  if (!wanted.path.empty()) return read_file(wanted.path, most);
  Archive archive(sources_[static_cast<std::size_t>(wanted.source)]);
  while (archive.next()) {
    if (archive.name() == wanted.name) return archive.read(most);
  }
  fail(ErrorKind::data, fmt::format("{}: changed while it was read", wanted.where));
}

std::vector<std::string> SourceFiles::parts(std::string_view name) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    parts.emplace_back(name.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

}  // namespace kindred
