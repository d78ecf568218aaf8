#pragma once
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "kindred/data/dataset.h"
#include "kindred/eval/retrieval.h"

namespace kindred::tools {

using Json = nlohmann::ordered_json;

/// Flags that every command has.
struct CommonOptions {
  bool quiet = false;
  std::string json;  ///< file for the numbers; "-": standard output; "": none
  int threads = 0;   ///< 0: what the process may use
};

void add_quiet(CLI::App& command, CommonOptions& options);
void add_json(CLI::App& command, CommonOptions& options);
void add_threads(CLI::App& command, CommonOptions& options);
/// --images, --labels, --layout.
void add_names(CLI::App& command, DatasetNames& names);
void add_similarity(CLI::App& command, std::string& similarity);
Similarity similarity_named(const std::string& name);

/// A line to standard error.
void note(const std::string& text);

/// Writes the numbers where --json asks, and says whether the readable form is wanted as well.
bool write_json(const CommonOptions& options, const Json& numbers);

/// Metrics by name, then the counts.
Json json_of(const RetrievalResult& result);
/// The same as a table to standard output.
void print_table(const RetrievalResult& result, const std::string& title);

/// Writes `out` (RUN/report.html where it is empty); see describe_run. Notes go to standard error.
void write_run_report(const std::string& run, const std::string& compare, const std::string& out,
                      const CommonOptions& options);

/// Each adds one subcommand to the program; its callback runs it.
void add_bench(CLI::App& program);
void add_documents(CLI::App& program);
void add_embed(CLI::App& program);
void add_eval(CLI::App& program);
void add_import(CLI::App& program);
void add_inspect(CLI::App& program);
void add_list(CLI::App& program);
void add_loss(CLI::App& program);
void add_pack(CLI::App& program);
void add_report(CLI::App& program);
void add_search(CLI::App& program);
void add_train(CLI::App& program);

/// Set by SIGINT or SIGTERM once watch_signals() was called; 0 before. A second signal kills.
void watch_signals();
int signal_received();

}  // namespace kindred::tools
