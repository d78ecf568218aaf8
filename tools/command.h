#pragma once
#include <memory>
#include <string>

#include "command_line.h"
#include "json.h"
#include "kindred/data/dataset.h"
#include "kindred/eval/retrieval.h"

namespace kindred::tools {

/// Flags that every command has.
struct CommonOptions {
  bool quiet = false;
  std::string json;  ///< file for the numbers; "-": standard output; "": none
  int threads = 0;   ///< 0: what the process may use
};

void add_quiet(const Command& command, CommonOptions& options);
void add_json(const Command& command, CommonOptions& options);
void add_threads(const Command& command, CommonOptions& options);
/// --images, --labels, --layout.
void add_names(const Command& command, DatasetNames& names);
Option add_similarity(const Command& command, std::string& similarity);
Similarity similarity_named(const std::string& name);

/// A line to standard error, without control characters: texts may come from files. See
/// write_note().
void note(const std::string& text);

/// Whether it is a file as models and checkpoints are: a small length, and a brace.
bool is_model_file(const std::string& path);

/// Writes the numbers where --json asks, and says whether the readable form is wanted as well.
bool write_json(const CommonOptions& options, const Json& numbers);

/// Metrics by name, then the counts.
Json json_of(const RetrievalResult& result);
/// The same as a table to standard output.
void print_table(const RetrievalResult& result, const std::string& title);

/// Writes `out` (RUN/report.html where it is empty); see describe_run. Notes go to standard error.
void write_run_report(const std::string& run, const std::string& compare, const std::string& out,
                      const CommonOptions& options);

/// Serves the page of a run that goes on, at a port of loopback (0: any that is free), until it
/// ends or a signal comes.
void watch_run(const std::string& run, int port, const CommonOptions& options);

/// Each adds one subcommand to the program; its callback runs it.
void add_bench(const Command& program);
void add_compare(const Command& program);
void add_convert(const Command& program);
void add_documents(const Command& program);
void add_embed(const Command& program);
void add_eval(const Command& program);
void add_export(const Command& program);
void add_find(const Command& program);
void add_gallery(const Command& program);
void add_identify(const Command& program);
void add_import(const Command& program);
void add_init(const Command& program);
void add_inspect(const Command& program);
void add_list(const Command& program);
void add_loss(const Command& program);
void add_pack(const Command& program);
void add_report(const Command& program);
void add_search(const Command& program);
void add_serve(const Command& program);
void add_train(const Command& program);

/// The command's answer is no: where all else is well, the program ends with exit code 1.
void answer_no();
bool answered_no();

/// Set by SIGINT, SIGTERM or SIGHUP once watch_signals() was called; 0 before. Another one kills, a
/// second or more after the first: at once it is the same one, sent twice.
void watch_signals();
int signal_received();

}  // namespace kindred::tools
