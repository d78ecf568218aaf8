#include "kindred/train/model.h"

#include <fmt/format.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>

#include "arrays.h"
#include "bindings.h"
#include "held_dataset.h"
#include "interruption.h"
#include "kindred/core/error.h"
#include "kindred/train/embedder.h"
#include "kindred/train/picture_embedding.h"
#include "pictures.h"
#include "samples.h"

namespace kindred::python {
namespace {

constexpr Index kAtOnce = 4096;   // samples between two looks for Ctrl-C
constexpr Index kPictures = 256;  // decoded, then embedded

constexpr const char* kModelText =
    "A trained network, and what is needed to use it; kindred.load() reads it. Several threads may "
    "use "
    "it at once.\n\n"
    "dim is the length of an embedding, input_shape that of a sample: (height, width, channels), "
    "or (F,) "
    "of vectors.\nthreshold is the cosine from which on two embeddings are called the same, or "
    "None.";
constexpr const char* kEmbedText =
    "Embeddings float32 [N, dim] of\n\n"
    "  uint8 [N, height, width, channels]   images of input_shape, not copied where they are "
    "contiguous\n"
    "  float32 [N, F]                       vectors, likewise; other numbers are copied to "
    "float32\n"
    "  paths, bytes, PIL images             one or a sequence: resized and cropped as the model's "
    "own "
    "were\n"
    "  kindred.Dataset                      its samples of `split`\n\n"
    "An embedding depends on its sample alone: its bits are those of `kindred embed`, for any "
    "number of "
    "threads (None: as load() was told). flip adds the embedding of the mirrored image. An EXIF "
    "orientation counts in files and bytes, not in images that PIL has decoded. Fails with "
    "DataError where "
    "shapes or types are not the model's, at the first picture that cannot be read, with "
    "NoInputError "
    "where a file is missing. The GIL is released meanwhile; Ctrl-C stops it.";
constexpr const char* kEmbedPicturesText =
    "All pictures of folders, archives and lists, as `kindred embed` has them: a dictionary of "
    "embeddings float32 [N, dim], labels int64 [N] (None where not each has a class), class_names, "
    "paths, "
    "and unreadable, those left out with the reason; with strict the first of these is a "
    "DataError.";

/// What embeds with so many threads.
struct Engine {
  Engine(const Model& model, int threads) : workers(threads), embedder(model, workers) {}
  Workers workers;
  Embedder embedder;
};

/// A model in Python's hands; used by several threads at once.
class LoadedModel {
 public:
  LoadedModel(const std::string& path, int threads)
      : path_(path), model_(read_model(path)), threads_(threads) {
    engine(std::nullopt);
  }

  const Model& model() const { return model_; }
  const std::string& path() const { return path_; }
  Index dimensions() { return engine(std::nullopt).embedder.embedding(); }

  Engine& engine(std::optional<int> threads) {
    const int count = threads_for(threads.value_or(threads_));
    const std::lock_guard lock(mutex_);
    std::unique_ptr<Engine>& engine = engines_[count];
    if (!engine) engine = std::make_unique<Engine>(model_, count);
    return *engine;
  }

 private:
  std::string path_;
  Model model_;
  int threads_;
  std::mutex mutex_;
  std::map<int, std::unique_ptr<Engine>> engines_;  // by threads
};

void check_samples(const Model& model, const Samples& samples) {
  if (samples.element == model.element && samples.shape == model.architecture.src) return;
  fail(ErrorKind::data, fmt::format("images are {}; the model takes {}",
                                    text_of_samples(samples.shape, samples.element),
                                    text_of_samples(model.architecture.src, model.element)));
}

/// Block by block, so that Ctrl-C is heard. `embed` has the embeddings of so many from one on.
template <typename Function>
Matrix in_blocks(Index count, Index block, Index dimensions, Interruption& interruption,
                 Function embed) {
  if (count <= block) return embed(0, count);
  Matrix all(count, dimensions);
  for (Index first = 0; first < count && !interruption.requested(); first += block) {
    const Matrix some = embed(first, std::min(block, count - first));
    for (Index i = 0; i < some.rows(); ++i) {
      std::copy_n(some.row(i), dimensions, all.row(first + i));
    }
  }
  return all;
}

py::object embed(LoadedModel& loaded, py::handle images, const std::string& split, bool flip,
                 std::optional<int> threads) {
  Engine* engine = nullptr;
  {
    const py::gil_scoped_release released;
    engine = &loaded.engine(threads);
  }
  const Embedder& embedder = engine->embedder;
  const Model& model = loaded.model();
  const Index dimensions = embedder.embedding();
  Interruption interruption;
  Matrix embeddings;
  if (py::isinstance<HeldDataset>(images)) {
    const Dataset& dataset = images.cast<HeldDataset&>().get();
    const py::gil_scoped_release released;
    const std::vector<Index> rows = dataset.samples_of(split_named(split));
    const auto some = [&](Index first, Index count) {
      return embedder.embed(
          dataset,
          std::span(rows).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)),
          flip);
    };
    embeddings =
        in_blocks(static_cast<Index>(rows.size()), kAtOnce, dimensions, interruption, some);
  } else if (are_pictures(images)) {
    const std::vector<EncodedPicture> pictures = encoded_pictures(images);
    const auto count = static_cast<Index>(pictures.size());
    const py::gil_scoped_release released;
    const PictureWishes wishes = wishes_of(model);
    PictureDecoder decoder(wishes,
                           static_cast<int>(std::min<Index>(engine->workers.threads(), count)));
    const auto some = [&](Index first, Index block) {
      const std::vector<std::byte> samples =
          decode_pictures(decoder, engine->workers, pictures, first, block, wishes.shape.size());
      return embedder.embed_samples(samples, flip);
    };
    embeddings = in_blocks(count, kPictures, dimensions, interruption, some);
  } else {
    const Samples samples = samples_of(images, "images");
    const py::gil_scoped_release released;
    check_samples(model, samples);
    const Index bytes = samples.sample_bytes();
    const auto some = [&](Index first, Index count) {
      return embedder.embed_samples(
          {samples.data + first * bytes, static_cast<std::size_t>(count * bytes)}, flip);
    };
    embeddings = in_blocks(samples.count, kAtOnce, dimensions, interruption, some);
  }
  interruption.rethrow();
  return numpy_array(std::move(embeddings));
}

