#include "train/exchange/foreign_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "kindred/core/error.h"

namespace kindred {
namespace {

using Words = std::vector<std::string_view>;

/// "layer1.0.conv1": its words.
Words words_of(std::string_view name) {
  Words words;
  while (true) {
    const std::size_t dot = name.find('.');
    words.push_back(name.substr(0, dot));
    if (dot == name.npos) return words;
    name.remove_prefix(dot + 1);
  }
}

std::optional<Index> number_behind(std::string_view word, std::string_view before) {
  if (!word.starts_with(before)) return {};
  word.remove_prefix(before.size());
  Index number = 0;
  const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (code != std::errc() || end != word.data() + word.size() || number < 0 || number > 1000) {
    return {};
  }
  return number;
}

/// A module of a block of a residual network, from its words behind the block's: "conv1".
std::string residual_part(const Words& words, std::size_t first) {
  const std::string_view word = words[first];
  if (word == "downsample" && words.size() == first + 2) {
    return words[first + 1] == "0"   ? "shortcut.convolution"
           : words[first + 1] == "1" ? "shortcut.norm"
                                     : "";
  }
  if (words.size() != first + 1) return "";
  if (word == "prelu") return "prelu";
  if (const auto number = number_behind(word, "conv")) return fmt::format("convolution{}", *number);
  if (const auto number = number_behind(word, "bn")) return fmt::format("norm{}", *number);
  return "";
}

/// Of ResNet by torchvision's and timm's names, which agree, and of IResNet by insightface's;
/// "" where there is none.
std::string residual_module(const Words& words, bool improved) {
  static const std::map<std::string_view, std::string> kPlain{
      {"conv1", "stem.convolution"}, {"bn1", "stem.norm"}, {"fc", "embedding"}};
  static const std::map<std::string_view, std::string> kImproved{
      {"prelu", "stem.prelu"}, {"bn2", "neck.norm"}, {"features", "embedding.norm"}};
  if (words.size() == 1) {
    if (const auto found = kPlain.find(words[0]); found != kPlain.end()) return found->second;
    const auto found = kImproved.find(words[0]);
    return improved && found != kImproved.end() ? found->second : "";
  }
  const auto stage = number_behind(words[0], "layer");
  const auto block = number_behind(words[1], "");
  if (!stage || *stage < 1 || !block || words.size() < 3) return "";
  const std::string part = residual_part(words, 2);
  return part.empty() ? "" : fmt::format("stages.{}.{}.{}", *stage - 1, *block, part);
}

/// Of torchvision's MobileNet V2.
std::string mobile_module(const Words& words) {
  constexpr Index kBlocks[] = {1, 2, 3, 4, 3, 3, 1};
  constexpr Index kHead = 18;
  if (words.size() == 2 && words[0] == "classifier") return "embedding";
  if (words.size() < 3 || words[0] != "features") return "";
  const auto number = number_behind(words[1], "");
  if (!number || *number > kHead) return "";
  if (*number == 0 || *number == kHead) {
    const std::string where = *number == 0 ? "stem." : "head.";
    return where + (words[2] == "0" ? "convolution" : "norm");
  }
  if (words[2] != "conv" || words.size() < 4) return "";
  Index block = *number - 1;
  Index stage = 0;
  while (block >= kBlocks[stage]) block -= kBlocks[stage++];
  // conv.0.0 and conv.0.1 belong together, and so on; the last two stand alone. The first block has
  // nothing that widens.
  static const std::map<std::string, std::string> kWide{
      {"0.0", "expand.convolution"}, {"0.1", "expand.norm"},       {"1.0", "depthwise.convolution"},
      {"1.1", "depthwise.norm"},     {"2", "project.convolution"}, {"3", "project.norm"}};
  static const std::map<std::string, std::string> kNarrow{{"0.0", "depthwise.convolution"},
                                                          {"0.1", "depthwise.norm"},
                                                          {"1", "project.convolution"},
                                                          {"2", "project.norm"}};
  const std::string place(words.size() == 5 ? fmt::format("{}.{}", words[3], words[4]) : words[3]);
  const auto& parts = *number == 1 ? kNarrow : kWide;
  const auto found = parts.find(place);
  return found == parts.end() ? "" : fmt::format("stages.{}.{}.{}", stage, block, found->second);
}

/// "weight" of a module of ours: "weights", or "scale" where that is a norm.
std::string part_of(const std::string& module, std::string_view part) {
  const bool norm = module.substr(module.rfind('.') + 1).starts_with("norm");
  if (part == "weight") return norm ? "scale" : module.ends_with("prelu") ? "slope" : "weights";
  if (part == "bias") return norm ? "shift" : "bias";
  if (norm && part == "running_mean") return "running_mean";
  if (norm && part == "running_var") return "running_variance";
  return "";
}

std::string our_name(ForeignNames names, const std::string& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == name.npos) return "";
  const Words words = words_of(std::string_view(name).substr(0, dot));
  std::string module = residual_module(words, names == ForeignNames::insightface);
  if (module.empty() && names == ForeignNames::torchvision) module = mobile_module(words);
  const std::string part = module.empty() ? "" : part_of(module, name.substr(dot + 1));
  return part.empty() ? "" : module + "." + part;
}

const ConvertedArray* find_array(const ConvertedNetwork& network, const std::string& name) {
  const auto found = std::ranges::find(network.arrays, name, &ConvertedArray::name);
  return found == network.arrays.end() ? nullptr : &*found;
}

/// How many blocks each stage has.
std::vector<Index> stages_of(const ConvertedNetwork& network) {
  std::vector<Index> stages;
  for (const ConvertedArray& array : network.arrays) {
    const Words words = words_of(array.name);
    if (words[0] != "stages" || words.size() < 3) continue;
    const auto stage = static_cast<std::size_t>(*number_behind(words[1], ""));
    if (stage >= 16) fail(ErrorKind::data, fmt::format("has an array '{}'", array.name));
    stages.resize(std::max(stages.size(), stage + 1));
    stages[stage] = std::max(stages[stage], *number_behind(words[2], "") + 1);
  }
  return stages;
}

void describe(ForeignNames names, ConvertedNetwork& network) {
  const ConvertedArray* embedding = find_array(network, "embedding.weights");
  if (embedding == nullptr || embedding->shape.size() != 2) {
    fail(ErrorKind::data, "has no weights of a last linear layer, by these names");
  }
  network.embedding = embedding->shape[0];
  if (find_array(network, "head.convolution.weights") != nullptr) {
    network.architecture = "mobilenet_v2";
    return;
  }
  network.stages = stages_of(network);
  const bool deep = find_array(network, "stages.0.0.convolution3.weights") != nullptr;
  network.architecture = names == ForeignNames::insightface ? "iresnet18"
                         : deep                             ? "resnet50"
                                                            : "resnet18";
}

}  // namespace

