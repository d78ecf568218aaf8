#include "nn/contract/settings.h"

#include <algorithm>
#include <string>

namespace kindred {
namespace {

const double* find(const LayerSpec& spec, std::string_view key) {
  for (const auto& [name, value] : spec.settings) {
    if (name == key) return &value;
  }
  return nullptr;
}

}  // namespace

template <typename T, typename... More>
void SettingReader::read(std::string_view key, T& value, More... more) {
  if (const double* set = find(*from_, key); set != nullptr) value = static_cast<T>(*set);
  if (!section_) return;
  section_->read(key, value, more...);
  std::erase_if(to_->settings, [&](const auto& setting) { return setting.first == key; });
  to_->settings.emplace_back(std::string(key), static_cast<double>(value));
}

void SettingReader::operator()(std::string_view key, Index& value, std::string_view description,
                               Range range) {
  read(key, value, description, range);
}
void SettingReader::operator()(std::string_view key, double& value, std::string_view description,
                               Range range) {
  read(key, value, description, range);
}
void SettingReader::operator()(std::string_view key, bool& value, std::string_view description) {
  read(key, value, description);
}

}  // namespace kindred
