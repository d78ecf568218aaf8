#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/files/file_handle.h"
#include "core/texts/json_text.h"
#include "kindred/core/index.h"

namespace kindred {

/// metrics.jsonl: one JSON object a line, each with the "step" it was written at. Only appended to.
class RunLog {
 public:
  /// Opens for appending, made where it is missing. Fails with cannot_create.
  explicit RunLog(const std::string& path);

  /// One line. Fails with io.
  void append(const Json& line);
  /// What was appended is on the disk when it returns. Fails with io.
  void sync();
  /// As append, and on the disk when it returns: what acknowledges a checkpoint.
  void acknowledge(const Json& line);
  /// All of it is on the disk when it returns. Fails with io. Nothing may be appended afterwards.
  void close();

 private:
  std::string path_;
  FileHandle file_;
};

/// The lines that parse; a torn last line is left out, and what stands behind a hole of zeros with
/// it: after a loss of power a disk has pieces of what was not synced. Fails with data on another
/// line before the last that is no JSON object. Missing file: no lines.
std::vector<Json> read_run_log(const std::string& path);

/// A line without its end; no object where it is none of ours.
Json parse_record(std::string_view text);

/// The split that a line is an evaluation of; "" where it is none.
std::string evaluated_split(const Json& line);

/// A number of a line; `otherwise` where it has none of that name.
double number_in(const Json& line, std::string_view key, double otherwise = 0);

/// Rewrites the log, durably: without lines past `step`, and of several evaluations of one split at
/// one step with the first alone.
void cut_run_log(const std::string& path, Index step);

/// Acknowledged checkpoints, newest first, as they stand in the log (relative to the run folder).
std::vector<std::string> acknowledged_checkpoints(const std::vector<Json>& lines);

}  // namespace kindred
