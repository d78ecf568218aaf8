#include "kindred/gallery/gallery_page.h"

#include <fmt/format.h>

#include "core/texts/page_text.h"
#include "eval/report/report_page.h"

namespace kindred {
namespace {

// Beside the report's own style: found pictures in a row that breaks, as large as a thumb.
constexpr std::string_view kPageStyle = R"(
.found { list-style: none; margin: 0; padding: 0; display: grid; gap: 1rem 0.9rem; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); }
.found li { min-width: 0; }
.thumb { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; background: var(--raised); border: 1px solid var(--line); border-radius: 6px; }
.asked .thumb { width: 8rem; flex: none; border-color: var(--strong-line); }
.thumb.none { display: flex; align-items: center; justify-content: center; color: var(--muted); font-size: 0.75rem; text-align: center; padding: 0.4rem; }
.found p { margin: 0.35rem 0 0; font-size: 0.8125rem; line-height: 1.35; overflow-wrap: anywhere; }
.who { font-weight: 600; }
.score { display: inline; margin-left: 0.4rem; }
.query { padding: 1.4rem 0; }
@media (max-width: 36rem) { .found { grid-template-columns: repeat(auto-fill, minmax(6.2rem, 1fr)); } .asked .thumb { width: 6.2rem; } }
)";

std::string thumbnail_html(const std::string& jpeg, const std::string& path) {
  if (jpeg.empty()) return "<span class=\"thumb none\">no thumbnail is kept</span>";
  return fmt::format("<img class=\"thumb\" alt=\"{}\" src=\"data:image/jpeg;base64,{}\">",
                     html_text(path), base64(jpeg));
}

/// A path that breaks behind its folders.
std::string path_html(const std::string& path) {
  std::string html;
  for (const char c : html_text(path)) {
    html += c;
    if (c == '/') html += "<wbr>";
  }
  return html;
}

std::string match_html(const GalleryPageMatch& match) {
  return fmt::format(
      "<li>{}<p><span class=\"who\">{}</span><span class=\"score\">{:.4f}</span>"
      "<span class=\"path\">{}</span></p></li>\n",
      thumbnail_html(match.thumbnail, match.path),
      match.identity.empty() ? "no name" : html_text(match.identity), match.score,
      path_html(match.path));
}

std::string query_html(const GalleryPageQuery& query) {
  std::string html =
      fmt::format("<article class=\"query\">\n<div class=\"asked\">{}<p>{}</p></div>\n",
                  query.error.empty() ? thumbnail_html(query.thumbnail, query.path) : "",
                  path_html(query.path));
  if (!query.error.empty()) {
    html += fmt::format("<p class=\"notice\">{}</p>\n", html_text(query.error));
  } else {
    html += "<ol class=\"found\">\n";
    for (const GalleryPageMatch& match : query.matches) html += match_html(match);
    html += "</ol>\n";
  }
  return html + "</article>\n";
}

}  // namespace

std::string render_gallery_page(const GalleryPage& page) {
  const std::string title = html_text(page.title);
  std::string html = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'; img-src data:\">\n<title>{} · Kindred</title>\n"
      "<link rel=\"icon\" href=\"data:,\">\n<style>\n{}{}</style>\n</head>\n<body>\n"
      "<header class=\"top\"><p class=\"brand\">Kindred find</p><h1>{}</h1>\n"
      "<p class=\"about\"><span>{} {} asked</span><span>{} in the gallery</span>"
      "<span>scores are cosines: 1 is the same direction</span></p></header>\n<main>\n",
      title, kReportStyle, kPageStyle, title, page.queries.size(),
      page.queries.size() == 1 ? "picture" : "pictures", page.pictures);
  for (const GalleryPageQuery& query : page.queries) html += query_html(query);
  return html + "</main>\n</body>\n</html>\n";
}

}  // namespace kindred
