#pragma once
#include <vector>

#include "kindred/data/dataset.h"
#include "kindred/data/training_set.h"

namespace kindred {

/// Samples that training sees, as hard to tell apart as the validation samples if they were as
/// unknown: about as many classes, with as many samples each. What they are found better than these
/// is learned by heart. Rising; empty where there is no validation or too little training.
std::vector<Index> training_probe(const Dataset& dataset, const TrainingSet& set);

}  // namespace kindred
