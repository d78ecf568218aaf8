#pragma once
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "kindred/core/shape.h"
#include "train/exchange/foreign_graph.h"

namespace kindred {

/// A layer as it crosses between processes (data/isolation/wire.h).
struct ConvertedLayer {
  std::string kind;
  std::string name;
  std::vector<std::string> keys;  ///< settings, and
  std::vector<double> values;     ///< what they are
  std::vector<std::vector<ConvertedLayer>> branches;

  auto fields() { return std::tie(kind, name, keys, values, branches); }
};

struct ConvertedArray {
  std::string name;
  std::vector<Index> shape;
  std::vector<float> values;
  bool is_state = false;  ///< running statistics: nothing trains them

  auto fields() { return std::tie(name, shape, values, is_state); }
};

struct ConvertedText {
  std::string key;
  std::string value;

  auto fields() { return std::tie(key, value); }
};

/// A network that others made, as layers of ours.
struct ConvertedNetwork {
  Index channels = 0;
  Index height = 1;
  Index width = 1;
  bool takes_bytes = false;
  std::vector<float> mean;   ///< of the input's scaling, [channels]
  std::vector<float> scale;  ///< likewise
  std::vector<ConvertedLayer> layers;
  std::vector<ConvertedArray> arrays;
  std::vector<ConvertedText> texts;  ///< the file's own that we write, see model_texts.h
  /// Of named weights, in the place of layers: [model] architecture, embedding, stages.
  std::string architecture;
  Index embedding = 0;
  std::vector<Index> stages;

  auto fields() {
    return std::tie(channels, height, width, takes_bytes, mean, scale, layers, arrays, texts,
                    architecture, embedding, stages);
  }
};

/// Reads the ONNX file's content. Constants in other files are read from `folder`; where it is
/// empty they are refused. Fails with data; messages begin behind the file's name.
ConvertedNetwork convert_onnx(std::string_view file, const std::string& folder,
                              const GraphQuestion& question);

}  // namespace kindred
