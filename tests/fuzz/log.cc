// metrics.jsonl: lines, and the curves that are drawn of them.
#include "fuzz.h"
#include "train/reports/run_curves.h"
#include "train/runs/run_log.h"

KINDRED_FUZZ_TARGET(log) {
  using namespace kindred;
  const std::string path = fuzz::scratch("log");
  fuzz::write(path, bytes);
  const std::vector<Json> lines = read_run_log(path);
  for (const std::string& name : acknowledged_checkpoints(lines)) {
    fuzz::require(name.starts_with("checkpoints/step-") && name.find("..") == name.npos);
  }
  run_curves(lines);
  kept_step(lines);
  for (const char* split : {"test", "validation"}) {
    if (const Json* line = last_evaluation(lines, split)) numbers_of_evaluation(*line);
  }
  if (lines.empty()) return;
  cut_run_log(path, lines[0]["step"].get<Index>());
  for (const Json& line : read_run_log(path)) {
    fuzz::require(line["step"].get<Index>() <= lines[0]["step"].get<Index>());
  }
}
