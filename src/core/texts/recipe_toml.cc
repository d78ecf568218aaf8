#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>

#include "core/texts/recipe_node.h"
#include "core/texts/toml_limits.h"
#include "kindred/core/error.h"
#include "kindred/core/text.h"

namespace kindred {
namespace {

[[noreturn]] void reject(const std::string& origin, const toml::source_position& at,
                         const std::string& message) {
  fail(ErrorKind::recipe,
       fmt::format("{}: line {}, column {}: {}", origin, at.line, at.column, message));
}

RecipeValue list_value(const toml::array& array, const std::string& origin) {
  std::vector<Index> integers;
  std::vector<double> numbers;
  std::vector<std::string> texts;
  for (const toml::node& node : array) {
    if (const auto* integer = node.as_integer()) {
      integers.push_back(static_cast<Index>(integer->get()));
      numbers.push_back(static_cast<double>(integer->get()));
    } else if (const auto* number = node.as_floating_point()) {
      numbers.push_back(number->get());
    } else if (const auto* text = node.as_string()) {
      texts.push_back(text->get());
    } else {
      reject(origin, node.source().begin, "a list holds numbers or texts only");
    }
  }
  if (!texts.empty() && !numbers.empty()) {
    reject(origin, array.source().begin, "a list holds numbers or texts, not both");
  }
  if (!texts.empty()) return texts;
  if (integers.size() == numbers.size()) return integers;
  return numbers;
}

RecipeValue leaf_value(const toml::node& node, const std::string& origin) {
  if (const auto* flag = node.as_boolean()) return flag->get();
  if (const auto* integer = node.as_integer()) return static_cast<Index>(integer->get());
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* array = node.as_array()) return list_value(*array, origin);
  reject(origin, node.source().begin, "dates and times are not used in recipes");
}

void copy(const toml::table& table, const std::string& origin, Section::Node& node) {
  // toml++ sorts keys; the document's order is what a reader of the resolved recipe expects.
  std::vector<std::pair<toml::source_position, const toml::key*>> keys;
  for (const auto& [key, child] : table) keys.emplace_back(key.source().begin, &key);
  std::stable_sort(keys.begin(), keys.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first.line, a.first.column) < std::pair(b.first.line, b.first.column);
  });
  for (const auto& [position, key] : keys) {
    const toml::node& child = *table.get(key->str());
    const auto name = key->str();
    if (const toml::table* inner = child.as_table()) {
      copy(*inner, origin, node.add_table(name));
    } else if (const toml::array* array = child.as_array();
               array != nullptr && array->is_array_of_tables()) {
      for (const toml::node& element : *array) {
        copy(*element.as_table(), origin, node.add_element(name));
      }
    } else {
      node.leaves.push_back({std::string(name), leaf_value(child, origin)});
    }
  }
}

}  // namespace

void parse_toml(std::string_view text, const std::string& origin, Section::Node& root) {
  const std::string beyond = beyond_toml_limits(text);
  if (!beyond.empty()) fail(ErrorKind::recipe, fmt::format("{}: {}", origin, beyond));
  try {
    copy(toml::parse(text, origin), origin, root);
  } catch (const toml::parse_error& error) {
    reject(origin, error.source().begin, printable(error.description()));
  }
}

RecipeValue parse_value(std::string_view text, const std::string& origin) {
  // Before the text is looked at: what is no TOML is a bare word.
  if (!beyond_toml_limits(text).empty()) return valid_utf8(text);
  toml::table table;
  try {
    table = toml::parse("value = " + std::string(text));
  } catch (const toml::parse_error&) {
    return valid_utf8(text);  // a bare word
  }
  // A line break in `text` could bring further keys; they are not looked at.
  return leaf_value(*table.get("value"), origin);
}

}  // namespace kindred
