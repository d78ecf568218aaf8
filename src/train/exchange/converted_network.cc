#include "train/exchange/converted_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "kindred/core/error.h"
#include "kindred/core/text.h"
#include "train/exchange/structure.h"
#include "train/exchange/tidy.h"
#include "train/onnx/messages.h"

namespace kindred {
namespace {

constexpr std::size_t kMostLayerName = 100;
constexpr std::size_t kMostConverted = 2000;  // a recipe has so many, and their keys

bool is_statistics(const std::string& part) { return part.starts_with("running_"); }

/// A name as recipes have them: of letters, digits, dots and bars.
std::string plain_name(const std::string& name) {
  std::string plain;
  for (const char letter : name) {
    const bool plain_letter = std::isalnum(static_cast<unsigned char>(letter)) != 0;
    if (plain_letter || letter == '_' || letter == '-' || letter == '.') {
      plain += letter;
    } else if (!plain.empty() && plain.back() != '.') {
      plain += '.';
    }
  }
  plain.resize(std::min(plain.size(), kMostLayerName));
  const std::size_t begin = plain.find_first_not_of('.');
  return begin == plain.npos ? "" : plain.substr(begin, plain.find_last_not_of('.') + 1 - begin);
}

/// Gives layers and their arrays names that nobody else has.
class Naming {
 public:
  std::string operator()(const Piece& piece) {
    const std::string plain = plain_name(piece.name);
    const std::string wanted = plain.empty() ? piece.kind : plain;
    for (int number = 1;; ++number) {
      std::string name = number == 1 ? wanted : fmt::format("{}_{}", wanted, number);
      if (take(name, piece)) return name;
    }
  }

 private:
  bool take(const std::string& name, const Piece& piece) {
    std::vector<std::string> names{name};
    for (const PieceArray& array : piece.arrays) names.push_back(name + "." + array.part);
    if (std::ranges::any_of(names, [&](const auto& each) { return taken_.contains(each); })) {
      return false;
    }
    taken_.insert(names.begin(), names.end());
    return true;
  }

  std::set<std::string> taken_;
};

std::vector<ConvertedLayer> take_layers(Pieces& pieces, Naming& naming, ConvertedNetwork& network,
                                        std::size_t& count) {
  std::vector<ConvertedLayer> layers;
  for (Piece& piece : pieces) {
    if (++count > kMostConverted) {
      fail(ErrorKind::data, fmt::format("has more than {} layers", kMostConverted));
    }
    ConvertedLayer layer{piece.kind, naming(piece), {}, {}, {}};
    for (const auto& [key, value] : piece.settings) {
      layer.keys.push_back(key);
      layer.values.push_back(value);
    }
    for (PieceArray& array : piece.arrays) {
      network.arrays.push_back({layer.name + "." + array.part, std::move(array.shape),
                                std::move(array.values), is_statistics(array.part)});
    }
    for (Pieces& branch : piece.branches) {
      layer.branches.push_back(take_layers(branch, naming, network, count));
    }
    layers.push_back(std::move(layer));
  }
  return layers;
}

}  // namespace

ConvertedNetwork convert_onnx(std::string_view file, const std::string& folder,
                              const GraphQuestion& question) {
  const onnx::Model model = onnx::read_model(file);
  const onnx::TensorValues values(folder);
  const ForeignGraph graph(model, values, question);
  const Step& embedding = graph.steps()[static_cast<std::size_t>(graph.embedding())];
  if (embedding.shape.height != 1 || embedding.shape.width != 1) {
    fail(ErrorKind::data,
         fmt::format("its output is an image of {} x {} x {} (height x width x channels); an "
                     "embedding is a vector: name another tensor with --embedding-output",
                     embedding.shape.height, embedding.shape.width, embedding.shape.channels));
  }
  ConvertedNetwork network;
  const Shape& src = graph.steps()[0].shape;
  network.channels = src.channels;
  network.height = src.height;
  network.width = src.width;
  network.takes_bytes = graph.takes_bytes();
  Pieces pieces = structure_of(graph);
  ForeignScaling scaling = tidy(pieces, src.channels);
  network.mean = std::move(scaling.mean);
  network.scale = std::move(scaling.scale);
  if (pieces.empty()) fail(ErrorKind::data, "has no layers between its input and its output");
  Naming naming;
  std::size_t count = 0;
  network.layers = take_layers(pieces, naming, network, count);
  for (const auto& [key, value] : model.metadata) {
    if (key.starts_with("kindred.")) network.texts.push_back({key, value});
  }
  return network;
}

}  // namespace kindred
