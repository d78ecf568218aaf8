#include <fmt/format.h>

#include "count_bar.h"
#include "gallery/gallery.h"
#include "gallery/picture_queries.h"
#include "kindred/core/error.h"
#include "kindred/core/text.h"
#include "kindred/eval/verification.h"
#include "model_argument.h"

namespace kindred::tools {
namespace {

struct CompareOptions : CommonOptions, PictureOptions {
  std::string model;
  std::string gallery;
  double threshold = 0;
};

/// What decides, and who says so.
struct Decision {
  std::optional<double> threshold;
  std::string from;
};

Decision decision_of(const CompareOptions& options, const Model& model, bool given) {
  if (given) return {options.threshold, "--threshold"};
  if (options.gallery.empty()) return {model.threshold, "the model's own"};
  const PictureGallery gallery(options.gallery);
  if (gallery.facts().model_fingerprint != model.fingerprint) {
    fail(ErrorKind::data,
         fmt::format("{}: is a gallery of another model ({}) than {} ({}); thresholds of one say "
                     "nothing about the other",
                     options.gallery, gallery.facts().model_fingerprint, options.model,
                     model.fingerprint));
  }
  const std::optional<double> threshold = gallery.thresholds().compare;
  if (!threshold) {
    fail(ErrorKind::data, fmt::format("{}: has no thresholds; `kindred gallery calibrate {}` "
                                      "chooses them",
                                      options.gallery, options.gallery));
  }
  return {threshold, options.gallery};
}

/// The embedding of one picture.
Matrix embed_one(CompareOptions options, const std::string& picture, const Model& model,
                 const Workers& workers) {
  options.pictures = {picture};
  PictureQueries queries = embed_queries(options, options, model, workers);
  if (queries.where.size() != 1) {
    fail(ErrorKind::usage, fmt::format("{}: holds {} pictures; compare takes two files of one each",
                                       picture, queries.where.size()));
  }
  if (queries.rows[0] < 0) fail(ErrorKind::data, queries.errors[0]);
  return std::move(queries.embeddings);
}

void compare(const CompareOptions& options, const Option& threshold) {
  if (options.pictures.size() != 2) {
    fail(ErrorKind::usage,
         fmt::format("compare: name two pictures, not {}", options.pictures.size()));
  }
  require_no_gallery(options.model, "compare takes MODEL A B --gallery G.db");
  const Model model = read_model(options.model);
  const Decision decision = decision_of(options, model, threshold.count() > 0);
  const ShownWorkers workers("embedding", options);
  const Matrix first = embed_one(options, options.pictures[0], model, workers);
  const Matrix second = embed_one(options, options.pictures[1], model, workers);
  const double score = score_pairs(workers, first, second).front();
  Json numbers = {{"first", options.pictures[0]},
                  {"second", options.pictures[1]},
                  {"score", score},
                  {"threshold", nullptr},
                  {"same", nullptr}};
  if (decision.threshold) {
    numbers["threshold"] = *decision.threshold;
    numbers["same"] = score >= *decision.threshold;
    if (score < *decision.threshold) answer_no();
  }
  if (!write_json(options, numbers)) return;
  if (!decision.threshold) {
    fmt::print("{:.4f}\n", score);
    if (!options.quiet) {
      note(
          "there is no threshold: the model has none of its own; --threshold or --gallery says "
          "one");
    }
    return;
  }
  fmt::print("{}: {:.4f}, threshold {:.4f} ({})\n",
             score >= *decision.threshold ? "the same" : "not the same", score, *decision.threshold,
             printable(decision.from));
}

}  // namespace

void add_compare(const Command& program) {
  auto options = std::make_shared<CompareOptions>();
  const Command command =
      program.add_command("compare", "say whether two pictures show the same: exit code 0, or 1");
  command.add_option("model", options->model, "model.kindred of a run")
      .required()
      .type_name("MODEL")
      .reads_file();
  add_pictures_option(command, *options, "two pictures");
  command.option("pictures").required();
  const Option gallery =
      command.add_option("--gallery", options->gallery, "take this gallery's threshold (calibrate)")
          .type_name("G.db")
          .reads_file();
  const Option threshold =
      command
          .add_option("--threshold", options->threshold,
                      "from which cosine on they are the same (default: the model's own, chosen on "
                      "its validation classes)")
          .type_name("SCORE")
          .check(score())
          .excludes(gallery);
  add_json(command, *options);
  add_threads(command, *options);
  add_quiet(command, *options);
  command.footer(
      "Exit code 0: the same, or there is no threshold; 1: not the same.\n"
      "Example:\n  kindred compare runs/faces/model.kindred a.jpg b.jpg");
  command.callback([options, threshold] { compare(*options, threshold); });
}

}  // namespace kindred::tools
