#pragma once
#include <string>

#include "kindred/core/export.h"

namespace KINDRED_API kindred {

enum class Similarity { cosine, inner_product, euclidean };

struct MetricValue {
  std::string name;  ///< as in JSON: "recall@1", "map@r"
  double value = 0;
};

}  // namespace kindred
