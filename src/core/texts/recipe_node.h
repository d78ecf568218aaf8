#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "kindred/core/recipe.h"

namespace kindred {

using RecipeValue = SettingValue;

/// One table of a recipe. Children never move: Sections point at them.
struct KINDRED_HIDDEN Section::Node {
  struct Leaf {
    std::string key;
    RecipeValue value;
    bool read = false;
  };
  struct Array {
    std::string key;
    std::vector<std::unique_ptr<Node>> elements;
    bool read = false;
  };

  std::string key;  ///< "" for the root
  Node* parent = nullptr;
  std::string origin;    ///< of the root: file name
  bool element = false;  ///< of an array of tables
  bool read = false;
  std::vector<Leaf> leaves;
  std::vector<std::unique_ptr<Node>> tables;
  std::vector<Array> arrays;
  std::vector<Setting> settings;

  Leaf* leaf(std::string_view name);
  Node* table(std::string_view name);
  Array* array(std::string_view name);
  Node& add_table(std::string_view name);
  Node& add_element(std::string_view array_name);
  /// "loss", "model.layers": the dotted path without element numbers.
  std::string path() const;
  /// The same as a TOML document writes it: keys that are no bare words in quotes.
  std::string toml_path() const;
  /// The text of `name` or `kind`, or "".
  std::string label() const;
};

/// "a number", "text", ...: for messages.
std::string_view kind_of(const RecipeValue& value);
/// TOML text.
std::string text_of(const RecipeValue& value);
/// A key as TOML writes it: a bare word, or in quotes.
std::string text_of_key(const std::string& key);

/// Fills `root` from TOML text; fails with ErrorKind::recipe, with line and column.
void parse_toml(std::string_view text, const std::string& origin, Section::Node& root);
/// The value of a `key=value` assignment: TOML, or a bare word as text.
RecipeValue parse_value(std::string_view text, const std::string& origin);

}  // namespace kindred
