#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "core/texts/did_you_mean.h"
#include "core/texts/recipe_node.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

using Node = Section::Node;

std::string join_keys(const std::vector<std::string>& words, std::string_view separator) {
  return fmt::format("{}", fmt::join(words, separator));
}

// The recipe's value of `key`, marked as read; the default, written down, where it has none.
RecipeValue& take(Section section, Node& node, std::string_view key, RecipeValue standard) {
  Node::Leaf* leaf = node.leaf(key);
  if (leaf == nullptr) {
    if (node.table(key) != nullptr || node.array(key) != nullptr) {
      section.fail(fmt::format("{}: expected {}, found a table", key, kind_of(standard)));
    }
    node.leaves.push_back({std::string(key), std::move(standard)});
    leaf = &node.leaves.back();
  }
  leaf->read = true;
  return leaf->value;
}

[[noreturn]] void wrong_type(Section section, std::string_view key, std::string_view expected,
                             const RecipeValue& found) {
  section.fail(
      fmt::format("{}: expected {}, found {}: {}", key, expected, kind_of(found), text_of(found)));
}

// Writes down what was asked, once a key.
void note(Node& node, std::string_view key, std::string type, const RecipeValue& value,
          std::string_view description, Range range = {}) {
  for (const Setting& setting : node.settings) {
    if (setting.key == key) return;
  }
  node.settings.push_back(
      {std::string(key), std::move(type), text_of(value), std::string(description), range});
}

void check_range(Section section, std::string_view key, double value, Range range) {
  if (value >= range.low && value <= range.high) return;  // false for NaN
  section.fail(
      fmt::format("{} = {}: expected a value from {} to {}", key, value, range.low, range.high));
}

// A list of numbers or texts; an empty list fits every kind.
template <typename T>
void read_list(Section section, Node& node, std::string_view key, std::vector<T>& value,
               std::string_view expected, std::string_view description) {
  RecipeValue& found = take(section, node, key, value);
  if (const auto* integers = std::get_if<std::vector<Index>>(&found)) {
    // Whole numbers where numbers are asked for are written down as 1.0, 2.0.
    if constexpr (std::is_same_v<T, double>) {
      found = std::vector<double>(integers->begin(), integers->end());
    } else if (integers->empty()) {
      found = std::vector<T>();
    }
  }
  const auto* list = std::get_if<std::vector<T>>(&found);
  if (list == nullptr) wrong_type(section, key, expected, found);
  value = *list;
  note(node, key, std::string(expected), found, description);
}

}  // namespace

void Section::read(std::string_view key, bool& value, std::string_view description) {
  const RecipeValue& found = take(*this, *node_, key, value);
  const bool* flag = std::get_if<bool>(&found);
  if (flag == nullptr) wrong_type(*this, key, "true or false", found);
  value = *flag;
  note(*node_, key, "true or false", found, description);
}

void Section::read(std::string_view key, Index& value, std::string_view description, Range range) {
  const RecipeValue& found = take(*this, *node_, key, value);
  const Index* integer = std::get_if<Index>(&found);
  if (integer == nullptr) wrong_type(*this, key, "an integer", found);
  check_range(*this, key, static_cast<double>(*integer), range);
  value = *integer;
  note(*node_, key, "an integer", found, description, range);
}

void Section::read(std::string_view key, double& value, std::string_view description, Range range) {
  RecipeValue& found = take(*this, *node_, key, value);
  // `16` for a number is written down as 16.0: two recipes that mean the same resolve alike.
  if (const Index* integer = std::get_if<Index>(&found)) found = static_cast<double>(*integer);
  const double* number = std::get_if<double>(&found);
  if (number == nullptr) wrong_type(*this, key, "a number", found);
  check_range(*this, key, *number, range);
  value = *number;
  note(*node_, key, "a number", found, description, range);
}

void Section::read(std::string_view key, float& value, std::string_view description, Range range) {
  // Through the shortest decimal text, so that a default of 0.2f is written down as 0.2.
  double wide = std::strtod(fmt::format("{}", value).c_str(), nullptr);
  read(key, wide, description, range);
  value = static_cast<float>(wide);
}

void Section::read(std::string_view key, std::string& value, std::string_view description) {
  const RecipeValue& found = take(*this, *node_, key, value);
  const auto* text = std::get_if<std::string>(&found);
  if (text == nullptr) wrong_type(*this, key, "text", found);
  value = *text;
  note(*node_, key, "text", found, description);
}

void Section::read(std::string_view key, std::vector<double>& value, std::string_view description) {
  read_list(*this, *node_, key, value, "a list of numbers", description);
}

void Section::read(std::string_view key, std::vector<Index>& value, std::string_view description) {
  read_list(*this, *node_, key, value, "a list of integers", description);
}

void Section::read(std::string_view key, std::vector<std::string>& value,
                   std::string_view description) {
  read_list(*this, *node_, key, value, "a list of texts", description);
}

