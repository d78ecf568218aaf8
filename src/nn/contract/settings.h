#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "kindred/core/recipe.h"
#include "kindred/nn/layer_spec.h"

namespace kindred {

/// A layer's settings are a struct with defaults at the fields and one function
///   template <typename Reader> void read(Reader& reader)
/// that names each field once: reader("kernel", kernel, "height and width, pixels", {1, 15}).
/// SettingReader fills such a struct from a LayerSpec, or from a recipe into a LayerSpec.
class SettingReader {
 public:
  /// Fills fields from the spec; what the spec does not name keeps its default.
  explicit SettingReader(const LayerSpec& spec) : from_(&spec) {}
  /// Fills fields from a recipe, and the spec with the outcome. A setting that the spec holds
  /// already is that key's default.
  SettingReader(Section section, LayerSpec& spec) : from_(&spec), to_(&spec), section_(section) {}
  SettingReader(const SettingReader&) = delete;
  SettingReader& operator=(const SettingReader&) = delete;

  void operator()(std::string_view key, Index& value, std::string_view description, Range range);
  void operator()(std::string_view key, double& value, std::string_view description, Range range);
  void operator()(std::string_view key, bool& value, std::string_view description);

 private:
  template <typename T, typename... More>
  void read(std::string_view key, T& value, More... more);

  const LayerSpec* from_;
  LayerSpec* to_ = nullptr;
  std::optional<Section> section_;
};

/// Of a kind that has none.
struct NoSettings {
  template <typename Reader>
  void read(Reader&) {}
};

template <typename Settings>
Settings settings_of(const LayerSpec& spec) {
  Settings settings;
  SettingReader reader(spec);
  settings.read(reader);
  return settings;
}

template <typename Settings>
void read_settings(Section section, LayerSpec& spec) {
  Settings settings;
  SettingReader reader(section, spec);
  settings.read(reader);
}

}  // namespace kindred
