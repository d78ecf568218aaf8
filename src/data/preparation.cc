#include "kindred/data/preparation.h"

#include <fmt/format.h>

#include <vector>

#include "core/texts/json_text.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr Index kMostExtent = 4096;  // as an import takes it

/// Reads the keys of a preparation one by one, and knows whether any is left.
class PreparationReader {
 public:
  PreparationReader(const std::string& text, const std::string& where)
      : where_(where), json_(parse_json(text, where)) {
    if (!json_.is_object()) fail(ErrorKind::data, where + " is no JSON object");
  }

  void read(const char* key, bool& value) {
    const Json* const found = take(key);
    if (found == nullptr) return;
    if (!found->is_boolean()) refuse(key, *found, "true or false");
    value = found->get<bool>();
  }
  void read(const char* key, int lowest, int highest, int& value) {
    const Json* const found = take(key);
    if (found == nullptr) return;
    if (!is_whole(*found, lowest, highest)) {
      refuse(key, *found, fmt::format("{} to {}", lowest, highest));
    }
    value = found->get<int>();
  }
  void read(const char* key, Extent& value) {
    const Json* const found = take(key);
    if (found == nullptr) return;
    if (!found->is_array() || found->size() != 2 || !is_whole((*found)[0], 1, kMostExtent) ||
        !is_whole((*found)[1], 1, kMostExtent)) {
      refuse(key, *found, fmt::format("[height, width], 1 to {} each", kMostExtent));
    }
    value = {(*found)[0].get<Index>(), (*found)[1].get<Index>()};
  }
  void finish() const {
    if (known_ == json_.size()) return;
    fail(ErrorKind::data,
         fmt::format("{}: {} is not known to this version of Kindred: pictures would be made "
                     "otherwise than those it was trained on; use the version that wrote it",
                     where_, dump_json(json_).substr(0, 200)));
  }

 private:
  const Json* take(const char* key) {
    const auto found = json_.find(key);
    if (found == json_.end()) return nullptr;
    ++known_;
    return &*found;
  }
  static bool is_whole(const Json& value, Index lowest, Index highest) {
    return value.is_number_integer() && value.get<double>() >= static_cast<double>(lowest) &&
           value.get<double>() <= static_cast<double>(highest);
  }
  [[noreturn]] void refuse(const char* key, const Json& found, const std::string& expected) const {
    fail(ErrorKind::data, fmt::format("{}: {} is {}; {} is expected", where_, key,
                                      dump_json(found).substr(0, 80), expected));
  }

  std::string where_;
  Json json_;
  std::size_t known_ = 0;
};

std::string text_of_extent(const Extent& extent) {
  return fmt::format("{} x {}", extent.height, extent.width);
}

}  // namespace

std::string text_of(const Preparation& preparation) {
  Json json = Json::object();
  if (preparation.bits != 16) json["bits"] = preparation.bits;
  if (preparation.inverted) json["inverted"] = true;
  if (preparation.crop.given()) json["crop"] = {preparation.crop.height, preparation.crop.width};
  if (preparation.crop_square) json["crop_square"] = true;
  if (preparation.grey) json["grey"] = true;
  if (preparation.size.given()) json["size"] = {preparation.size.height, preparation.size.width};
  if (preparation.bicubic) json["bicubic"] = true;
  return dump_json(json);
}

Preparation preparation_of(const std::string& text, const std::string& where) {
  PreparationReader reader(text, where);
  Preparation result;
  reader.read("bits", 8, 16, result.bits);
  reader.read("inverted", result.inverted);
  reader.read("crop", result.crop);
  reader.read("crop_square", result.crop_square);
  reader.read("grey", result.grey);
  reader.read("size", result.size);
  reader.read("bicubic", result.bicubic);
  reader.finish();
  return result;
}

std::string description_of(const Preparation& preparation) {
  std::vector<std::string> steps;
  if (preparation.bits != 16) steps.push_back(fmt::format("{} bits", preparation.bits));
  if (preparation.inverted) steps.emplace_back("inverted");
  if (preparation.crop.given()) {
    steps.push_back(fmt::format("the middle {}", text_of_extent(preparation.crop)));
  }
  if (preparation.crop_square) steps.emplace_back("the largest square in the middle");
  if (preparation.grey) steps.emplace_back("grey");
  if (preparation.size.given()) {
    steps.push_back(text_of_extent(preparation.size) + (preparation.bicubic ? " (bicubic)" : ""));
  }
  return steps.empty() ? "as they are" : fmt::format("{}", fmt::join(steps, ", "));
}

}  // namespace kindred
