#include "kindred/train/run_watch.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <optional>

#include "core/files/file_lock.h"
#include "core/files/positioned_io.h"
#include "eval/report/report_json.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/eval/report_sections.h"
#include "train/reports/judged_run.h"
#include "train/reports/run_curves.h"
#include "train/reports/run_facts.h"
#include "train/reports/run_to_show.h"
#include "train/runs/run_folder.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kRest = 50;                                // times what looking at a model took
constexpr std::chrono::milliseconds kLongestRest{1500};  // of the curves
constexpr std::size_t kAtOnce = std::size_t{1} << 20;

/// The whole lines of a log that grows, or is cut or replaced when a run is resumed.
class LogTail {
 public:
  explicit LogTail(std::string path) : path_(std::move(path)) {}

  /// Appends what is new to `lines`, or fills them anew; true where there was something.
  bool read(std::vector<Json>& lines) {
    const FileHandle file = FileHandle::open(path_, O_RDONLY);
    if (!file.valid()) return false;
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return false;
    bool news = false;
    if (place_ > 0 && (status.st_size < place_ || status.st_ino != node_)) {
      *this = LogTail(path_);
      lines.clear();
      news = true;
    }
    node_ = status.st_ino;
    std::vector<char> bytes(kAtOnce);
    for (;;) {
      const ssize_t got = ::pread(file.get(), bytes.data(), bytes.size(), place_);
      if (got <= 0) return news;
      place_ += got;
      rest_.append(bytes.data(), static_cast<std::size_t>(got));
      news = take_lines(lines) || news;
    }
  }

 private:
  bool take_lines(std::vector<Json>& lines) {
    std::size_t begin = 0;
    for (std::size_t end = rest_.find('\n'); end != rest_.npos; end = rest_.find('\n', begin)) {
      Json line = parse_record(std::string_view(rest_).substr(begin, end - begin));
      if (line.is_object()) lines.push_back(std::move(line));
      begin = end + 1;
    }
    rest_.erase(0, begin);
    return begin > 0;
  }

  std::string path_;
  ino_t node_ = 0;
  Index place_ = 0;
  std::string rest_;  // of a line that is not whole yet
};

}  // namespace

struct RunWatch::Impl {
  explicit Impl(const std::string& path)
      : folder(path), tail(folder.log()), run(read_run_to_show(path)), workers(1) {
    run.log.clear();  // the tail reads it anew
    look();
  }

  /// Where a new model was kept, and the last one is long enough ago.
  void glance() {
    std::error_code code;
    const auto written = fs::last_write_time(folder.model(), code);
    if (code || written == looked_at || Clock::now() < not_before) return;
    const auto begin = Clock::now();
    looked_at = written;
    try {
      if (!run.dataset) {
        std::vector<Json> log = std::move(run.log);
        run = read_run_to_show(folder.path());
        run.log = std::move(log);
      } else {
        run.model = std::make_unique<Model>(read_model(folder.model()));
      }
      if (const std::optional<JudgedRun> judged = glance_at_run(run, workers)) show(*judged);
    } catch (const Error&) {
      // A model that is being replaced, or a data set that is gone: the curves go on.
    }
    not_before = Clock::now() + kRest * (Clock::now() - begin);
  }

  void show(const JudgedRun& judged) {
    Report newest;
    newest.title = run.name;
    const std::vector<std::string> names = judged_names(run, judged);
    const DescribedRows rows{judged.embeddings, judged.labels, names};
    describe_queries(workers, rows, rows, judged.options, judged.result, run.dataset->class_names(),
                     newest);
    add_judged_pictures(run, judged, workers, newest);
    numbers = report_numbers(judged.result);
    numbers_of = judged.what + ", of the newest model";
    report = std::move(newest);
    ++gallery;
  }

  void look() {
    if (Clock::now() < next_look) return;
    const auto begin = Clock::now();
    if (tail.read(run.log) || page_run.name.empty()) {
      page_run = {};
      page_run.name = run.name;
      page_run.facts = facts_of_run(run);
      page_run.series = run_curves(run.log);
      page_run.kept_step = kept_step(run.log);
      step = run.log.empty() ? 0 : run.log.back()["step"].get<Index>();
    }
    next_look = begin + std::min<Clock::duration>(kRest * (Clock::now() - begin), kLongestRest);
    page_run.numbers = numbers;
    page_run.numbers_of = numbers_of;
    if (numbers.empty()) return;
    if (const Json* line = baseline_of(run.log, "validation")) {
      page_run.baselines = {
          {line->at("baseline").get<std::string>() + ", of all validation samples",
           number_in(*line, "recall@1")}};
    }
  }

  const Report& as_now() {
    report.title = run.name;
    report.runs = {page_run};
    report.live = true;
    return report;
  }

  RunFolder folder;
  LogTail tail;
  RunToShow run;
  Workers workers;
  mutable std::mutex mutex;
  ReportRun page_run;
  Index step = 0;
  std::vector<ReportNumber> numbers;
  std::string numbers_of;
  Report report;
  Index gallery = 0;
  fs::file_time_type looked_at{};
  Clock::time_point not_before = Clock::now();
  Clock::time_point next_look = Clock::now();
};

RunWatch::RunWatch(const std::string& folder) : impl_(std::make_unique<Impl>(folder)) {}
RunWatch::~RunWatch() = default;

RunState RunWatch::state() const {
  switch (FileLock::look_at(impl_->folder.path() + "/lock")) {
    case FileLock::Held::somebody: return RunState::running;
    case FileLock::Held::one_that_is_no_more: return RunState::stopped;
    case FileLock::Held::nobody: break;
  }
  return RunState::ended;
}

std::string RunWatch::page() {
  const std::lock_guard lock(impl_->mutex);
  impl_->look();
  return render_report(impl_->as_now());
}

std::string RunWatch::live(Index have) {
  static constexpr const char* kStates[] = {"running", "stopped", "ended"};
  const std::lock_guard lock(impl_->mutex);
  impl_->glance();
  impl_->look();
  return live_json(impl_->as_now(), impl_->gallery != have, kStates[static_cast<int>(state())],
                   impl_->step, impl_->gallery);
}

}  // namespace kindred
