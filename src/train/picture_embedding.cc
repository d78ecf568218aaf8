#include "kindred/train/picture_embedding.h"

#include <fmt/format.h>

#include <algorithm>

#include "kindred/core/error.h"

namespace kindred {

PictureWishes wishes_of(const Model& model) {
  const Shape& shape = model.architecture.src;
  if (model.element != Element::u8 || (shape.channels != 1 && shape.channels != 3)) {
    fail(ErrorKind::data,
         fmt::format("the model takes {} x {} x {} {}, no pictures: give it a data "
                     "set",
                     shape.height, shape.width, shape.channels,
                     model.element == Element::u8 ? "bytes" : "floats"));
  }
  PictureWishes wishes;
  wishes.preparation = model.preparation.value_or(Preparation{});
  wishes.shape = shape;
  return wishes;
}

std::string assumption_of(const Model& model) {
  if (model.preparation) return "";
  const Shape& shape = model.architecture.src;
  return fmt::format(
      "the model does not say how its pictures were made; whole pictures are resized to {} x {}, "
      "{}",
      shape.height, shape.width, shape.channels == 1 ? "grey" : "in colour");
}

PictureEmbeddings embed_pictures(const Model& model, const Embedder& embedder,
                                 const PictureList& pictures, const Workers& workers, bool flip,
                                 bool strict, WorkObserver* observer) {
  const PictureWishes wishes = wishes_of(model);
  const auto sample_bytes = static_cast<std::size_t>(wishes.shape.size());
  const Index dimensions = embedder.embedding();
  Matrix rows(pictures.size(), dimensions);
  std::vector<bool> is_there(static_cast<std::size_t>(pictures.size()));
  std::vector<std::pair<Index, std::string>> errors;
  std::vector<std::byte> samples;
  std::vector<Index> of;  // the picture of each sample
  PictureEmbeddings result;
  const auto take = [&](PictureList::Block& block) {
    samples.clear();
    of.clear();
    for (std::size_t i = 0; i < block.pictures.size(); ++i) {
      Picture& picture = block.read[i];
      if (!picture.error.empty()) {
        if (strict) fail(ErrorKind::data, picture.error + " (--strict)");
        errors.emplace_back(block.pictures[i], std::move(picture.error));
        continue;
      }
      const auto bytes = std::as_bytes(std::span(picture.sample));
      samples.insert(samples.end(), bytes.begin(), bytes.end());
      of.push_back(block.pictures[i]);
    }
    if (of.empty()) return;
    const Matrix embedded =
        embedder.embed_samples({samples.data(), of.size() * sample_bytes}, flip);
    for (std::size_t i = 0; i < of.size(); ++i) {
      std::copy_n(embedded.row(static_cast<Index>(i)), dimensions, rows.row(of[i]));
      is_there[static_cast<std::size_t>(of[i])] = true;
    }
  };
  if (!pictures.read(wishes, workers, take, observer)) {
    result.interrupted = true;
    return result;
  }
  std::sort(errors.begin(), errors.end());
  for (auto& error : errors) result.unreadable.push_back(std::move(error.second));
  for (Index i = 0; i < pictures.size(); ++i) {
    if (is_there[static_cast<std::size_t>(i)]) result.pictures.push_back(i);
  }
  if (result.pictures.empty()) {
    fail(ErrorKind::data, fmt::format("none of {} pictures could be read; the first: {}",
                                      pictures.size(), result.unreadable[0]));
  }
  const auto count = static_cast<Index>(result.pictures.size());
  result.file.embeddings = Matrix(count, dimensions);
  for (Index i = 0; i < count; ++i) {
    std::copy_n(rows.row(result.pictures[static_cast<std::size_t>(i)]), dimensions,
                result.file.embeddings.row(i));
  }
  static_cast<SampleColumns&>(result.file) = pictures.columns(result.pictures);
  result.file.fingerprint = model.fingerprint;
  return result;
}

}  // namespace kindred
