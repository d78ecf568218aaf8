#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "count_bar.h"
#include "embed/embed.h"
#include "kindred/core/error.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/train/embedder.h"
#include "kindred/train/model.h"
#include "kindred/train/picture_embedding.h"

namespace kindred::tools {
namespace {

double seconds_of_work(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Split split_named(const std::string& name) {
  if (name == "train") return Split::train;
  if (name == "validation") return Split::validation;
  return name == "test" ? Split::test : Split::all;
}

// `kindred embed DATA MODEL`
void check_order(const EmbedRequest& request) {
  const std::string& data = request.sources[0];
  if (is_model_file(request.model) || !is_model_file(data)) return;
  fail(ErrorKind::usage,
       fmt::format("embed: the model comes first, then the data: kindred embed {} {}", data,
                   request.model));
}

/// One file that Dataset::open() takes. A list is of vectors where the model takes such, else of
/// pictures.
bool is_data_set(const std::vector<std::string>& sources, const Model& model) {
  if (sources.size() != 1) return false;
  const std::string& path = sources[0];
  const bool list = path.ends_with(".csv") || path.ends_with(".tsv");
  if (list) return model.element == Element::f32;
  for (const char* ending : {".npy", ".npz", ".txt"}) {
    if (path.ends_with(ending)) return true;
  }
  const std::size_t group = path.rfind(":/");
  return is_hdf5_file(path) || (group != path.npos && is_hdf5_file(path.substr(0, group))) ||
         path.ends_with(".h5") || path.ends_with(".hdf5");
}

Embedded embed_dataset(const EmbedRequest& request, const Model& model, const Workers& workers,
                       ProcessGroup* group) {
  const std::string& path = request.sources[0];
  if (!request.pictures.boxes.empty() || !request.pictures.landmarks.empty()) {
    fail(ErrorKind::usage, fmt::format("{}: --boxes and --landmarks are for pictures; this is a "
                                       "data set, whose pictures were cut when it was imported",
                                       path));
  }
  const Dataset dataset = Dataset::open(path, 0, request.names);
  const std::vector<Index> samples = dataset.samples_of(split_named(request.split));
  if (samples.empty()) {
    fail(ErrorKind::data, fmt::format("{}: has no samples of split {}", path, request.split));
  }
  Embedder embedder(model, workers);
  Embedded result;
  const auto start = std::chrono::steady_clock::now();
  SoloGroup alone;
  result.file.embeddings =
      embedder.embed_together(group == nullptr ? alone : *group, dataset, samples, request.flip);
  result.seconds = seconds_of_work(start);
  static_cast<SampleColumns&>(result.file) = dataset.columns().of(samples);
  result.file.fingerprint = model.fingerprint;
  return result;
}

Embedded embed_pictures_of(const EmbedRequest& request, const Model& model, const Workers& workers,
                           ProcessGroup* group) {
  if (!request.names.empty() || !request.names.negative_labels.empty()) {
    fail(ErrorKind::usage,
         fmt::format("{}: --images, --labels, --layout and --negative-labels are for a data set; "
                     "these are pictures",
                     request.sources[0]));
  }
  const PictureList pictures = open_pictures(request.sources, request.pictures, request.quiet);
  if (const std::string assumed = assumption_of(model); !assumed.empty() && !request.quiet) {
    note(fmt::format("{}: {}", request.model, assumed));
  }
  if (request.may_stop) watch_signals();
  const Workers silent(workers.threads());  // it is pictures that are counted
  Embedder embedder(model, silent);
  BarObserver observer("pictures", request.quiet);
  const auto start = std::chrono::steady_clock::now();
  PictureEmbeddings embedded = embed_pictures(model, embedder, pictures, silent, request.flip,
                                              request.pictures.strict, &observer, group);
  Embedded result;
  result.seconds = seconds_of_work(start);
  result.interrupted = embedded.interrupted;
  tell_unreadable(embedded.unreadable, request.quiet);
  result.unreadable = std::move(embedded.unreadable);
  const int wanted = static_cast<int>(split_named(request.split));
  if (result.interrupted || request.split == "all") {
    result.file = std::move(embedded.file);
    return result;
  }
  std::vector<Index> rows;
  for (Index i = 0; i < embedded.file.embeddings.rows(); ++i) {
    const int split =
        embedded.file.split.empty() ? 0 : embedded.file.split[static_cast<std::size_t>(i)];
    if (split == wanted) rows.push_back(i);
  }
  if (rows.empty()) {
    fail(ErrorKind::data,
         fmt::format("{}: has no pictures of split {}", request.sources[0], request.split));
  }
  result.file = {embedded.file.of(rows), {}, embedded.file.fingerprint};
  result.file.embeddings = Matrix(static_cast<Index>(rows.size()), embedded.file.embeddings.cols());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::copy_n(embedded.file.embeddings.row(rows[i]), embedded.file.embeddings.cols(),
                result.file.embeddings.row(static_cast<Index>(i)));
  }
  return result;
}

}  // namespace

Embedded embed_samples(const EmbedRequest& request, const Workers& workers, ProcessGroup* group) {
  check_order(request);
  Model model = read_model(request.model);
  if (!request.precision.empty()) {
    model.architecture.precision = precision_named(request.precision);
  }
  return is_data_set(request.sources, model) ? embed_dataset(request, model, workers, group)
                                             : embed_pictures_of(request, model, workers, group);
}

}  // namespace kindred::tools
