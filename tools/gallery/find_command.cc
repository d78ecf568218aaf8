#include <fmt/format.h>

#include "count_bar.h"
#include "gallery/gallery.h"
#include "gallery/picture_queries.h"
#include "kindred/core/file.h"
#include "kindred/core/text.h"
#include "kindred/gallery/gallery_page.h"

namespace kindred::tools {
namespace {

constexpr Index kPageThumbnail = 160;

struct FindOptions : GalleryOptions, PictureOptions {
  Index top = 10;
  std::string html;
};

/// One for each query that could be read.
using Found = std::vector<std::vector<FoundPicture>>;

Json json_of(const PictureQueries& queries, const Found& found) {
  Json list = Json::array();
  for (std::size_t i = 0; i < queries.where.size(); ++i) {
    Json entry = {{"query", queries.where[i]}};
    if (queries.rows[i] < 0) {
      entry["error"] = queries.errors[i];
    } else {
      entry["matches"] = Json::array();
      for (const FoundPicture& match : found[static_cast<std::size_t>(queries.rows[i])]) {
        entry["matches"].push_back({{"path", match.picture.path},
                                    {"identity", match.picture.identity},
                                    {"score", match.score}});
      }
    }
    list.push_back(std::move(entry));
  }
  return list;
}

void print(const PictureQueries& queries, const Found& found) {
  for (std::size_t i = 0; i < queries.where.size(); ++i) {
    fmt::print("{}\n", printable(queries.where[i]));
    if (queries.rows[i] < 0) {
      fmt::print("  cannot be read: {}\n", printable(queries.errors[i]));
      continue;
    }
    for (const FoundPicture& match : found[static_cast<std::size_t>(queries.rows[i])]) {
      fmt::print("  {:.4f}  {:<20}  {}\n", match.score,
                 match.picture.identity.empty() ? "-" : printable(match.picture.identity),
                 printable(match.picture.path));
    }
  }
}

void write_page(const FindOptions& options, const PictureGallery& gallery,
                const PictureQueries& queries, const Found& found) {
  GalleryPage page;
  page.title = fmt::format("Found in {}", valid_utf8(options.gallery));
  page.pictures = gallery.size();
  for (std::size_t i = 0; i < queries.where.size(); ++i) {
    GalleryPageQuery query{queries.where[i], queries.thumbnails[i], queries.errors[i], {}};
    if (queries.rows[i] >= 0) {
      for (const FoundPicture& match : found[static_cast<std::size_t>(queries.rows[i])]) {
        query.matches.push_back({match.picture.path, match.picture.identity, match.score,
                                 gallery.thumbnail(match.picture.id)});
      }
    }
    page.queries.push_back(std::move(query));
  }
  write_file_durably(options.html, render_gallery_page(page));
}

void find(const FindOptions& options) {
  const PictureGallery gallery(options.gallery);
  const ShownWorkers workers("searching", options);
  const PictureQueries queries = embed_queries(options, options, gallery.model(), workers,
                                               options.html.empty() ? 0 : kPageThumbnail);
  const Found found = gallery.find(workers, queries.embeddings, options.top);
  if (!options.html.empty()) {
    write_page(options, gallery, queries, found);
    if (!options.quiet) note(fmt::format("{}: {} queries", options.html, queries.where.size()));
  }
  if (write_json(options, json_of(queries, found))) print(queries, found);
  require_some_read(queries);
}

}  // namespace

void add_find(const Command& program) {
  auto options = std::make_shared<FindOptions>();
  const Command command =
      program.add_command("find", "the pictures of a gallery nearest to others");
  add_query_options(command, *options, options->gallery, "pictures to find the nearest of");
  command.add_option("--top", options->top, "how many of each").check(positive()).show_default();
  command.add_option("--html", options->html, "a page of what was found, with thumbnails")
      .type_name("F.html")
      .writes_file(kHtmlFile);
  add_json(command, *options);
  add_threads(command, *options);
  add_quiet(command, *options);
  command.footer("Example:\n  kindred find new.jpg --in family.db --top 5 --html found.html");
  command.callback([options] { find(*options); });
}

}  // namespace kindred::tools
