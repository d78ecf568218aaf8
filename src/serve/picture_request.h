#pragma once
#include <initializer_list>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "serve/http_message.h"
#include "serve/picture_service.h"

namespace kindred::serve {

/// What is wrong with a request: its answer.
class Refused : public std::runtime_error {
 public:
  Refused(int status, const std::string& message) : std::runtime_error(message), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

constexpr std::size_t kMostPictures = 256;  ///< in a request

/// The pictures of a request, and the settings beside them: of its query, and of a form's fields.
struct PictureRequest {
  std::vector<PictureFile> files;  ///< views into the request's body
  std::map<std::string, std::string> settings;

  /// Refuses (400) what is not a whole number in the range, or no number.
  Index whole(const std::string& name, Index otherwise, Index lowest, Index highest) const;
  std::optional<double> number(const std::string& name, double lowest, double highest) const;
  std::string text(const std::string& name) const;
};

/// The body is one picture, or multipart/form-data of several. Refuses other types (415), a body
/// without pictures (400), more of them than kMostPictures (413), and settings that are not of
/// `known` (400).
PictureRequest picture_request_of(const HttpRequest& request,
                                  const std::map<std::string, std::string>& query,
                                  std::initializer_list<std::string_view> known);

/// Refuses (400) a setting that is not of `known`.
void check_settings(const std::map<std::string, std::string>& settings,
                    std::initializer_list<std::string_view> known);

}  // namespace kindred::serve
