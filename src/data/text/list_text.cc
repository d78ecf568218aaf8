#include "data/text/list_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include "data/text/text_encoding.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr std::size_t kLookedAt = std::size_t{1} << 16;  // bytes, for the separator
constexpr char kBlanks = ' ';                            // any number of blanks and tabs

struct Separator {
  char character;
  const char* name;
};
constexpr std::array kSeparators{Separator{'\t', "tabs"}, Separator{',', "commas"},
                                 Separator{';', "semicolons"}, Separator{'|', "bars"},
                                 Separator{kBlanks, "blanks"}};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }

// "cat/1.jpg": fields end so where they are cut at the right places.
bool has_extension(std::string_view field) {
  const std::size_t dot = field.rfind('.');
  if (dot == field.npos || dot == 0 || field.size() - dot < 3 || field.size() - dot > 6) {
    return false;
  }
  return std::isalpha(static_cast<unsigned char>(field[dot + 1])) != 0 &&
         std::all_of(field.begin() + static_cast<std::ptrdiff_t>(dot) + 1, field.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0; });
}

/// Cuts a text into fields; what stands in quotes is shortened in place.
class Scanner {
 public:
  Scanner(std::span<char> text, char separator) : text_(text), separator_(separator) {}

  bool at_end() const { return at_ >= text_.size(); }
  std::size_t line() const { return line_; }
  bool open_quote() const { return open_quote_; }

  /// Over empty lines; false at the end.
  bool next_row() {
    while (!at_end() && (is_blank(text_[at_]) || text_[at_] == '\n')) {
      if (text_[at_] == separator_ && separator_ != kBlanks) break;  // an empty first field
      take();
    }
    return !at_end();
  }

  /// The next field; `more` is whether another follows in its row.
  std::string_view field(bool& more) {
    skip_blanks();
    std::string_view found;
    if (!at_end() && text_[at_] == '"') {
      found = quoted();
    } else {
      const std::size_t begin = at_;
      while (!at_end() && text_[at_] != '\n' && !is_separator(text_[at_])) ++at_;
      std::size_t end = at_;
      while (end > begin && is_blank(text_[end - 1])) --end;
      found = {text_.data() + begin, end - begin};
    }
    skip_blanks();
    more = !at_end() && text_[at_] != '\n';
    if (more && separator_ != kBlanks) ++at_;
    if (!at_end() && !more) take();
    return found;
  }

 private:
  bool is_separator(char c) const { return separator_ == kBlanks ? is_blank(c) : c == separator_; }
  char take() {
    if (text_[at_] == '\n') ++line_;
    return text_[at_++];
  }
  void skip_blanks() {
    while (!at_end() && is_blank(text_[at_]) && (separator_ == kBlanks || text_[at_] != separator_))
      ++at_;
  }
  // A quote ends its field where a separator or the end of the line follows.
  bool ends_here(std::size_t at) const {
    while (at < text_.size() && is_blank(text_[at]) && !is_separator(text_[at])) ++at;
    return at >= text_.size() || text_[at] == '\n' || is_separator(text_[at]);
  }
  std::string_view quoted() {
    const std::size_t begin = ++at_;
    std::size_t out = begin;
    open_quote_ = true;
    while (!at_end()) {
      char c = take();
      const char following = at_end() ? '\n' : text_[at_];
      if (c == '"' && following == '"') {
        take();
      } else if (c == '\\' && following == '"' && !ends_here(at_ + 1)) {
        c = take();
      } else if (c == '"' && ends_here(at_)) {
        open_quote_ = false;
        break;
      }
      text_[out++] = c;
    }
    return {text_.data() + begin, out - begin};
  }

  std::span<char> text_;
  char separator_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  bool open_quote_ = false;
};

// Spreadsheets' first line "sep=;".
char named_separator(std::string& text) {
  if (text.size() < 5 || !text.starts_with("sep=") || (text[5] != '\n' && text[5] != '\r'))
    return 0;
  const char separator = text[4];
  const std::size_t end = text.find('\n');
  std::fill(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(end, text.size())),
            ' ');
  return separator;
}

}  // namespace

