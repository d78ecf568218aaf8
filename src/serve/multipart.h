#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kindred::serve {

/// One piece of a form. Views into the body.
struct FormPart {
  std::string name;
  std::string file_name;  ///< "" where it is a field; valid UTF-8
  bool is_file = false;
  std::string_view content;
};

/// The boundary that a Content-Type of multipart/form-data names; nothing where it is another type,
/// "" where it names none or one that is none.
std::optional<std::string> boundary_of(std::string_view content_type);

/// The parts of a body (RFC 7578), which `body` outlives. Fails with data, saying what is wrong:
/// an end that is missing, more than `most` parts, a part without a name.
std::vector<FormPart> parse_multipart(std::string_view body, const std::string& boundary,
                                      std::size_t most);

}  // namespace kindred::serve
