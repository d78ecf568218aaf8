#pragma once
#include "kindred/core/export.h"
#include "kindred/core/file_kinds.h"

namespace KINDRED_API kindred {

/// What Kindred writes as HDF5, by the mark or the names inside. Files of others, and what is
/// damaged, are none of these.
extern const FileKind kDataSetFile;
extern const FileKind kEmbeddingsFile;
extern const FileKind kNeighborsFile;
extern const FileKind kClustersFile;
extern const FileKind kGradientsFile;

}  // namespace kindred
