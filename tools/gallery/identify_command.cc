#include <fmt/format.h>

#include "count_bar.h"
#include "gallery/gallery.h"
#include "gallery/picture_queries.h"
#include "kindred/core/text.h"

namespace kindred::tools {
namespace {

struct IdentifyOptions : GalleryOptions, PictureOptions {
  std::string by = "best";
  double threshold = 0;
};

Json json_of(const PictureQueries& queries, const std::vector<Identification>& answers) {
  Json list = Json::array();
  for (std::size_t i = 0; i < queries.where.size(); ++i) {
    Json entry = {{"query", queries.where[i]}};
    if (queries.rows[i] < 0) {
      entry["error"] = queries.errors[i];
    } else {
      const Identification& answer = answers[static_cast<std::size_t>(queries.rows[i])];
      entry["identity"] = answer.known ? Json(answer.identity) : Json(nullptr);
      entry["nearest"] = answer.identity;
      entry["score"] = answer.score;
    }
    list.push_back(std::move(entry));
  }
  return list;
}

void print(const PictureQueries& queries, const std::vector<Identification>& answers) {
  for (std::size_t i = 0; i < queries.where.size(); ++i) {
    const std::string where = printable(queries.where[i]);
    if (queries.rows[i] < 0) {
      fmt::print("{}: cannot be read: {}\n", where, printable(queries.errors[i]));
      continue;
    }
    const Identification& answer = answers[static_cast<std::size_t>(queries.rows[i])];
    if (answer.known) {
      fmt::print("{}: {} ({:.4f})\n", where, printable(answer.identity), answer.score);
    } else if (answer.identity.empty()) {
      fmt::print("{}: unknown; the gallery has no names\n", where);
    } else {
      fmt::print("{}: unknown ({:.4f} with {})\n", where, answer.score, printable(answer.identity));
    }
  }
}

void identify(const IdentifyOptions& options, const Option& threshold) {
  const PictureGallery gallery(options.gallery);
  const IdentifyBy by = options.by == "centroid" ? IdentifyBy::centroid : IdentifyBy::best;
  const std::optional<double> given =
      threshold.count() > 0 ? std::optional(options.threshold) : std::nullopt;
  const GalleryThresholds own = gallery.thresholds();
  if (!given && !(by == IdentifyBy::best ? own.identify : own.identify_centroid)) {
    note(
        fmt::format("{}: has no thresholds, so nobody is unknown; `kindred gallery calibrate` "
                    "chooses them, --threshold says one",
                    options.gallery));
  }
  const ShownWorkers workers("searching", options);
  const PictureQueries queries = embed_queries(options, options, gallery.model(), workers);
  const auto answers = gallery.identify(workers, queries.embeddings, by, given);
  if (write_json(options, json_of(queries, answers))) print(queries, answers);
  require_some_read(queries);
}

}  // namespace

void add_identify(const Command& program) {
  auto options = std::make_shared<IdentifyOptions>();
  const Command command =
      program.add_command("identify", "say who or what pictures show, or that it is unknown");
  add_query_options(command, *options, options->gallery, "pictures to identify");
  command
      .add_option("--by", options->by,
                  "the nearest picture's identity, or that with the nearest mean")
      .check(one_of({"best", "centroid"}))
      .show_default();
  const Option threshold =
      command
          .add_option("--threshold", options->threshold,
                      "scores below are unknown (default: the gallery's, chosen by calibrate)")
          .type_name("SCORE")
          .check(score());
  add_json(command, *options);
  add_threads(command, *options);
  add_quiet(command, *options);
  command.footer("Example:\n  kindred identify new.jpg --in family.db");
  command.callback([options, threshold] { identify(*options, threshold); });
}

}  // namespace kindred::tools
