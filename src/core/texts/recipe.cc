#include "kindred/core/recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>
#include <numeric>

#include "core/texts/did_you_mean.h"
#include "core/texts/recipe_node.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"

namespace kindred {
namespace {

using Node = Section::Node;

// The child of `node` that the path element `part` names: a table, or, behind an array's name, the
// element with that number or that name.
Node* step_down(Node* node, const std::vector<std::string>& parts, std::size_t& i) {
  if (Node::Array* array = node->array(parts[i])) {
    if (i + 1 >= parts.size()) return nullptr;
    const std::string& which = parts[++i];
    std::size_t number = 0;
    const auto [end, code] = std::from_chars(which.data(), which.data() + which.size(), number);
    if (code == std::errc() && end == which.data() + which.size()) {
      return number < array->elements.size() ? array->elements[number].get() : nullptr;
    }
    for (const auto& element : array->elements) {
      if (element->label() == which) return element.get();
    }
    return nullptr;
  }
  Node* table = node->table(parts[i]);
  return table != nullptr ? table : &node->add_table(parts[i]);
}

void write_node(const Node& node, std::string& out) {
  for (const Node::Leaf& leaf : node.leaves) {
    out += fmt::format("{} = {}\n", text_of_key(leaf.key), text_of(leaf.value));
  }
  for (const auto& table : node.tables) {
    if (!table->leaves.empty() || table->tables.empty()) {
      out += fmt::format("\n[{}]\n", table->toml_path());
    }
    write_node(*table, out);
  }
  for (const Node::Array& array : node.arrays) {
    for (const auto& element : array.elements) {
      out += fmt::format("\n[[{}]]\n", element->toml_path());
      write_node(*element, out);
    }
  }
}

void flatten(const Node& node, const std::string& prefix, std::map<std::string, std::string>& out) {
  for (const Node::Leaf& leaf : node.leaves) out[prefix + leaf.key] = text_of(leaf.value);
  for (const auto& table : node.tables) flatten(*table, prefix + table->key + ".", out);
  for (const Node::Array& array : node.arrays) {
    for (std::size_t i = 0; i < array.elements.size(); ++i) {
      flatten(*array.elements[i], fmt::format("{}{}.{}.", prefix, array.key, i), out);
    }
  }
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  constexpr std::size_t kMostWord = 100;  // a longer one is nobody's slip of the pen
  if (word.size() > kMostWord) return best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    // Levenshtein distance, one row at a time.
    std::vector<std::size_t> row(candidate.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < word.size(); ++i) {
      std::size_t diagonal = row[0]++;
      for (std::size_t j = 0; j < candidate.size(); ++j) {
        const std::size_t change = diagonal + (word[i] == candidate[j] ? 0 : 1);
        diagonal = row[j + 1];
        row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, change});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates,
                         const std::string& otherwise) {
  const std::string near = nearest(word, candidates);
  return near.empty() ? otherwise : fmt::format("; did you mean '{}'?", near);
}

Recipe::Recipe() : root_(std::make_unique<Node>()) { root_->origin = "recipe"; }
Recipe::Recipe(Recipe&&) noexcept = default;
Recipe& Recipe::operator=(Recipe&&) noexcept = default;
Recipe::~Recipe() = default;

Recipe Recipe::from_file(const std::string& path) {
  const std::vector<std::byte> bytes = read_file(path, Index{1} << 20);
  Recipe recipe = from_text({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
  recipe.folder_ = std::filesystem::path(path).parent_path().string();
  return recipe;
}

Recipe Recipe::from_text(std::string_view text, const std::string& origin) {
  Recipe recipe;
  recipe.root_->origin = origin;
  parse_toml(text, origin, *recipe.root_);
  return recipe;
}

void Recipe::set(std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == 0 || equals == std::string_view::npos) {
    fail(ErrorKind::usage,
         fmt::format("--set {}: expected section.key=value, for instance train.epochs=3",
                     assignment));
  }
  const auto trim = [](std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
  };
  std::vector<std::string> parts;
  std::string_view rest = trim(assignment.substr(0, equals));
  constexpr std::size_t kMostParts = 16;  // as in a recipe
  for (std::size_t dot; (dot = rest.find('.')) != std::string_view::npos;
       rest.remove_prefix(dot + 1)) {
    parts.emplace_back(rest.substr(0, dot));
  }
  parts.emplace_back(rest);
  if (parts.size() > kMostParts) {
    fail(ErrorKind::usage, fmt::format("--set: a key of {} parts; at most {} are expected",
                                       parts.size(), kMostParts));
  }
  Node* node = root_.get();
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    node = step_down(node, parts, i);
    if (node == nullptr || i + 1 >= parts.size()) {
      fail(
          ErrorKind::recipe,
          fmt::format("--set {}: '{}' names no element of [[{}]]; use its number (from 0) or its "
                      "name",
                      assignment, parts[std::min(i, parts.size() - 1)], parts[i == 0 ? 0 : i - 1]));
    }
  }
  RecipeValue value = parse_value(trim(assignment.substr(equals + 1)), "--set");
  if (Node::Leaf* leaf = node->leaf(parts.back())) {
    leaf->value = std::move(value);
  } else {
    node->leaves.push_back({parts.back(), std::move(value)});
  }
}

const std::string& Recipe::origin() const { return root_->origin; }
Section Recipe::root() { return Section(root_.get()); }
void Recipe::finish() { root().finish(); }

std::string Recipe::resolved() const {
  std::string out;
  write_node(*root_, out);
  return out;
}

std::map<std::string, std::string> Recipe::flat() const {
  std::map<std::string, std::string> out;
  flatten(*root_, "", out);
  return out;
}

}  // namespace kindred
