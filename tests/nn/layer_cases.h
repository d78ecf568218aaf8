#pragma once
// The layers that layer_naive_test.cc compares: in the shapes of every architecture and in odd
// ones.
#include <ostream>
#include <string>
#include <vector>

#include "nn/layer_harness.h"

namespace kindred::test {

struct Case {
  std::string name;
  Index S;
  Shape src;  // channels, height, width
  std::vector<LayerSpec> layers;
  double tolerance;  // of every output, relative to its largest number
  FormatTag layout = FormatTag::nhwc;
  bool first = false;  // of a network: nobody wants diff_src
};
inline void PrintTo(const Case& of, std::ostream* out) { *out << of.name; }

std::vector<Case> layer_cases();

}  // namespace kindred::test
