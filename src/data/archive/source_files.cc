#include "data/archive/source_files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "core/files/fail_io.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/core/text.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kReadTogether = 256;  // files of an archive

bool is_hidden(std::string_view name) {
  return name.starts_with('.') || name.find("/.") != name.npos || name.starts_with("__MACOSX/");
}

// Of one that kills its reader, each file is an error.
std::vector<FileContent> read(ArchiveProcess& archive, const std::vector<std::string>& names) {
  std::string reason = "its reader went astray";
  try {
    std::vector<FileContent> contents = archive.read(names);
    if (!contents.empty() && contents.size() <= names.size()) return contents;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::data) throw;
    reason = error.what();
  }
  std::vector<FileContent> contents;
  for (const std::string& name : names) {
    contents.push_back({{}, fmt::format("{}: is out of reach: {}", name, reason)});
  }
  return contents;
}

bool is_control(unsigned char c) { return c < 0x20 || c == 0x7F; }

}  // namespace

SourceFiles::SourceFiles(std::span<const std::string> sources)
    : sources_(sources.begin(), sources.end()) {
  for (Index i = 0; i < static_cast<Index>(sources_.size()); ++i) {
    const std::string& source = sources_[static_cast<std::size_t>(i)];
    std::error_code error;
    const fs::file_status status = fs::status(source, error);
    if (!fs::exists(status)) {
      fail(kind_of_failure(error.value(), ErrorKind::no_input),
           fmt::format("{}: cannot open: {}", source, text_of_failure(error.value())));
    }
    if (fs::is_directory(status)) {
      list_folder(i);
    } else if (!fs::is_regular_file(status)) {  // opening a pipe would wait for who writes into it
      fail(ErrorKind::no_input, fmt::format("{}: is neither a file nor a folder", source));
    } else if (is_archive(source)) {
      list_archive(i);
    } else {
      files_.push_back({fs::path(source).filename().string(), source, source, i});
    }
  }
}

// Folders behind symbolic links are not entered: they may lead in circles.
void SourceFiles::list_folder(Index source) {
  const fs::path root = sources_[static_cast<std::size_t>(source)];
  std::error_code error;
  const auto check = [&] {
    if (error) {
      fail(kind_of_failure(error.value(), ErrorKind::no_input),
           fmt::format("{}: cannot be listed: {}", root.string(), text_of_failure(error.value())));
    }
  };
  const auto begin = static_cast<std::ptrdiff_t>(files_.size());
  const auto first_left_out = static_cast<std::ptrdiff_t>(left_out_.size());
  // One inside that may not be entered is left out; the source itself is an error.
  if (::access(root.c_str(), R_OK | X_OK) != 0) error = {errno, std::generic_category()};
  check();
  fs::recursive_directory_iterator walk(root, fs::directory_options::skip_permission_denied, error);
  check();
  for (; walk != fs::recursive_directory_iterator(); walk.increment(error), check()) {
    std::error_code ignored;
    std::string path = walk->path().string();
    std::string name = walk->path().lexically_relative(root).generic_string();
    if (is_hidden(name)) {
      hidden_ += walk->is_directory(ignored) ? 0 : 1;
      continue;
    }
    if (walk->is_directory(ignored)) {
      if (walk->is_symlink(ignored)) {
        left_out_.push_back(path + ": is a link to a folder, which is not followed");
      } else if (::access(path.c_str(), R_OK | X_OK) != 0) {
        left_out_.push_back(path + ": is a folder that may not be entered");
      }
    } else if (!walk->is_regular_file(ignored)) {
      left_out_.push_back(path + (walk->is_symlink(ignored) ? ": is a link to no file"
                                                            : ": is a device, a pipe or a socket"));
    } else {
      add({std::move(name), path, path, source});
    }
  }
  check();
  std::sort(left_out_.begin() + first_left_out, left_out_.end());
  std::sort(files_.begin() + begin, files_.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.name < b.name; });
}

void SourceFiles::list_archive(Index source) {
  const std::string& path = sources_[static_cast<std::size_t>(source)];
  ArchiveProcess archive(path, kMostFileBytes);
  for (std::vector<ArchiveEntry> some = archive.list(); !some.empty(); some = archive.list()) {
    for (ArchiveEntry& entry : some) {
      if (is_hidden(entry.name)) {
        ++hidden_;
        continue;
      }
      std::string where = fmt::format("{}: {}", path, entry.name);
      add({std::move(entry.name), std::move(where), "", source}, entry.refusal);
    }
  }
}

// Names go to terminals and into lists.
void SourceFiles::add(SourceFile file, const std::string& refusal) {
  const bool plain = std::none_of(file.name.begin(), file.name.end(), is_control);
  if (plain && refusal.empty()) {
    files_.push_back(std::move(file));
    return;
  }
  left_out_.push_back(printable(file.where) + ": " +
                      (plain ? refusal : "has control characters in its name"));
}

void SourceFiles::visit(std::span<const Index> wanted,
                        FunctionRef<bool(Index file, FileContent content)> take) const {
  for (Index source = 0; source < static_cast<Index>(sources_.size()); ++source) {
    std::vector<Index> own;
    std::copy_if(wanted.begin(), wanted.end(), std::back_inserter(own), [&](Index file) {
      return (*this)[file].source == source && (*this)[file].path.empty();
    });
    if (own.empty()) continue;
    std::sort(own.begin(), own.end());
    if (!visit_archive(source, own, take)) return;
  }
  for (const Index file : wanted) {
    if (!(*this)[file].path.empty() && !take(file, {})) return;
  }
}

// `wanted` in the archive's order.
bool SourceFiles::visit_archive(Index source, std::span<const Index> wanted,
                                FunctionRef<bool(Index file, FileContent content)> take) const {
  ArchiveProcess archive(sources_[static_cast<std::size_t>(source)], kMostFileBytes);
  while (!wanted.empty()) {
    std::vector<std::string> names;
    for (const Index file : wanted.first(std::min(wanted.size(), kReadTogether))) {
      names.push_back((*this)[file].name);
    }
    std::vector<FileContent> contents = read(archive, names);
    for (std::size_t i = 0; i < contents.size(); ++i) {
      if (!take(wanted[i], std::move(contents[i]))) return false;
    }
    wanted = wanted.subspan(contents.size());
  }
  return true;
}

std::vector<std::byte> SourceFiles::content(Index file, Index most) const {
  const SourceFile& wanted = (*this)[file];
  if (!wanted.path.empty()) return read_file(wanted.path, most);
  ArchiveProcess archive(sources_[static_cast<std::size_t>(wanted.source)], most);
  std::vector<FileContent> contents = archive.read({wanted.name});
  if (contents.size() != 1) fail(ErrorKind::data, wanted.where + ": its reader went astray");
  if (!contents[0].error.empty()) fail(ErrorKind::data, contents[0].error);
  return std::move(contents[0].bytes);
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
