#include "train/choose/recipe_lines.h"

#include <fmt/format.h>

#include <algorithm>

#include "kindred/core/recipe.h"

namespace kindred {
namespace {

constexpr std::size_t kWidth = 110;
constexpr std::size_t kCommentColumn = 30;
constexpr const char* kSaid = "as --set says";

std::string trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == text.npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(' ') - begin + 1));
}

// `text` in lines of at most `width`, between words.
std::vector<std::string> wrapped_comment(const std::string& text, std::size_t width) {
  std::vector<std::string> lines(1);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > width)
      lines.emplace_back();
    lines.back() += (lines.back().empty() ? "" : " ") + word;
    at = end + 1;
  }
  return lines;
}

}  // namespace

RecipeLines::RecipeLines(std::span<const std::string> assignments) {
  Recipe said;
  for (const std::string& assignment : assignments) {
    const std::string key = trimmed(assignment.substr(0, assignment.find('=')));
    if (key.starts_with("loss.")) {  // elements of a list that is not there yet
      said_[key] =
          trimmed(assignment.substr(std::min(assignment.find('='), assignment.size() - 1) + 1));
      continue;
    }
    said.set(assignment);
  }
  for (auto& [key, value] : said.flat()) said_[key] = value;
}

bool RecipeLines::is_said(std::string_view key) const {
  const auto found = said_.lower_bound(std::string(key));
  return found != said_.end() &&
         (found->first == key || found->first.starts_with(std::string(key) + "."));
}

std::string RecipeLines::said(std::string_view key) const {
  const auto found = said_.find(std::string(key));
  return found == said_.end() ? "" : found->second;
}

void RecipeLines::comment(const std::string& text) {
  for (const std::string& line : wrapped_comment(text, kWidth - 2)) text_ += "# " + line + "\n";
}

std::string RecipeLines::key_here(const std::string& key) const {
  return section_.empty() ? key : section_ + "." + key;
}

void RecipeLines::end_section() {
  if (lists_ >= 0 && section_.starts_with("loss.")) return;
  for (const auto& [key, value] : said_) {
    const std::string prefix = section_.empty() ? "" : section_ + ".";
    if (!key.starts_with(prefix) || key.find('.', prefix.size()) != key.npos) continue;
    if (written_[key]) continue;
    written_[key] = true;
    write(fmt::format("{} = {}", key.substr(prefix.size()), value), kSaid);
  }
}

void RecipeLines::section(const std::string& name, bool is_list) {
  end_section();
  lists_ = is_list ? lists_ + 1 : -1;
  section_ = is_list ? fmt::format("{}.{}", name, lists_) : name;
  if (name.empty()) return;
  text_ += is_list ? fmt::format("\n[[{}]]\n", name) : fmt::format("\n[{}]\n", name);
}

void RecipeLines::line(const std::string& key, const std::string& value, const std::string& why) {
  const std::string full = key_here(key);
  const std::string own = lists_ >= 0 ? "" : said(full);
  written_[full] = true;
  write(fmt::format("{} = {}", key, own.empty() ? value : own), own.empty() ? why : kSaid);
}

void RecipeLines::write(const std::string& assignment, const std::string& why) {
  if (why.empty()) {
    text_ += assignment + "\n";
    return;
  }
  if (assignment.size() + 2 > kCommentColumn) {  // a comment of its own, above
    comment(why);
    text_ += assignment + "\n";
    return;
  }
  std::string front = fmt::format("{:<{}}", assignment, kCommentColumn);
  for (const std::string& line : wrapped_comment(why, kWidth - kCommentColumn - 2)) {
    text_ += front + "# " + line + "\n";
    front = std::string(kCommentColumn, ' ');
  }
}

std::string RecipeLines::text() {
  end_section();
  section_.clear();
  return text_;
}

}  // namespace kindred
