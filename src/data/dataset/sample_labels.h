#pragma once
#include "data/foreign/hdf5_layout.h"
#include "data/labels/class_labels.h"

namespace kindred {

/// Labels that others wrote, one a sample; empty where a part has none. Fails with data.
ClassLabels read_sample_labels(const Hdf5Layout& layout, NegativeLabels negative);

}  // namespace kindred
