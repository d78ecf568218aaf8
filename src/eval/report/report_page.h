#pragma once
#include <string_view>

namespace kindred {

/// The page's own files (src/eval/report/page/), put into the library by its embed.cmake.
extern const std::string_view kReportPage;    ///< page.html
extern const std::string_view kReportStyle;   ///< page.css
extern const std::string_view kReportScript;  ///< all scripts, one after the other

}  // namespace kindred
