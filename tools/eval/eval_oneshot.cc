#include <fmt/format.h>

#include "count_bar.h"
#include "eval/eval.h"
#include "kindred/core/error.h"
#include "kindred/core/text.h"
#include "kindred/eval/oneshot.h"
#include "row_warnings.h"

namespace kindred::tools {
namespace {

struct OneShotOptions : EvalOptions {
  EpisodeOptions episodes;
  bool drawn = false;  ///< episodes are drawn, not read from the file
};

OneShotResult measure(const OneShotOptions& options, Json& numbers) {
  const ShownWorkers workers("comparing", options);
  if (options.drawn) {
    const EmbeddingFile file = read_asked(options);
    warn_of_rows(workers, file.embeddings, options.source.path, Similarity::cosine, &numbers);
    return evaluate_episodes(workers, file.embeddings, file.labels, options.episodes);
  }
  const EmbeddingFile file = read_source(options);
  if (file.episode.empty() || file.role.empty() || file.labels.empty()) {
    fail(ErrorKind::data, fmt::format("{}: /episode, /role or /labels is missing; embed a file of "
                                      "episodes such as datasets/omniglot_oneshot.h5, or have "
                                      "episodes drawn with --ways",
                                      options.source.path));
  }
  warn_of_rows(workers, file.embeddings, options.source.path, Similarity::cosine, &numbers);
  return evaluate_oneshot(workers, file.embeddings, file.labels, file.episode, file.role);
}

void oneshot(const OneShotOptions& options) {
  const Timing timing;
  Json numbers;
  const OneShotResult result = measure(options, numbers);
  numbers["error"] = result.error;
  numbers["error_std"] = result.error_std;
  numbers["error_interval"] = {result.error_low, result.error_high};
  numbers["wrong"] = result.wrong;
  numbers["test_images"] = result.test_images;
  numbers["episodes"] = result.episodes;
  timing.tell(options, numbers);
  if (write_json(options, numbers)) {
    fmt::print(
        "{}\n  error          {:.4f} ({:.4f} to {:.4f} with 95 %; {} of {} wrong in {} "
        "episodes, std {:.4f})\n",
        printable(options.source.path), result.error, result.error_low, result.error_high,
        result.wrong, result.test_images, result.episodes, result.error_std);
  }
}

}  // namespace

void add_eval_oneshot(const Command& eval) {
  auto options = std::make_shared<OneShotOptions>();
  EpisodeOptions& episodes = options->episodes;
  const Command command = add_eval_command(
      eval, "oneshot", "error of few-shot classification, published episodes or drawn ones",
      *options);
  command.option("file").required();
  add_source(command, *options);
  add_model(command, *options);
  add_split(command, *options);
  const Option ways =
      command.add_option("--ways", episodes.ways, "draw episodes of so many classes");
  command.option("--split").needs(ways);  // episodes of the file say themselves what they are of
  const auto more = [&](const std::string& name, auto& value, const std::string& what) {
    command.add_option(name, value, what).needs(ways).show_default();
  };
  more("--shots", episodes.shots, "training images of each class");
  more("--queries", episodes.queries, "test images of each class");
  more("--episodes", episodes.episodes, "how many episodes");
  more("--seed", episodes.seed, "of the episodes");
  command.footer(
      "Without --ways the file says which images make an episode (/episode, /role).\n"
      "Example:\n  kindred eval oneshot oneshot.h5\n"
      "  kindred eval oneshot test.h5 --ways 20 --shots 5 --episodes 1000");
  command.callback([options, ways] {
    options->drawn = ways.count() > 0;
    oneshot(*options);
  });
}

}  // namespace kindred::tools
