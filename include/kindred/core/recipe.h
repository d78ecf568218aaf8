#pragma once
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/index.h"

namespace KINDRED_API kindred {

/// Inclusive bounds of a numeric setting.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};

/// What a key of a recipe may hold.
using SettingValue = std::variant<bool, Index, double, std::string, std::vector<Index>,
                                  std::vector<double>, std::vector<std::string>>;

/// What one table of a recipe says, without a recipe: {"triplet", {{"margin", 0.3}}}. What is not
/// named takes its default; a key that nobody knows, or a value that does not fit, is an error of
/// whoever is made of it.
struct NamedSettings {
  std::string name;
  std::vector<std::pair<std::string, SettingValue>> values = {};
};

/// One setting a section was asked for: what `kindred list` prints.
struct Setting {
  std::string key;
  std::string type;   ///< "number", "integer", "true or false", "text", "list", or the choices
  std::string value;  ///< the default, or what the recipe says
  std::string description;  ///< one line, with the unit
  Range range;
};

/// One table of a recipe, for instance [optimizer] or one [[loss]]. Reading a key fills the
/// caller's field when the recipe has the key, leaves the field's default when not, and writes the
/// outcome down, so that the recipe becomes the resolved one. A handle: cheap to copy, valid as
/// long as its Recipe lives.
///
///   struct TripletSettings { double margin = 0.2; ... };
///   section.read("margin", settings.margin, "distance kept between ...", {0, 10});
///
/// A value of the wrong type or out of range fails with ErrorKind::recipe and names the section,
/// the key, what was expected and what was found.
class Section {
 public:
  void read(std::string_view key, bool& value, std::string_view description);
  void read(std::string_view key, Index& value, std::string_view description, Range range = {});
  void read(std::string_view key, double& value, std::string_view description, Range range = {});
  void read(std::string_view key, float& value, std::string_view description, Range range = {});
  void read(std::string_view key, std::string& value, std::string_view description);
  void read(std::string_view key, std::vector<double>& value, std::string_view description);
  void read(std::string_view key, std::vector<Index>& value, std::string_view description);
  void read(std::string_view key, std::vector<std::string>& value, std::string_view description);
  /// A text that must be one of `choices`; the error suggests the nearest.
  void read_choice(std::string_view key, std::string& value,
                   const std::vector<std::string>& choices, std::string_view description);

  /// Replaces the text that was read for `key` by what it came to, for the resolved recipe.
  void settle(std::string_view key, const std::string& value);

  /// All that the table holds, its `name` apart; the keys count as read. Child tables are left out.
  NamedSettings take_settings();
  /// Writes them into the table, over what it holds of these keys.
  void put_settings(const NamedSettings& settings);

  bool has(std::string_view key) const;
  /// True where `key` is an array of tables, [[key]], with at least one.
  bool has_tables(std::string_view key) const;
  /// The child table `name`; made empty where the recipe has none.
  Section section(std::string_view name);
  /// The children of the array of tables [[name]], in order; none where the recipe has none.
  std::vector<Section> sections(std::string_view name);
  /// Appends an empty table to [[name]] and returns it.
  Section append(std::string_view name);

  /// Fails when this table holds a key that nobody read: "unknown key 'margn' in [[loss]] triplet;
  /// did you mean 'margin'?". Child tables are finished by whoever reads them.
  void finish() const;
  /// What was read so far, in that order.
  const std::vector<Setting>& settings() const;
  /// "[optimizer]" or "[[loss]] triplet": how messages name this table.
  std::string name() const;
  /// Fails with ErrorKind::recipe and the message "FILE: NAME: message".
  [[noreturn]] void fail(const std::string& message) const;

  struct Node;
  explicit Section(Node* node) : node_(node) {}

 private:
  Node* node_;
};

/// A recipe: a TOML document whose values are read through Sections.
class Recipe {
 public:
  /// An empty recipe: every key takes its default.
  Recipe();
  Recipe(Recipe&&) noexcept;
  Recipe& operator=(Recipe&&) noexcept;
  ~Recipe();

  /// Reads a file of at most 1 MiB. Fails with no_input or recipe, with line and column.
  static Recipe from_file(const std::string& path);
  /// `origin` names the text in messages.
  static Recipe from_text(std::string_view text, const std::string& origin);

  /// Applies one `section.key=value` from the command line. The value is TOML; a bare word is text.
  /// An element of an array of tables is named by its number or its name: `loss.0.margin=0.3`,
  /// `loss.triplet.margin=0.3`.
  void set(std::string_view assignment);

  Section root();
  /// Fails when the document has a top-level table or key that nobody read.
  void finish();

  /// The whole document as TOML, defaults that were read included.
  std::string resolved() const;
  /// Every value by its dotted key ("loss.0.margin"), as TOML text.
  std::map<std::string, std::string> flat() const;
  /// What messages call it: the file it was read from, ...
  const std::string& origin() const;
  /// The folder relative paths in the recipe are relative to; "" for a text.
  const std::string& folder() const { return folder_; }

 private:
  std::unique_ptr<Section::Node> root_;
  std::string folder_;
};

/// The candidate nearest to `word` by edit distance, or "" when none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace kindred
