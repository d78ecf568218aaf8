#include <fmt/format.h>

#include <filesystem>
#include <unordered_map>

#include "eval/eval.h"
#include "kindred/core/error.h"
#include "kindred/train/run_report.h"

namespace kindred::tools {

void add_page(const Command& command, PageOptions& options) {
  const Option html = command.add_option("--html", options.html, "write a page to look at")
                          .type_name("FILE")
                          .writes_file(kHtmlFile);
  command
      .add_option("--pictures", options.pictures,
                  "data set whose /paths are the embeddings': the page shows its images")
      .type_name("DATA.h5")
      .reads_file()
      .needs(html);
}

Report page_of(const EvalOptions& options, const std::string& path) {
  Report report;
  const std::string file = std::filesystem::path(path).filename().string();
  report.title = file;
  report.runs.push_back({});
  report.runs.front().name = file;
  report.runs.front().facts = {{"embeddings", file}, {"similarity", options.similarity}};
  return report;
}

std::optional<Dataset> open_pictures(const PageOptions& options) {
  if (options.pictures.empty()) return std::nullopt;
  std::optional<Dataset> data(Dataset::open(options.pictures));
  if (data->paths().empty()) {
    fail(ErrorKind::data, options.pictures +
                              ": holds no /paths to find pictures by; name the data set that was "
                              "embedded");
  }
  return data;
}

void add_pictures(const std::optional<Dataset>& pictures, const Workers& workers, Report& report) {
  if (!pictures) return;
  const Dataset& data = *pictures;
  std::unordered_map<std::string, Index> samples;
  for (Index i = 0; i < static_cast<Index>(data.paths().size()); ++i) {
    samples.emplace(data.paths()[static_cast<std::size_t>(i)], i);
  }
  if (report.samples.names.empty()) {
    fail(ErrorKind::data, "--pictures: the embeddings have no /paths to find pictures by");
  }
  std::vector<Index> shown;
  for (const std::string& name : report.samples.names) {
    const auto found = samples.find(name);
    if (found == samples.end()) {
      fail(ErrorKind::data, fmt::format("{}: /paths holds no '{}'; name the data set that was "
                                        "embedded",
                                        data.path(), name));
    }
    shown.push_back(found->second);
  }
  add_report_pictures(workers, data, shown, report.samples);
}

}  // namespace kindred::tools
