#pragma once
#include <span>
#include <string_view>

#include "kindred/core/export.h"

namespace KINDRED_API kindred {

/// One metric as `kindred list metrics` prints it. A name stands in JSON as it is here, with its
/// number in place of a letter: "recall@k" as "recall@5".
struct MetricEntry {
  std::string_view name;
  std::string_view command;  ///< the `kindred eval` command that gives it
  std::string_view summary;
};

/// Every metric, by command, in the order of output.
std::span<const MetricEntry> metric_registry();

}  // namespace kindred