void rename_arrays(ForeignNames names, ConvertedNetwork& network) {
  std::set<std::string> taken;
  for (ConvertedArray& array : network.arrays) {
    const std::string name = our_name(names, array.name);
    if (name.empty() || !taken.insert(name).second) {
      fail(ErrorKind::data,
           fmt::format("its array '{}' has no place in a network of these names", array.name));
    }
    array.name = name;
    array.is_state = name.ends_with("running_mean") || name.ends_with("running_variance");
    if (name.ends_with(".slope")) {
      array.shape = {std::ssize(array.values)};
    }
  }
  describe(names, network);
  if (names != ForeignNames::insightface) return;
  // insightface's last layer has a bias that a norm follows: ours has none, and the norm takes it.
  const auto bias = std::ranges::find(network.arrays, "embedding.bias", &ConvertedArray::name);
  if (bias == network.arrays.end()) return;
  const auto mean =
      std::ranges::find(network.arrays, "embedding.norm.running_mean", &ConvertedArray::name);
  if (mean == network.arrays.end() || mean->values.size() != bias->values.size()) {
    fail(ErrorKind::data, "has no norm behind its last linear layer");
  }
  for (std::size_t i = 0; i < bias->values.size(); ++i) mean->values[i] -= bias->values[i];
  network.arrays.erase(bias);
}

}  // namespace kindred
