#include "command.h"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <ctime>

#include "kindred/core/file.h"
#include "kindred/core/output_file.h"
#include "kindred/core/text.h"
#include "standard_streams.h"

namespace kindred::tools {
namespace {

bool is_no = false;
volatile std::sig_atomic_t received = 0;
timespec received_at{};

double seconds_between(const timespec& first, const timespec& then) {
  return static_cast<double>(then.tv_sec - first.tv_sec) +
         1e-9 * static_cast<double>(then.tv_nsec - first.tv_nsec);
}

// A signal may come twice at once, as `timeout` sends it, to the program and to its group. One that
// comes later is meant: it ends the program.
extern "C" void remember_signal(int number) {
  constexpr double kAtOnce = 1;  // second
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (received == 0) {
    received_at = now;
    received = number;
  } else if (seconds_between(received_at, now) >= kAtOnce) {
    std::signal(number, SIG_DFL);
    std::raise(number);
  }
}

}  // namespace

void add_quiet(const Command& command, CommonOptions& options) {
  command.add_flag("--quiet", options.quiet, "no progress, no notes; warnings stay");
}

void add_json(const Command& command, CommonOptions& options) {
  command
      .add_option("--json", options.json, "write the numbers as JSON to FILE; - is standard output")
      .type_name("FILE")
      .writes_file(kJsonFile);
}

void add_threads(const Command& command, CommonOptions& options) {
  command.add_option("--threads", options.threads, "threads to use (default: all the process may)")
      .type_name("N")
      .check(range(1, 1024));  // as many as TBB is allowed: core/parallel.cc
}

Option add_similarity(const Command& command, std::string& similarity) {
  return command.add_option("--similarity", similarity, "how near two embeddings are")
      .check(one_of({"cosine", "inner_product", "euclidean"}));
}

Similarity similarity_named(const std::string& name) {
  return name == "cosine"          ? Similarity::cosine
         : name == "inner_product" ? Similarity::inner_product
                                   : Similarity::euclidean;
}

void add_names(const Command& command, DatasetNames& names) {
  command
      .add_option("--images", names.images,
                  "in an HDF5 file of somebody else: its images or vectors (default: found)")
      .type_name("NAME");
  command
      .add_option("--labels", names.labels,
                  "its labels; NAME:COLUMN where there are several a sample (default: found)")
      .type_name("NAME");
  command.add_option("--layout", names.layout, "order of its axes: nhwc or nchw (default: found)")
      .check(one_of({"nhwc", "nchw"}));
  command
      .add_option("--negative-labels", names.negative_labels,
                  "samples with a negative label: drop them, or make them a class (default: an "
                  "error)")
      .check(one_of({"drop", "class"}));
}

void note(const std::string& text) { write_note("kindred: " + printable(text) + "\n"); }

bool is_model_file(const std::string& path) {
  constexpr std::size_t kLength = 8;
  const std::string begin = beginning_of_file(path, kLength + 1);
  return begin.size() > kLength && begin[kLength] == '{' && begin[kLength - 1] == '\0';
}

bool write_json(const CommonOptions& options, const Json& numbers) {
  if (options.json.empty()) return true;
  const std::string text = json_text(numbers, 2) + "\n";
  if (options.json == "-") {
    std::fputs(text.c_str(), stdout);
    return false;
  }
  const bool shares = is_standard_output(options.json);
  write_file_durably(options.json, text);
  return !options.quiet && !shares;
}

Json json_of(const RetrievalResult& result) {
  Json numbers;
  for (const MetricValue& metric : result.metrics) numbers[metric.name] = metric.value;
  numbers["queries_used"] = result.queries_used;
  numbers["queries_without_match"] = result.queries_without_match;
  numbers["queries_with_ties"] = result.queries_with_ties;
  return numbers;
}

void print_table(const RetrievalResult& result, const std::string& title) {
  fmt::print("{}\n", printable(title));
  for (const MetricValue& metric : result.metrics) {
    fmt::print("  {:<14} {:.4f}\n", metric.name, metric.value);
  }
  fmt::print("  {:<14} {}", "queries", result.queries_used);
  if (result.queries_without_match > 0) {
    fmt::print(" ({} more have no match and are left out)", result.queries_without_match);
  }
  fmt::print("\n");
  if (result.queries_with_ties > 0) {
    fmt::print(
        "  {:<14} {} queries: samples of other classes score as theirs do, and metrics are "
        "the mean over all orders\n",
        "ties", result.queries_with_ties);
  }
}

void answer_no() { is_no = true; }
bool answered_no() { return is_no; }

void watch_signals() {
  struct sigaction action {};
  action.sa_handler = remember_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // A closed terminal ends the work as Ctrl-C does, unless nohup or the like keeps it going.
  struct sigaction before {};
  sigaction(SIGHUP, nullptr, &before);
  if (before.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);
}

int signal_received() { return received; }

}  // namespace kindred::tools
