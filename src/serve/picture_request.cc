#include "serve/picture_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "kindred/core/error.h"
#include "serve/multipart.h"

namespace kindred::serve {
namespace {

constexpr std::size_t kMostFields = 16;
constexpr std::size_t kMostFieldBytes = 4096;

// What a body of one picture is called: curl --data-binary says it is a form.
bool is_raw_picture(const std::string& content_type) {
  const std::string type = content_type.substr(0, content_type.find(';'));
  return type.empty() || type.starts_with("image/") || type == "application/octet-stream" ||
         type == "application/x-www-form-urlencoded";
}

void take_part(const FormPart& part, PictureRequest& asked) {
  if (part.is_file) {
    if (asked.files.size() == kMostPictures) {
      throw Refused(413, fmt::format("a request may have {} pictures", kMostPictures));
    }
    asked.files.push_back({part.file_name, part.content, false});
    return;
  }
  if (part.content.size() > kMostFieldBytes) {
    throw Refused(413,
                  fmt::format("the field {} takes more than {} bytes", part.name, kMostFieldBytes));
  }
  if (!asked.settings.emplace(part.name, part.content).second) {
    throw Refused(400, fmt::format("{} is given twice", part.name));
  }
}

}  // namespace

void check_settings(const std::map<std::string, std::string>& settings,
                    std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : settings) {
    if (std::ranges::find(known, name) == known.end()) {
      throw Refused(400, fmt::format("{} is no setting of this path", name));
    }
  }
}

PictureRequest picture_request_of(const HttpRequest& request,
                                  const std::map<std::string, std::string>& query,
                                  std::initializer_list<std::string_view> known) {
  PictureRequest asked;
  asked.settings = query;
  if (const auto boundary = boundary_of(request.head.content_type)) {
    try {
      for (const FormPart& part :
           parse_multipart(request.body, *boundary, kMostPictures + kMostFields)) {
        take_part(part, asked);
      }
    } catch (const Error& error) {
      throw Refused(400, error.what());
    }
  } else if (is_raw_picture(request.head.content_type)) {
    if (!request.body.empty()) asked.files.push_back({"", request.body, false});
  } else {
    throw Refused(415,
                  "expected one picture as the body (image/jpeg, image/png, image/webp, "
                  "application/octet-stream), or several as multipart/form-data");
  }
  check_settings(asked.settings, known);
  if (asked.files.empty()) throw Refused(400, "the request has no picture");
  return asked;
}

Index PictureRequest::whole(const std::string& name, Index otherwise, Index lowest,
                            Index highest) const {
  const auto found = settings.find(name);
  if (found == settings.end()) return otherwise;
  const std::string& text = found->second;
  Index value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || value < lowest ||
      value > highest) {
    throw Refused(400,
                  fmt::format("{}: expected a whole number from {} to {}", name, lowest, highest));
  }
  return value;
}

std::optional<double> PictureRequest::number(const std::string& name, double lowest,
                                             double highest) const {
  const auto found = settings.find(name);
  if (found == settings.end()) return std::nullopt;
  const std::string& text = found->second;
  double value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || !(value >= lowest) ||
      !(value <= highest)) {
    throw Refused(400, fmt::format("{}: expected a number from {} to {}", name, lowest, highest));
  }
  return value;
}

std::string PictureRequest::text(const std::string& name) const {
  const auto found = settings.find(name);
  return found == settings.end() ? "" : found->second;
}

}  // namespace kindred::serve
