#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kindred/core/recipe.h"
#include "kindred/nn/architecture.h"

namespace kindred {

/// A named architecture: a row of the table in architecture.cc.
struct ArchitectureKind {
  const char* name;
  const char* summary;  ///< one line for `kindred list architectures`
  Shape customary;      ///< the input that its paper, or its user, has most
  /// Reads its settings from [model] and gives the layers.
  std::vector<LayerSpec> (*read)(Section model, const Shape& src);
};

/// Every architecture, in the order of `kindred list architectures`.
std::span<const ArchitectureKind> architecture_kinds();

// Building blocks of architectures. Names are prefixes of parameter names in model files.
LayerSpec convolution(std::string name, Index channels, Index kernel, Index stride, Index padding,
                      bool bias);
LayerSpec linear(std::string name, Index features, bool bias);
LayerSpec layer(std::string name, std::string kind,
                std::vector<std::pair<std::string, double>> settings = {});

// What the layers' own settings take.
inline constexpr Index kMostChannels = 65536;
inline constexpr Index kMostFeatures = 1 << 20;
/// Fails where a list that makes a layer, or a few, of each element has more than a network holds.
void check_count(Section model, std::string_view key, const std::vector<Index>& list);

/// The last linear layer: reads `embedding` and adds "embedding".
void add_embedding(Section model, std::vector<LayerSpec>& layers);

std::vector<LayerSpec> read_conv4(Section model, const Shape& src);
std::vector<LayerSpec> read_mlp(Section model, const Shape& src);
std::vector<LayerSpec> read_resnet(Section model, const Shape& src);
std::vector<LayerSpec> read_resnet18(Section model, const Shape& src);
std::vector<LayerSpec> read_resnet34(Section model, const Shape& src);
std::vector<LayerSpec> read_resnet50(Section model, const Shape& src);
std::vector<LayerSpec> read_iresnet18(Section model, const Shape& src);
std::vector<LayerSpec> read_iresnet50(Section model, const Shape& src);
std::vector<LayerSpec> read_mobilenet_v2(Section model, const Shape& src);
std::vector<LayerSpec> read_mobilefacenet(Section model, const Shape& src);
/// `layers` in lines, or [[model.layers]] one by one.
std::vector<LayerSpec> read_layers(Section model, const Shape& src);

}  // namespace kindred