/// Wherever they lie: folders, archives, lists.
py::dict embed_sources(LoadedModel& loaded, const std::vector<std::string>& sources, bool flip,
                       bool strict, std::optional<int> threads) {
  Interruption interruption;
  PictureEmbeddings found;
  {
    const py::gil_scoped_release released;
    Engine& engine = loaded.engine(threads);
    StoppableWork observer(interruption);
    const PictureList pictures(sources);
    found = embed_pictures(loaded.model(), engine.embedder, pictures, engine.workers, flip, strict,
                           &observer);
  }
  interruption.rethrow();
  py::dict result;
  const auto rows = static_cast<Index>(found.file.labels.size());
  result["embeddings"] = numpy_array(std::move(found.file.embeddings));
  result["labels"] =
      rows == 0 ? py::object(py::none()) : numpy_array(std::move(found.file.labels), {rows});
  result["class_names"] = std::move(found.file.class_names);
  result["paths"] = std::move(found.file.paths);
  result["unreadable"] = std::move(found.unreadable);
  return result;
}

std::string text_of(LoadedModel& loaded) {
  const Model& model = loaded.model();
  return fmt::format("<kindred.Model {}: {} to {} numbers, {} classes, step {}>", loaded.path(),
                     text_of_samples(model.architecture.src, model.element), loaded.dimensions(),
                     model.class_names.size(), model.step);
}

}  // namespace

void bind_model(py::module_& module) {
  using namespace py::literals;
  py::class_<LoadedModel, std::shared_ptr<LoadedModel>> model(module, "Model", kModelText);
  model.attr("__module__") = "kindred";
  model
      .def(py::init([](const std::string& path, int threads) {
             const py::gil_scoped_release released;
             return std::make_shared<LoadedModel>(path, threads);
           }),
           "path"_a, py::kw_only(), "threads"_a = 0)
      .def("embed", &embed, kEmbedText, "images"_a, py::kw_only(), "split"_a = "all",
           "flip"_a = false, "threads"_a = py::none())
      .def("embed_pictures", &embed_sources, kEmbedPicturesText, "sources"_a, py::kw_only(),
           "flip"_a = false, "strict"_a = false, "threads"_a = py::none())
      .def("__reduce__",
           [](const LoadedModel& loaded) {
             return py::make_tuple(py::module_::import("kindred").attr("load"),
                                   py::make_tuple(loaded.path()));
           })
      .def_property_readonly("path", &LoadedModel::path)
      .def_property_readonly("dim", &LoadedModel::dimensions)
      .def_property_readonly("input_shape",
                             [](const LoadedModel& loaded) {
                               return tuple_of_shape(loaded.model().architecture.src,
                                                     loaded.model().element);
                             })
      .def_property_readonly("threshold",
                             [](const LoadedModel& loaded) { return loaded.model().threshold; })
      .def_property_readonly("class_names",
                             [](const LoadedModel& loaded) { return loaded.model().class_names; })
      .def_property_readonly("recipe",
                             [](const LoadedModel& loaded) { return loaded.model().recipe; })
      .def_property_readonly("step", [](const LoadedModel& loaded) { return loaded.model().step; })
      .def_property_readonly("fingerprint",
                             [](const LoadedModel& loaded) { return loaded.model().fingerprint; })
      .def("__repr__", &text_of);
}

}  // namespace kindred::python
