#pragma once
#include <algorithm>
#include <string>
#include <vector>

namespace kindred::test {

/// What a terminal of so many columns shows of what is written to it: carriage return, line feed,
/// "erase to the end of the line", and letters, which go on in the next line behind the last
/// column.
class Screen {
 public:
  explicit Screen(int columns) : columns_(columns), lines_(1) {}

  void write(const std::string& text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (text.compare(i, 3, "\033[K") == 0) {
        lines_.back().resize(std::min(lines_.back().size(), column_));
        erased_ = true;
        i += 2;
      } else if (c == '\r') {
        column_ = 0;
      } else if (c == '\n') {
        new_line();
        live_ = erased_ = false;
      } else if ((c & 0xC0) != 0x80) {  // a code point
        put(c);
      }
    }
  }

  const std::vector<std::string>& lines() const { return lines_; }
  /// Bars that went on behind the last column: lines written over what was erased.
  int wrapped_bars() const { return wrapped_bars_; }
  std::size_t longest_bar() const { return longest_bar_; }
  int bars() const { return bars_; }

 private:
  void put(char c) {
    // A bar, or what is left of one on a narrow terminal; notes begin otherwise.
    if (column_ == 0) live_ = erased_ && (c == '[' || c == 's');
    if (column_ == static_cast<std::size_t>(columns_)) {
      wrapped_bars_ += live_ ? 1 : 0;
      new_line();
    }
    std::string& line = lines_.back();
    if (line.size() <= column_) line.resize(column_ + 1, ' ');
    line[column_++] = c;
    if (live_ && column_ == 1) ++bars_;
    if (live_) longest_bar_ = std::max(longest_bar_, column_);
  }
  void new_line() {
    lines_.emplace_back();
    column_ = 0;
  }

  int columns_;
  std::vector<std::string> lines_;
  std::size_t column_ = 0;
  bool erased_ = false;  // before what stands
  bool live_ = false;
  int wrapped_bars_ = 0;
  int bars_ = 0;
  std::size_t longest_bar_ = 0;
};

}  // namespace kindred::test
