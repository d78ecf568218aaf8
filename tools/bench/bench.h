#pragma once
#include <memory>
#include <string>
#include <vector>

#include "bench/bench_machine.h"
#include "bench/bench_measure.h"
#include "command.h"
#include "kindred/core/function_ref.h"
#include "kindred/core/process_group.h"

// `kindred bench`: each subcommand measures something and returns results; the report is common.

namespace kindred::tools {

struct BenchOptions : CommonOptions {
  Index steps = 50;   ///< batches of one measurement
  Index repeats = 5;  ///< measurements; the median counts
  std::string compare;
  // A network and its data.
  std::string architecture = "conv4";
  Index size = 0;      ///< of made-up images; 0: what suits the architecture
  Index channels = 0;  ///< likewise
  std::string data;
  std::string precision;
  std::vector<std::string> assignments;
  std::shared_ptr<ProcessGroup> group;  ///< of several ranks; training has one
  bool profile = false;
  bool sweep_threads = false;
  std::string sweep;  ///< "slice": of these as well
  // Pictures.
  std::string model;
  std::vector<std::string> pictures;
  // Search.
  Index vectors = 60'000;
  Index dimension = 128;
  Index k = 10;
};

/// One line of the page: how much of what a second, and what was measured beside it.
struct BenchResult {
  std::string name;       ///< in JSON: "train"
  std::string title;      ///< on the page: "training conv4 28x28x1, float32, batch 128"
  std::string unit;       ///< "images"
  Rates rates;            ///< units a second
  double unit_flops = 0;  ///< operations of one unit; 0: not a matter of operations
  double peak = 0;        ///< operations a second of the matrix product that it is a share of
  double memory = 0;      ///< the most bytes that the process held
  Json numbers;           ///< settings and details, for JSON
  std::string details;    ///< tables below the line
};

BenchResult bench_train(const BenchOptions& options, const Machine& machine,
                        const Workers& workers);
BenchResult bench_infer(const BenchOptions& options, const Machine& machine,
                        const Workers& workers);
BenchResult bench_search(const BenchOptions& options, const Machine& machine,
                         const Workers& workers);
/// Reading alone, and reading with every augmentation.
std::vector<BenchResult> bench_load(const BenchOptions& options, const Workers& workers);
/// Decoding pictures alone, and embedding them.
std::vector<BenchResult> bench_pictures(const BenchOptions& options, const Workers& workers);

}  // namespace kindred::tools
