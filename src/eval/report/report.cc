#include "kindred/eval/report.h"

#include <map>
#include <string_view>

#include "core/texts/page_text.h"
#include "eval/report/report_json.h"
#include "eval/report/report_page.h"
#include "kindred/core/file.h"

namespace kindred {
std::string render_report(const Report& report) {
  const std::map<std::string_view, std::string> parts = {
      {"title", html_text(report.title)},
      {"connect", report.live ? "; connect-src 'self'" : ""},
      {"style", std::string(kReportStyle)},
      {"data", report_json(report)},
      {"script", std::string(kReportScript)},
  };
  std::string page;
  std::string_view rest = kReportPage;
  for (;;) {
    const std::size_t begin = rest.find("{{");
    page += rest.substr(0, begin);
    if (begin == std::string_view::npos) return page;
    const std::size_t end = rest.find("}}", begin);
    page += parts.at(rest.substr(begin + 2, end - begin - 2));
    rest.remove_prefix(end + 2);
  }
}

Index write_report(const std::string& path, const Report& report) {
  const std::string page = render_report(report);
  write_file_durably(path, page);
  return static_cast<Index>(page.size());
}

}  // namespace kindred