ListText::Parsed ListText::parse(std::span<char> text, char separator) {
  Parsed parsed;
  Scanner scanner(text, separator);
  while (scanner.next_row()) {
    Place row{scanner.line(), parsed.fields.size(), 0};
    for (bool more = true; more; ++row.count) parsed.fields.push_back(scanner.field(more));
    parsed.rows.push_back(row);
  }
  parsed.open_quote = scanner.open_quote();
  return parsed;
}

// The number of fields that most rows have, and the share of rows that do.
std::pair<std::size_t, double> ListText::usual_columns(const Parsed& parsed) {
  std::map<std::size_t, std::size_t> rows;
  for (const Place& row : parsed.rows) ++rows[row.count];
  if (parsed.rows.empty()) return {0, 0};
  std::size_t columns = parsed.rows[0].count;  // of equals the first
  for (const auto& [count, times] : rows) {
    if (times > rows[columns]) columns = count;
  }
  return {columns, static_cast<double>(rows[columns]) / static_cast<double>(parsed.rows.size())};
}

char ListText::find_separator() const {
  // Whole lines.
  const std::size_t end = text_.size() <= kLookedAt ? text_.size() : text_.rfind('\n', kLookedAt);
  const std::string some = text_.substr(0, end == text_.npos ? kLookedAt : end);
  char best = ',';
  double best_score = 0;
  for (const Separator& separator : kSeparators) {
    std::string copy = some;
    const Parsed parsed = parse(copy, separator.character);
    const auto [columns, share] = usual_columns(parsed);
    if (columns < 2) continue;
    std::size_t named = 0;
    for (const Place& row : parsed.rows) {
      const auto first = parsed.fields.begin() + static_cast<std::ptrdiff_t>(row.first);
      if (std::any_of(first, first + static_cast<std::ptrdiff_t>(row.count), has_extension))
        ++named;
    }
    // Names in their whole tell more than equal counts, and blanks are in many a name.
    const double score = share +
                         2 * static_cast<double>(named) / static_cast<double>(parsed.rows.size()) -
                         (separator.character == kBlanks ? 0.1 : 0);
    if (score > best_score + 1e-9) {
      best_score = score;
      best = separator.character;
    }
  }
  return best;
}

ListText::ListText(std::span<const std::byte> bytes, std::string where) : where_(std::move(where)) {
  DecodedText decoded = decode_text(bytes);
  text_ = std::move(decoded.text);
  if (text_.find('\0') != text_.npos) {
    fail(ErrorKind::data, fmt::format("{}: holds zero bytes: it is no list in text", where_));
  }
  // The line ends of old spreadsheets.
  if (text_.find('\n') == text_.npos) std::replace(text_.begin(), text_.end(), '\r', '\n');
  char separator = named_separator(text_);
  if (separator == 0) separator = find_separator();
  Parsed parsed = parse(text_, separator);
  if (parsed.open_quote) {
    fail(ErrorKind::data, fmt::format("{}: line {}: a quote is opened that nothing closes", where_,
                                      parsed.rows.back().line));
  }
  columns_ = usual_columns(parsed).first;
  rows_ = std::move(parsed.rows);
  fields_ = std::move(parsed.fields);
  dialect_ = decoded.encoding;
  const auto name = std::find_if(kSeparators.begin(), kSeparators.end(),
                                 [&](const Separator& one) { return one.character == separator; });
  if (separator != ',' && columns_ > 1) {
    dialect_ += fmt::format("{}separated by {}", dialect_.empty() ? "" : ", ",
                            name == kSeparators.end() ? std::string(1, separator) : name->name);
  }
}

std::string_view ListRow::operator[](std::size_t field) const {
  if (field >= fields.size()) {
    fail(ErrorKind::internal,
         fmt::format("line {}: field {} of {} is read", line, field + 1, fields.size()));
  }
  return fields[field];
}

ListRow ListText::operator[](std::size_t row) const {
  const Place& place = rows_[row];
  return {place.line, std::span(fields_).subspan(place.first, place.count)};
}

void ListText::expect_all_fields(const ListRow& row) const {
  if (row.fields.size() == columns_) return;
  refuse(row, fmt::format("has {} fields, most lines have {} ({})", row.fields.size(), columns_,
                          dialect_.empty() ? "separated by commas" : dialect_));
}

void ListText::refuse(const ListRow& row, const std::string& why) const {
  fail(ErrorKind::data, fmt::format("{}: line {}: {}", where_, row.line, why));
}

}  // namespace kindred
