#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "command.h"
#include "count_bar.h"
#include "kindred/core/cpu.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/data/embedding_source.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/data/hdf5_kinds.h"
#include "kindred/eval/approximate_neighbors.h"
#include "kindred/eval/shared_neighbors.h"
#include "row_warnings.h"
#include "together.h"

namespace kindred::tools {
namespace {

struct SearchOptions : CommonOptions {
  std::string dataset;
  std::string gallery;
  std::string query;
  std::string out;
  std::string similarity = "cosine";
  bool approximate = false;
  Index checked = 1000;
  Index k = 10;
};

/// What was found, and what it was found among.
struct Search {
  Neighbors found;
  Index gallery = 0;
  Index dimension = 0;
  double seconds = 0;
};

class Clock {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

Search search_alone(const SearchOptions& options) {
  const bool same = options.query.empty() || options.query == options.gallery;
  const EmbeddingFile gallery = read_embeddings({options.gallery, options.dataset, {}, {}});
  const EmbeddingFile other =
      same ? EmbeddingFile{} : read_embeddings({options.query, options.dataset, {}, {}});
  const EmbeddingFile& queries = same ? gallery : other;
  const Similarity similarity = similarity_named(options.similarity);
  const ShownWorkers workers("searching", options);
  if (!same) warn_of_models(queries, options.query, gallery, options.gallery);
  warn_of_rows(workers, gallery.embeddings, options.gallery, similarity, nullptr);
  if (!same) warn_of_rows(workers, queries.embeddings, options.query, similarity, nullptr);
  const Clock clock;
  const ConstMatrixView asked = queries.embeddings;
  const ConstMatrixView searched = gallery.embeddings;
  if (options.approximate && same) {
    fail(ErrorKind::usage, "search: --approximate needs queries of their own (--query)");
  }
  Neighbors found =
      options.approximate
          ? find_neighbors_approximately(workers, asked, searched, options.k, similarity)
          : find_neighbors(workers, asked, searched, options.k, similarity, same);
  const double seconds = clock.seconds();
  if (options.approximate && options.checked > 0) {
    const Index count = std::min(options.checked, asked.rows());
    const Neighbors exact =
        find_neighbors(workers, asked.rows_from(0, count), searched, options.k, similarity);
    fmt::print("neighbor_recall@{} {:.4f} of the first {} queries against exact search\n",
               options.k, neighbor_recall(found.index, exact.index, options.k), count);
  }
  return {std::move(found), searched.rows(), searched.cols(), seconds};
}

/// Fails with data, at all ranks, where one of them has something else.
void check_alike(ProcessGroup& group, const EmbeddingPart& part, ConstMatrixView queries) {
  const std::span<const float> numbers(queries.data(),
                                       static_cast<std::size_t>(queries.rows() * queries.stride()));
  group.expect_alike(
      fmt::format("{} rows of {} numbers (level {}, queries {})", part.rows, part.embeddings.cols(),
                  name_of(isa()), hex(checksum(std::as_bytes(numbers)))),
      kSameFiles);
}

/// Each rank reads and searches its part of the gallery, of which none has to hold all.
Search search_together(const SearchOptions& options, ProcessGroup& group) {
  if (options.approximate) {
    fail(ErrorKind::usage, "search: --approximate is of one process; several ranks search exactly");
  }
  const bool same = options.query.empty() || options.query == options.gallery;
  const EmbeddingPart part =
      read_embedding_part({options.gallery, options.dataset, {}, {}}, group.rank(), group.size());
  EmbeddingFile queries =
      read_embeddings({same ? options.gallery : options.query, options.dataset, {}, {}});
  EmbeddingFile gallery;
  gallery.fingerprint = part.fingerprint;
  if (!same && group.rank() == 0) warn_of_models(queries, options.query, gallery, options.gallery);
  group.join();
  check_alike(group, part, queries.embeddings);
  const Workers workers(options.threads);
  const Clock clock;
  Neighbors found =
      find_neighbors_together(group, workers, queries.embeddings, {part.embeddings, part.rows},
                              options.k, similarity_named(options.similarity), same);
  const double seconds = clock.seconds();
  return {std::move(found), part.rows, part.embeddings.cols(), seconds};
}

void search(const SearchOptions& options, ProcessGroup& group) {
  const Search done = group.size() == 1 ? search_alone(options) : search_together(options, group);
  if (group.rank() != 0) return;
  const Neighbors& found = done.found;
  const Index rows = found.score.rows();
  std::vector<std::int64_t> index;
  std::vector<double> score;
  for (Index i = 0; i < rows; ++i) {
    index.insert(index.end(), found.index.row(i), found.index.row(i) + options.k);
    score.insert(score.end(), found.score.row(i), found.score.row(i) + options.k);
  }
  Hdf5Writer writer(options.out);
  writer.write<std::int64_t>("neighbors", {rows, options.k}, index);
  writer.write<double>("scores", {rows, options.k}, score);
  writer.attribute("/", "similarity", options.similarity);
  writer.finish();
  if (!options.quiet) {
    const double flops = 2.0 * static_cast<double>(rows) * static_cast<double>(done.gallery) *
                         static_cast<double>(done.dimension);
    note(fmt::format("{}: {} neighbours of {} queries among {}, {:.2f} s, {:.1f} GFLOP/s",
                     options.out, options.k, rows, done.gallery, done.seconds,
                     flops / done.seconds * 1e-9));
  }
}

}  // namespace

void add_search(const Command& program) {
  auto options = std::make_shared<SearchOptions>();
  const Command command = program.add_command("search", "exact nearest neighbours");
  command.add_option("gallery", options->gallery, "embeddings that are searched")
      .required()
      .type_name("GALLERY.h5")
      .reads_file();
  command
      .add_option("--query", options->query,
                  "embeddings to search for (default: the gallery, each row among the others)")
      .type_name("Q.h5")
      .reads_file();
  command
      .add_option("--dataset", options->dataset,
                  "data set [N, D] of any HDF5 file (default: /embeddings)")
      .type_name("/PATH");
  command.add_option("--k", options->k, "neighbours of each query").check(positive());
  command.add_option("--out", options->out, "writes /neighbors int64 and /scores float64 [Q, k]")
      .required()
      .type_name("N.h5")
      .writes_file(kNeighborsFile);
  add_similarity(command, options->similarity);
  const Option approximate = command.add_flag(
      "--approximate", options->approximate,
      "by FAISS's HNSW index, for galleries beyond exact search (built with -DKINDRED_FAISS=ON)");
  command
      .add_option("--check", options->checked,
                  "with --approximate: searches so many queries exactly too, and prints the recall")
      .check(not_negative())
      .show_default()
      .needs(approximate);
  add_threads(command, *options);
  add_quiet(command, *options);
  command.footer(
      "mpirun -n R kindred search: R processes, each of which reads and searches\n"
      "its part.\n"
      "Example:\n  kindred search gallery.h5 --query q.h5 --k 10 --out neighbours.h5");
  command.callback([options] { together([&](ProcessGroup& group) { search(*options, group); }); });
}

}  // namespace kindred::tools
