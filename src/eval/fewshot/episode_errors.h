#pragma once
#include <vector>

#include "kindred/eval/oneshot.h"

namespace kindred {

/// Fills in everything but the counts of `result` from each episode's share of wrong answers.
void summarise(const std::vector<double>& errors, OneShotResult& result);

}  // namespace kindred
