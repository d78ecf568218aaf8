#pragma once
#include <string>

#include "kindred/core/parameters.h"
#include "kindred/train/setup.h"

namespace kindred {

/// Fails with recipe where one of [[train.parameters]] names no layer of the network.
void check_parameter_rules(const Setup& setup);

/// The network as step `step` (from 0) trains it: what is frozen then is marked.
Architecture frozen_at(const Setup& setup, Index step);

/// The first step after `step` from which on something is frozen that was not, or the other way
/// round; -1 where that stays.
Index next_thaw(const Setup& setup, Index step);

/// Writes the rules' factors, and what is frozen at `step`, into the network's segments. The
/// losses' stay as they are.
void mark_segments(const Setup& setup, Index step, ParameterTable& table);

/// "frozen: 12 of 30 layers, 123,456 of 234,567 numbers", or "" where nothing is at `step`.
std::string frozen_note(const Setup& setup, Index step, const ParameterTable& table);

}  // namespace kindred
