#pragma once
#include <optional>
#include <string>
#include <vector>

#include "bench/bench.h"

namespace kindred::tools {

/// The page, and its numbers where --json asks for them; `old`, from read_comparison(), is set
/// against them. `benchmark` is the subcommand.
void report(const BenchOptions& options, const std::string& benchmark, const Machine& machine,
            const std::vector<BenchResult>& results, const std::optional<Json>& old);

}  // namespace kindred::tools
