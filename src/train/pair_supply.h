#pragma once
#include <string>
#include <vector>

#include "kindred/loss/objective.h"
#include "kindred/train/setup.h"

namespace kindred {

/// Whether the losses of a training meet what they learn from: classes to tell apart, and for those
/// over pairs, pairs of one class and of two in a batch, or past embeddings that bring them. Fails
/// with recipe where one of them would train on nothing, and names both tables and their keys.
/// Returns what is worth a note: losses that meet such pairs seldom.
std::vector<std::string> check_pair_supply(const Setup& setup, const Objective& objective);

}  // namespace kindred
