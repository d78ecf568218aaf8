#include "core/texts/recipe_node.h"

#include <fmt/format.h>

#include <algorithm>

namespace kindred {
namespace {

std::string toml_of(double number) {
  std::string text = fmt::format("{}", number);
  // TOML tells floats from integers by the point or the exponent.
  if (text.find_first_of(".eni") == std::string::npos) text += ".0";
  return text;
}

std::string toml_of(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string toml_of(bool flag) { return flag ? "true" : "false"; }
std::string toml_of(Index integer) { return fmt::format("{}", integer); }

template <typename T>
std::string toml_of(const std::vector<T>& list) {
  std::string text = "[";
  for (const T& item : list) {
    if (text.size() > 1) text += ", ";
    text += toml_of(item);
  }
  return text + "]";
}

}  // namespace

Section::Node::Leaf* Section::Node::leaf(std::string_view name) {
  for (Leaf& item : leaves) {
    if (item.key == name) return &item;
  }
  return nullptr;
}

Section::Node* Section::Node::table(std::string_view name) {
  for (const auto& item : tables) {
    if (item->key == name) return item.get();
  }
  return nullptr;
}

Section::Node::Array* Section::Node::array(std::string_view name) {
  for (Array& item : arrays) {
    if (item.key == name) return &item;
  }
  return nullptr;
}

Section::Node& Section::Node::add_table(std::string_view name) {
  tables.push_back(std::make_unique<Node>());
  tables.back()->key = name;
  tables.back()->parent = this;
  return *tables.back();
}

Section::Node& Section::Node::add_element(std::string_view array_name) {
  Array* found = array(array_name);
  if (found == nullptr) {
    arrays.push_back({std::string(array_name), {}});
    found = &arrays.back();
  }
  found->elements.push_back(std::make_unique<Node>());
  Node& node = *found->elements.back();
  node.key = array_name;
  node.parent = this;
  node.element = true;
  return node;
}

std::string Section::Node::path() const {
  if (parent == nullptr) return key;
  const std::string above = parent->path();
  return above.empty() ? key : above + "." + key;
}

std::string Section::Node::toml_path() const {
  if (parent == nullptr) return "";
  const std::string above = parent->toml_path();
  return above.empty() ? text_of_key(key) : above + "." + text_of_key(key);
}

std::string Section::Node::label() const {
  for (const Leaf& item : leaves) {
    if (item.key != "name" && item.key != "kind") continue;
    if (const auto* text = std::get_if<std::string>(&item.value)) return *text;
  }
  return "";
}

std::string_view kind_of(const RecipeValue& value) {
  static constexpr std::string_view kNames[] = {
      "true or false",      "an integer",        "a number",       "text",
      "a list of integers", "a list of numbers", "a list of texts"};
  return kNames[value.index()];
}

std::string text_of(const RecipeValue& value) {
  return std::visit([](const auto& item) { return toml_of(item); }, value);
}

std::string text_of_key(const std::string& key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
  return bare ? key : text_of(key);
}

}  // namespace kindred
