#include "run_log.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "core/positioned_io.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"

namespace kindred {

RunLog::RunLog(const std::string& path)
    : path_(path), file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
  if (!file_.valid()) {
    fail(ErrorKind::cannot_create,
         fmt::format("{}: cannot open for writing: {}", path, std::strerror(errno)));
  }
}

void RunLog::close() {
  sync_to_disk(file_.get(), path_);
  if (!file_.close()) {
    fail(ErrorKind::io, fmt::format("{}: closing failed: {}", path_, std::strerror(errno)));
  }
}

void RunLog::append(const Json& line) {
  const std::string text = line.dump() + "\n";
  write_all(file_.get(), std::as_bytes(std::span(text)), path_, "free some space, then --resume");
}

void RunLog::acknowledge(const Json& line) {
  append(line);
  sync_to_disk(file_.get(), path_);
}

std::vector<Json> read_run_log(const std::string& path) {
  std::vector<Json> lines;
  if (!std::filesystem::exists(path)) return lines;
  const std::vector<std::byte> bytes = read_file(path);
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (Index number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) break;  // torn: the writer was cut off
    Json line = Json::parse(rest.substr(0, end), nullptr, false);
    rest.remove_prefix(end + 1);
    if (line.is_object() && line.contains("step") && line["step"].is_number_integer()) {
      lines.push_back(std::move(line));
    } else if (!rest.empty()) {
      fail(ErrorKind::data, fmt::format("{}: line {} is not one of our records; was the file "
                                        "edited?",
                                        path, number));
    }
  }
  return lines;
}

void cut_run_log(const std::string& path, Index step) {
  std::string kept;
  std::set<std::pair<std::string, Index>> evaluations;
  for (const Json& line : read_run_log(path)) {
    const Index at = line["step"].get<Index>();
    if (at > step) continue;
    const std::string split = evaluated_split(line);
    if (split.empty() || evaluations.emplace(split, at).second) kept += line.dump() + "\n";
  }
  write_file_durably(path, kept);
}

std::string evaluated_split(const Json& line) {
  const auto split = line.find("split");
  return split != line.end() && split->is_string() ? split->get<std::string>() : std::string();
}

std::vector<std::string> acknowledged_checkpoints(const std::vector<Json>& lines) {
  std::vector<std::string> found;
  for (const Json& line : lines) {
    if (line.contains("checkpoint") && line["checkpoint"].is_string()) {
      found.push_back(line["checkpoint"].get<std::string>());
    }
  }
  std::reverse(found.begin(), found.end());
  return found;
}

}  // namespace kindred
