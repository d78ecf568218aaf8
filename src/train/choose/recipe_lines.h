#pragma once
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kindred {

/// Writes a recipe with comments. What was said beforehand ("section.key=value") takes the place of
/// what is chosen.
class RecipeLines {
 public:
  /// Fails with usage or recipe where one of them is no assignment.
  explicit RecipeLines(std::span<const std::string> assignments);

  /// Whether a key was said, or with `prefix` "model.layers" one below it.
  bool is_said(std::string_view key) const;
  /// What was said for it as TOML, or "".
  std::string said(std::string_view key) const;

  /// Comment lines, wrapped.
  void comment(const std::string& text);
  /// "" is the top level; `is_list` makes it [[name]]. Ends the section before, with what was said
  /// for it and not chosen.
  void section(const std::string& name, bool is_list = false);
  /// `value` is TOML; `why` may be empty.
  void line(const std::string& key, const std::string& value, const std::string& why = "");

  /// All of it; to be called once.
  std::string text();

 private:
  std::string key_here(const std::string& key) const;
  void end_section();
  void write(const std::string& assignment, const std::string& why);

  std::map<std::string, std::string> said_;  // by dotted key, as TOML; of losses the keys alone
  std::map<std::string, bool> written_;
  std::string section_;
  std::string text_;
  int lists_ = -1;  // the number of this [[section]]
};

}  // namespace kindred