void Section::read_choice(std::string_view key, std::string& value,
                          const std::vector<std::string>& choices, std::string_view description) {
  const RecipeValue& found = take(*this, *node_, key, value);
  const auto* text = std::get_if<std::string>(&found);
  if (text == nullptr) wrong_type(*this, key, "one of " + join_keys(choices, ", "), found);
  if (std::find(choices.begin(), choices.end(), *text) == choices.end()) {
    fail(fmt::format("{} = '{}': expected one of {}{}", key, *text, join_keys(choices, ", "),
                     did_you_mean(*text, choices)));
  }
  value = *text;
  note(*node_, key, join_keys(choices, " | "), found, description);
}

void Section::settle(std::string_view key, const std::string& value) {
  node_->leaf(key)->value = value;
}

NamedSettings Section::take_settings() {
  NamedSettings settings;
  for (Node::Leaf& leaf : node_->leaves) {
    leaf.read = true;
    const auto* text = std::get_if<std::string>(&leaf.value);
    if (leaf.key == "name" && text != nullptr) {
      settings.name = *text;
    } else {
      settings.values.emplace_back(leaf.key, leaf.value);
    }
  }
  return settings;
}

void Section::put_settings(const NamedSettings& settings) {
  const auto put = [&](const std::string& key, const SettingValue& value) {
    if (Node::Leaf* leaf = node_->leaf(key)) {
      leaf->value = value;
    } else {
      node_->leaves.push_back({key, value});
    }
  };
  if (!settings.name.empty()) put("name", settings.name);
  for (const auto& [key, value] : settings.values) put(key, value);
}

bool Section::has(std::string_view key) const {
  return node_->leaf(key) != nullptr || node_->table(key) != nullptr || has_tables(key);
}

bool Section::has_tables(std::string_view key) const {
  const Node::Array* array = node_->array(key);
  return array != nullptr && !array->elements.empty();
}

Section Section::section(std::string_view name) {
  if (const Node::Leaf* leaf = node_->leaf(name)) {
    wrong_type(*this, name, fmt::format("a table [{}]", name), leaf->value);
  }
  if (node_->array(name) != nullptr) {
    fail(fmt::format("{}: expected one table [{}], found an array of tables [[{}]]", name, name,
                     name));
  }
  Node* table = node_->table(name);
  if (table == nullptr) table = &node_->add_table(name);
  table->read = true;
  return Section(table);
}

std::vector<Section> Section::sections(std::string_view name) {
  if (const Node::Leaf* leaf = node_->leaf(name)) {
    const auto* list = std::get_if<std::vector<Index>>(&leaf->value);
    if (list != nullptr && list->empty()) {  // `loss = []`: none
      node_->leaf(name)->read = true;
      return {};
    }
    wrong_type(*this, name, fmt::format("tables [[{}]]", name), leaf->value);
  }
  if (node_->table(name) != nullptr) {
    fail(fmt::format("{}: expected an array of tables [[{}]], found one table [{}]", name, name,
                     name));
  }
  // Written down where the recipe has none, too: finish() suggests it.
  if (node_->array(name) == nullptr) node_->arrays.push_back({std::string(name), {}});
  Node::Array* array = node_->array(name);
  array->read = true;
  std::vector<Section> found;
  for (const auto& element : array->elements) found.push_back(Section(element.get()));
  return found;
}

Section Section::append(std::string_view name) {
  Node& element = node_->add_element(name);
  node_->array(name)->read = true;
  return Section(&element);
}

void Section::finish() const {
  std::vector<std::string> known;
  for (const Setting& setting : node_->settings) known.push_back(setting.key);
  for (const auto& table : node_->tables) {
    if (table->read) known.push_back(table->key);
  }
  for (const Node::Array& array : node_->arrays) {
    if (array.read) known.push_back(array.key);
  }
  const auto reject = [&](const std::string& key) {
    const std::string where = node_->parent == nullptr ? "" : " in " + name();
    const std::string all =
        known.empty() ? "" : fmt::format("; known are {}", join_keys(known, ", "));
    const std::string hint = did_you_mean(key, known, all);
    const Node* root = node_;
    while (root->parent != nullptr) root = root->parent;
    kindred::fail(ErrorKind::recipe,
                  fmt::format("{}: unknown key '{}'{}{}", root->origin, key, where, hint));
  };
  for (const Node::Leaf& leaf : node_->leaves) {
    if (!leaf.read) reject(leaf.key);
  }
  for (const auto& table : node_->tables) {
    if (!table->read) reject(table->key);
  }
  for (const Node::Array& array : node_->arrays) {
    if (!array.read) reject(array.key);
  }
}

const std::vector<Setting>& Section::settings() const { return node_->settings; }

std::string Section::name() const {
  if (node_->parent == nullptr) return "top level";
  if (!node_->element) return "[" + node_->path() + "]";
  const std::string label = node_->label();
  if (!label.empty()) return fmt::format("[[{}]] {}", node_->path(), label);
  const auto& elements = node_->parent->array(node_->key)->elements;
  const auto found = std::find_if(elements.begin(), elements.end(),
                                  [&](const auto& element) { return element.get() == node_; });
  return fmt::format("[[{}]] {}", node_->path(), found - elements.begin());
}

void Section::fail(const std::string& message) const {
  const Node* root = node_;
  while (root->parent != nullptr) root = root->parent;
  kindred::fail(ErrorKind::recipe, fmt::format("{}: {}: {}", root->origin, name(), message));
}

}  // namespace kindred
