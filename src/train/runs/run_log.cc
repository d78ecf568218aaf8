#include "train/runs/run_log.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "core/files/fail_io.h"
#include "core/files/positioned_io.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "train/step_limit.h"

namespace kindred {
namespace {

constexpr Index kMostBytes = Index{1} << 30;
constexpr std::size_t kLongestLine = std::size_t{1} << 20;
constexpr Index kMostValues = 10'000;  // in the lists of a line: ours have none

bool is_record(const Json& line) {
  if (!line.is_object()) return false;
  const auto loss = line.find("loss");
  if (loss != line.end() && !loss->is_number() && !loss->is_null()) return false;
  const auto step = line.find("step");
  return step != line.end() && step->is_number_unsigned() &&
         step->get<std::uint64_t>() <= std::uint64_t{kMostSteps};
}

// "checkpoints/step-00000020.kindred": anything else is not one of ours, wherever it lies.
bool is_checkpoint_name(std::string_view name) {
  constexpr std::string_view kBegin = "checkpoints/step-";
  constexpr std::string_view kEnd = ".kindred";
  if (!name.starts_with(kBegin) || !name.ends_with(kEnd)) return false;
  name.remove_prefix(kBegin.size());
  name.remove_suffix(kEnd.size());
  return !name.empty() && name.find_first_not_of("0123456789") == name.npos;
}

}  // namespace

RunLog::RunLog(const std::string& path)
    : path_(path), file_(FileHandle::open(path, O_WRONLY | O_APPEND)) {
  const bool is_new = !file_.valid() && errno == ENOENT;
  if (is_new) file_ = FileHandle::open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (!file_.valid()) {
    const int reason = errno;
    fail(kind_of_failure(reason, ErrorKind::cannot_create),
         fmt::format("{}: cannot open for writing: {}", path, text_of_failure(reason)));
  }
  // Lines that are on the disk are lost without the name.
  if (is_new) sync_folder(std::filesystem::path(path).parent_path().string(), path);
}

void RunLog::close() {
  sync();
  if (!file_.close()) fail_io(path_, "closing");
}

void RunLog::append(const Json& line) {
  const std::string text = dump_json(line) + "\n";
  write_all(file_.get(), std::as_bytes(std::span(text)), path_, "free some space");
}

void RunLog::sync() { sync_to_disk(file_.get(), path_); }

void RunLog::acknowledge(const Json& line) {
  append(line);
  sync();
}

Json parse_record(std::string_view text) {
  Json line;
  if (text.size() <= kLongestLine && beyond(text, {.values = kMostValues}).empty()) {
    line = Json::parse(text, nullptr, false);
  }
  return is_record(line) ? line : Json();
}

std::vector<Json> read_run_log(const std::string& path) {
  std::vector<Json> lines;
  if (!exists(path)) return lines;
  const std::vector<std::byte> bytes = read_file(path, kMostBytes);
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (Index number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) break;  // torn: the writer was cut off
    const std::string_view text = rest.substr(0, end);
    if (text.find('\0') != text.npos) break;  // a hole: no line behind it was synced
    rest.remove_prefix(end + 1);
    Json line = parse_record(text);
    if (line.is_object()) {
      lines.push_back(std::move(line));
    } else if (!rest.empty()) {
      fail(ErrorKind::data, fmt::format("{}: line {} is not one of our records; was the file "
                                        "edited? Put back what training wrote",
                                        path, number));
    }
  }
  return lines;
}

double number_in(const Json& line, std::string_view key, double otherwise) {
  const auto found = line.find(key);
  return found != line.end() && found->is_number() ? found->get<double>() : otherwise;
}

void cut_run_log(const std::string& path, Index step) {
  std::string kept;
  std::set<std::pair<std::string, Index>> evaluations;
  for (const Json& line : read_run_log(path)) {
    const Index at = line["step"].get<Index>();
    if (at > step) continue;
    const std::string split = evaluated_split(line);
    if (split.empty() || evaluations.emplace(split, at).second) kept += dump_json(line) + "\n";
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
    const auto name = line.find("checkpoint");
    if (name == line.end() || !name->is_string()) continue;
    if (is_checkpoint_name(name->get_ref<const std::string&>())) {
      found.push_back(name->get<std::string>());
    }
  }
  std::reverse(found.begin(), found.end());
  return found;
}

}  // namespace kindred
