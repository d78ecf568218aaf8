#include "data/source_files.h"

#include <fmt/format.h>
#include <unistd.h>

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

// "./a/1.jpg" is what tar makes of "tar cf x.tar .".
std::string without_dot(const std::string& name) {
  return name.starts_with("./") ? name.substr(2) : name;
}

// Goes on in the archive to that file.
void find(Archive& archive, const SourceFile& wanted) {
  while (archive.next()) {
    if (archive.refusal().empty() && without_dot(archive.name()) == wanted.name) return;
  }
  fail(ErrorKind::data, fmt::format("{}: changed while it was read", wanted.where));
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
  const auto first_left_out = static_cast<std::ptrdiff_t>(left_out_.size());
  fs::recursive_directory_iterator walk(root, fs::directory_options::skip_permission_denied, error);
  check();
  for (; walk != fs::recursive_directory_iterator(); walk.increment(error), check()) {
    std::error_code ignored;
    std::string path = walk->path().string();
    std::string name = walk->path().lexically_relative(root).generic_string();
    if (is_hidden(name)) continue;
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
  Archive archive(path);
  while (archive.next()) {
    const std::string name = without_dot(archive.name());
    if (is_hidden(name)) continue;
    std::string where = fmt::format("{}: {}", path, name);
    if (archive.refusal().empty()) {
      add({name, std::move(where), "", source});
    } else {
      left_out_.push_back(where + ": " + archive.refusal());
    }
  }
}

// Names go to terminals and into lists.
void SourceFiles::add(SourceFile file) {
  if (std::none_of(file.name.begin(), file.name.end(), is_control)) {
    files_.push_back(std::move(file));
    return;
  }
  std::string shown = file.where;
  std::replace_if(shown.begin(), shown.end(), is_control, '?');
  left_out_.push_back(shown + ": has control characters in its name");
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

// `wanted` in the archive's order. Behind damage that cannot be passed, each is an error.
bool SourceFiles::visit_archive(Index source, std::span<const Index> wanted,
                                FunctionRef<bool(Index file, FileContent content)> take) const {
  Archive archive(sources_[static_cast<std::size_t>(source)]);
  std::string end;  // why nothing more comes
  for (const Index file : wanted) {
    const SourceFile& own = (*this)[file];
    FileContent content;
    try {
      if (end.empty()) find(archive, own);
    } catch (const Error& error) {
      end = error.what();
    }
    try {
      if (end.empty()) content.bytes = archive.read(kMostFileBytes);
      if (!end.empty()) content.error = fmt::format("{}: cannot be reached: {}", own.where, end);
    } catch (const Error& error) {
      content.error = error.what();
    }
    if (!take(file, std::move(content))) return false;
  }
  return true;
}

std::vector<std::byte> SourceFiles::content(Index file, Index most) const {
  const SourceFile& wanted = (*this)[file];
  if (!wanted.path.empty()) return read_file(wanted.path, most);
  Archive archive(sources_[static_cast<std::size_t>(wanted.source)]);
  find(archive, wanted);
  return archive.read(most);
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
