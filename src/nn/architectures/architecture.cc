#include "kindred/nn/architecture.h"

#include <fmt/format.h>

#include "kindred/core/error.h"
#include "kindred/nn/registry.h"
#include "nn/architectures/architectures.h"
#include "nn/contract/registry.h"

namespace kindred {
namespace {

// Every architecture by name. A new one: its function, its line here.
constexpr ArchitectureKind kArchitectures[] = {
    {"conv4",
     "four blocks of 3x3 convolution, batch norm, ReLU and max pool; linear",
     {1, 28, 28},
     read_conv4},
    {"mlp", "hidden layers of linear, batch norm and ReLU; linear", {768}, read_mlp},
    {"resnet",
     "a 3x3 stem, stages of residual blocks, flatten or average pool; linear",
     {3, 32, 32},
     read_resnet},
    {"resnet18",
     "18 layers in residual blocks of two 3x3 convolutions (He et al. 2016)",
     {3, 224, 224},
     read_resnet18},
    {"resnet34",
     "34 layers in residual blocks of two 3x3 convolutions (He et al. 2016)",
     {3, 224, 224},
     read_resnet34},
    {"resnet50",
     "50 layers in bottleneck blocks (He et al. 2016; torchvision's strides)",
     {3, 224, 224},
     read_resnet50},
    {"iresnet18",
     "18 layers, norms first, PReLU, for aligned faces (Deng et al. 2019)",
     {3, 112, 112},
     read_iresnet18},
    {"iresnet50",
     "50 layers, norms first, PReLU, for aligned faces (Deng et al. 2019)",
     {3, 112, 112},
     read_iresnet50},
    {"mobilenet_v2",
     "inverted residuals of depthwise convolutions (Sandler et al. 2018)",
     {3, 224, 224},
     read_mobilenet_v2},
    {"mobilefacenet",
     "inverted residuals with PReLU, for aligned faces (Chen et al. 2018)",
     {3, 112, 112},
     read_mobilefacenet},
    {"layers",
     "in lines, or [[model.layers]] one by one: `kindred list layers`",
     {1, 28, 28},
     read_layers},
};

}  // namespace

std::span<const ArchitectureKind> architecture_kinds() { return kArchitectures; }

LayerSpec layer(std::string name, std::string kind,
                std::vector<std::pair<std::string, double>> settings) {
  return {std::move(kind), std::move(name), std::move(settings), {}, {}};
}

LayerSpec convolution(std::string name, Index channels, Index kernel, Index stride, Index padding,
                      bool bias) {
  const auto number = [](Index value) { return static_cast<double>(value); };
  return layer(std::move(name), "convolution",
               {{"channels", number(channels)},
                {"kernel", number(kernel)},
                {"stride", number(stride)},
                {"padding", number(padding)},
                {"bias", bias ? 1.0 : 0.0}});
}

LayerSpec linear(std::string name, Index features, bool bias) {
  return layer(std::move(name), "linear",
               {{"features", static_cast<double>(features)}, {"bias", bias ? 1.0 : 0.0}});
}

void check_count(Section model, std::string_view key, const std::vector<Index>& list) {
  constexpr std::size_t kMost = 64;
  if (list.size() <= kMost) return;
  model.fail(fmt::format("{} has {} elements; at most {} are expected", key, list.size(), kMost));
}

void add_embedding(Section model, std::vector<LayerSpec>& layers) {
  Index embedding = 128;
  model.read("embedding", embedding, "numbers of an embedding", {1, 65536});
  layers.push_back(linear("embedding", embedding, true));
}

void read_common(Section model, Architecture& architecture) {
  model.read_choice("convolution", architecture.convolution, {"auto", "direct", "winograd"},
                    "algorithm of 3x3 convolutions; auto: Winograd where it is faster");
  architecture.precision = read_precision(model);
}

std::vector<LayerListing> list_architectures() {
  std::vector<LayerListing> listings;
  for (const ArchitectureKind& kind : kArchitectures) {
    listings.push_back({kind.name, kind.summary, [&kind](Section model) {
                          if (kind.read != read_layers) kind.read(model, kind.customary);
                        }});
  }
  return listings;
}

Architecture read_architecture(Section model, const Shape& src) {
  Architecture architecture;
  architecture.src = src;
  architecture.name = model.has("layers") ? "layers" : "conv4";
  std::vector<std::string> names;
  for (const ArchitectureKind& kind : kArchitectures) names.emplace_back(kind.name);
  model.read_choice("architecture", architecture.name, names, "the network's layers");
  if (architecture.name != "layers" && model.has("layers")) {
    model.fail(fmt::format("layers are those of architecture = \"layers\"; here it is \"{}\"",
                           architecture.name));
  }
  read_common(model, architecture);
  for (const ArchitectureKind& kind : kArchitectures) {
    if (architecture.name == kind.name) architecture.layers = kind.read(model, src);
  }
  try {
    const Shape dst = dst_shape(architecture.layers, src);
    if (dst.height != 1 || dst.width != 1) {
      model.fail(
          fmt::format("the last layer gives an image of {} x {} x {} (height x width x "
                      "channels), but an embedding is a vector; end with a flatten or a "
                      "global_average_pool and a linear layer",
                      dst.height, dst.width, dst.channels));
    }
  } catch (const Misfit& misfit) {
    model.fail(misfit.what());
  }
  return architecture;
}

Architecture make_architecture(const NamedSettings& settings, const Shape& src) {
  Recipe recipe;
  Section model = recipe.root().section("model");
  model.put_settings({{}, settings.values});
  model.put_settings({{}, {{"architecture", settings.name}}});
  Architecture architecture = read_architecture(model, src);
  model.finish();
  return architecture;
}

}  // namespace kindred
