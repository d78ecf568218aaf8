#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kindred {

/// A record of a list.
struct ListRow {
  std::size_t line = 0;  ///< from 1, where it begins
  std::span<const std::string_view> fields;

  /// Fails with internal where the row has no such field: ask ListText::expect_all_fields() first.
  std::string_view operator[](std::size_t field) const;
};

/// A list of records as spreadsheets, scripts and people write it. Found out, and told by
/// dialect(): the encoding (decode_text()), and what separates fields: a tab, a comma, a semicolon,
/// a bar or blanks, whichever gives most rows the same number of fields. Fields may stand in double
/// quotes, in which quotes are doubled (or follow a backslash) and line breaks are allowed; blanks
/// around fields do not count, nor do rows that are empty. Fails with data, and the line.
class ListText {
 public:
  /// `where` names it in messages.
  ListText(std::span<const std::byte> bytes, std::string where);
  ListText(const ListText&) = delete;
  ListText& operator=(const ListText&) = delete;

  const std::string& where() const { return where_; }
  std::size_t size() const { return rows_.size(); }
  ListRow operator[](std::size_t row) const;
  /// The fields that most rows have.
  std::size_t columns() const { return columns_; }
  /// "UTF-16, separated by semicolons"; "" for plain commas in UTF-8.
  const std::string& dialect() const { return dialect_; }

  /// Refuses a row that has other than columns() fields. A header is a row like any other: one that
  /// is longer names columns that no row has.
  void expect_all_fields(const ListRow& row) const;
  [[noreturn]] void refuse(const ListRow& row, const std::string& why) const;

 private:
  struct Place {
    std::size_t line;
    std::size_t first;  // of its fields
    std::size_t count;
  };
  struct Parsed {
    std::vector<Place> rows;
    std::vector<std::string_view> fields;
    bool open_quote = false;  // at the end
  };

  static Parsed parse(std::span<char> text, char separator);
  char find_separator() const;
  static std::pair<std::size_t, double> usual_columns(const Parsed& parsed);

  std::string where_;
  std::string text_;  // fields lie in it; what stood in quotes was shortened in place
  std::vector<Place> rows_;
  std::vector<std::string_view> fields_;
  std::size_t columns_ = 0;
  std::string dialect_;
};

}  // namespace kindred
