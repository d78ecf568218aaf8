#include "gallery/picture_queries.h"

#include <fmt/format.h>

#include "count_bar.h"
#include "kindred/core/error.h"
#include "kindred/train/embedder.h"
#include "kindred/train/picture_embedding.h"

namespace kindred::tools {

PictureQueries embed_queries(const PictureOptions& options, const CommonOptions& common,
                             const Model& model, const Workers& workers, Index thumbnail) {
  const PictureList list = open_pictures(options.pictures, options, common.quiet);
  if (const std::string text = assumption_of(model); !text.empty() && !common.quiet) note(text);
  const Embedder embedder(model, workers);
  const auto count = static_cast<std::size_t>(list.size());
  PictureQueries queries{std::vector<std::string>(count),
                         std::vector<std::string>(count),
                         std::vector<std::string>(count),
                         std::vector<Index>(count, -1),
                         {}};
  for (Index i = 0; i < list.size(); ++i)
    queries.where[static_cast<std::size_t>(i)] = list.where(i);
  std::vector<float> rows;
  PictureWishes wishes = wishes_of(model);
  wishes.thumbnail = thumbnail;
  const auto take = [&](PictureList::Block& block) {
    std::vector<std::byte> samples;
    Index next = static_cast<Index>(rows.size()) / embedder.embedding();
    for (std::size_t i = 0; i < block.read.size(); ++i) {
      Picture& picture = block.read[i];
      const auto at = static_cast<std::size_t>(block.pictures[i]);
      if (!picture.error.empty()) {
        if (options.strict) fail(ErrorKind::data, picture.error + " (--strict)");
        queries.errors[at] = std::move(picture.error);
        continue;
      }
      const auto bytes = std::as_bytes(std::span(picture.sample));
      samples.insert(samples.end(), bytes.begin(), bytes.end());
      queries.thumbnails[at] = std::move(picture.thumbnail);
      queries.rows[at] = next++;
    }
    const Matrix embedded = embedder.embed_samples(samples);
    for (Index i = 0; i < embedded.rows(); ++i) {
      rows.insert(rows.end(), embedded.row(i), embedded.row(i) + embedded.cols());
    }
  };
  BarObserver observer("pictures", common.quiet);
  if (!list.read(wishes, workers, take, &observer)) {
    fail(ErrorKind::io, "stopped before all pictures were read: there is no answer");
  }
  const Index dimension = embedder.embedding();
  queries.embeddings = Matrix(static_cast<Index>(rows.size()) / dimension, dimension);
  for (Index i = 0; i < queries.embeddings.rows(); ++i) {
    std::copy_n(rows.data() + i * dimension, dimension, queries.embeddings.row(i));
  }
  return queries;
}

void require_some_read(const PictureQueries& queries) {
  if (queries.where.empty() || queries.embeddings.rows() > 0) return;
  fail(ErrorKind::data, fmt::format("none of {} pictures could be read; the first: {}",
                                    queries.where.size(), queries.errors.front()));
}

}  // namespace kindred::tools
