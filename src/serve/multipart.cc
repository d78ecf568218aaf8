#include "serve/multipart.h"

#include <fmt/format.h>

#include <algorithm>

#include "kindred/core/error.h"
#include "kindred/core/text.h"

namespace kindred::serve {
namespace {

constexpr std::size_t kMostPartHead = 8 << 10;
constexpr std::size_t kMostBoundary = 70;  // RFC 2046
constexpr std::string_view kLineEnd = "\r\n";

[[noreturn]] void refuse_form(const std::string& why) {
  fail(ErrorKind::data, "multipart/form-data: " + why);
}

bool equal_but_case(std::string_view a, std::string_view b) {
  const auto small = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, small, small);
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

// `; name="a \"b\""; filename=c`, one after the other.
struct Parameters {
  std::string_view rest;

  // False at the end, and at what is none.
  bool next(std::string_view& name, std::string& value) {
    rest = trimmed(rest);
    if (!rest.starts_with(';')) return false;
    rest = trimmed(rest.substr(1));
    const std::size_t equals = rest.find('=');
    if (equals == std::string_view::npos) return false;
    name = trimmed(rest.substr(0, equals));
    rest = trimmed(rest.substr(equals + 1));
    value.clear();
    if (!rest.starts_with('"')) {
      const std::string_view word = rest.substr(0, rest.find(';'));
      rest.remove_prefix(word.size());
      value = trimmed(word);
      return true;
    }
    for (std::size_t i = 1; i < rest.size(); ++i) {
      if (rest[i] == '"') {
        rest.remove_prefix(i + 1);
        return true;
      }
      if (rest[i] == '\\' && i + 1 < rest.size() && (rest[i + 1] == '"' || rest[i + 1] == '\\'))
        ++i;
      value += rest[i];
    }
    return false;
  }
};

void read_disposition(std::string_view text, FormPart& part) {
  const std::string_view kind = trimmed(text.substr(0, text.find(';')));
  if (!equal_but_case(kind, "form-data")) return;
  Parameters parameters{text.substr(std::min(text.find(';'), text.size()))};
  std::string_view name;
  std::string value;
  while (parameters.next(name, value)) {
    if (equal_but_case(name, "name")) part.name = valid_utf8(value);
    if (equal_but_case(name, "filename")) {
      part.is_file = true;
      part.file_name = valid_utf8(value);
    }
  }
}

void read_part_head(std::string_view head, FormPart& part) {
  while (!head.empty()) {
    const std::size_t end = std::min(head.find(kLineEnd), head.size());
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + kLineEnd.size(), head.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) refuse_form("a line of a part's head is no field");
    if (equal_but_case(trimmed(line.substr(0, colon)), "Content-Disposition")) {
      read_disposition(line.substr(colon + 1), part);
    }
  }
}

}  // namespace

std::optional<std::string> boundary_of(std::string_view content_type) {
  const std::size_t end = content_type.find(';');
  if (!equal_but_case(trimmed(content_type.substr(0, end)), "multipart/form-data")) {
    return std::nullopt;
  }
  Parameters parameters{content_type.substr(std::min(end, content_type.size()))};
  std::string_view name;
  std::string value;
  while (parameters.next(name, value)) {
    if (!equal_but_case(name, "boundary")) continue;
    const bool plain = std::ranges::all_of(value, [](char c) { return c >= ' ' && c < 0x7F; });
    return plain && value.size() <= kMostBoundary ? value : "";
  }
  return "";
}

std::vector<FormPart> parse_multipart(std::string_view body, const std::string& boundary,
                                      std::size_t most) {
  if (boundary.empty()) refuse_form("Content-Type names no boundary");
  const std::string mark = "\r\n--" + boundary;
  // The first stands at the beginning, or behind a preamble's line.
  std::size_t at = 0;
  if (body.starts_with(std::string_view(mark).substr(kLineEnd.size()))) {
    at = mark.size() - kLineEnd.size();
  } else if (const std::size_t found = body.find(mark); found != std::string_view::npos) {
    at = found + mark.size();
  } else {
    refuse_form("the boundary that Content-Type names is not in the body");
  }
  std::vector<FormPart> parts;
  while (true) {
    std::string_view rest = body.substr(at);
    if (rest.starts_with("--")) return parts;
    while (rest.starts_with(' ') || rest.starts_with('\t')) rest.remove_prefix(1);
    if (!rest.starts_with(kLineEnd)) refuse_form("a boundary is not followed by a line's end");
    if (parts.size() == most) refuse_form(fmt::format("has more than {} parts", most));
    rest.remove_prefix(kLineEnd.size());
    // A part without fields begins with the empty line.
    const std::size_t head_end =
        rest.starts_with(kLineEnd) ? 0 : rest.substr(0, kMostPartHead).find("\r\n\r\n");
    if (head_end == std::string_view::npos) {
      refuse_form(fmt::format("a part's head has no end within {} bytes", kMostPartHead));
    }
    FormPart part;
    read_part_head(rest.substr(0, head_end), part);
    if (part.name.empty()) refuse_form(fmt::format("part {} has no name", parts.size() + 1));
    // The line's end before a boundary belongs to it, as that of an empty part's head does.
    const std::size_t content = head_end == 0 ? 0 : head_end + kLineEnd.size();
    const std::size_t end = rest.find(mark, content);
    if (end == std::string_view::npos) refuse_form("ends within a part");
    const std::size_t first = content + kLineEnd.size();
    part.content = first <= end ? rest.substr(first, end - first) : std::string_view();
    parts.push_back(std::move(part));
    at = static_cast<std::size_t>(rest.data() - body.data()) + end + mark.size();
  }
}

}  // namespace kindred::serve
