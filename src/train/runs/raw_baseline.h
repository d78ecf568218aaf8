#pragma once
#include <span>
#include <string>

#include "kindred/core/parallel.h"
#include "kindred/data/augment.h"
#include "kindred/data/dataset.h"
#include "kindred/eval/retrieval.h"

namespace kindred {

/// What retrieval is without a network: samples compared as they are.
struct RawBaseline {
  std::string what;        ///< "raw pixels, averaged to 16 x 16"; "": not measured, too many
  RetrievalResult result;  ///< as evaluate_rows()
};

/// Of samples that a run is evaluated on. `scaling`: what the network's input is scaled by, so that
/// a value of 0 is the training samples' mean. Images are averaged over squares of pixels until a
/// side is 16 at most: that costs a few times what embeddings do.
RawBaseline raw_baseline(const Dataset& dataset, std::span<const Index> samples,
                         const InputScaling& scaling, const Workers& workers);

}  // namespace kindred
