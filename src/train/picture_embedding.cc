#include "kindred/train/picture_embedding.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/texts/json_text.h"
#include "kindred/core/cpu.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"

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

namespace {

/// The pictures of a list on their way to embeddings.
struct Made {
  Matrix rows;                                        // of all pictures
  std::vector<std::uint8_t> is_there;                 // 1: its row is made
  std::vector<std::pair<Index, std::string>> errors;  // by picture
};

/// What other ranks have made, too. REQUIRES: they have the same list.
void gather(ProcessGroup& group, Made& made) {
  const Index count = made.rows.rows();
  const Index begin = begin_of_part(count, group.rank(), group.size());
  Json mine = {{"begin", begin}, {"errors", Json::array()}};
  for (const auto& [picture, text] : made.errors) mine["errors"].push_back({picture, text});
  made.errors.clear();
  std::vector<Index> begins;
  for (const std::string& text : group.gather_texts(dump_json(mine))) {
    const Json theirs = parse_json(text, "a rank's pictures");
    begins.push_back(theirs["begin"].get<Index>());
    for (const Json& error : theirs["errors"]) {
      made.errors.emplace_back(error[0].get<Index>(), error[1].get<std::string>());
    }
  }
  begins.push_back(count);
  group.gather(std::as_writable_bytes(std::span(made.is_there)), begins);
  group.gather_rows(made.rows.view());
}

}  // namespace

PictureEmbeddings embed_pictures(const Model& model, const Embedder& embedder,
                                 const PictureList& pictures, const Workers& workers, bool flip,
                                 bool strict, WorkObserver* observer, ProcessGroup* group) {
  const PictureWishes wishes = wishes_of(model);
  const auto sample_bytes = static_cast<std::size_t>(wishes.shape.size());
  const Index dimensions = embedder.embedding();
  Made made{Matrix(pictures.size(), dimensions),
            std::vector<std::uint8_t>(static_cast<std::size_t>(pictures.size())),
            {}};
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
        made.errors.emplace_back(block.pictures[i], std::move(picture.error));
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
      std::copy_n(embedded.row(static_cast<Index>(i)), dimensions, made.rows.row(of[i]));
      made.is_there[static_cast<std::size_t>(of[i])] = 1;
    }
  };
  const int rank = group == nullptr ? 0 : group->rank();
  const int ranks = group == nullptr ? 1 : group->size();
  const PictureList::Run own{begin_of_part(pictures.size(), rank, ranks),
                             begin_of_part(pictures.size(), rank + 1, ranks)};
  result.interrupted = !pictures.read(wishes, workers, own, take, observer);
  if (ranks > 1) {
    group->join();
    result.interrupted = group->any(result.interrupted);
    std::uint64_t paths = 0;
    for (Index i = 0; i < pictures.size(); ++i) {
      paths = checksum(std::as_bytes(std::span(pictures.path(i))), paths);
    }
    group->expect_alike(
        fmt::format("{} pictures (paths {}, model {} in {}{}, level {})", pictures.size(),
                    hex(paths), model.fingerprint, name_of(model.architecture.precision),
                    flip ? ", flipped" : "", name_of(isa())),
        "give all ranks the same model and pictures, and KINDRED_MAX_ISA the "
        "lower level");
    if (!result.interrupted) gather(*group, made);
  }
  if (result.interrupted) return result;
  std::sort(made.errors.begin(), made.errors.end());
  for (auto& error : made.errors) result.unreadable.push_back(std::move(error.second));
  for (Index i = 0; i < pictures.size(); ++i) {
    if (made.is_there[static_cast<std::size_t>(i)] != 0) result.pictures.push_back(i);
  }
  if (result.pictures.empty()) {
    fail(ErrorKind::data, fmt::format("none of {} pictures could be read; the first: {}",
                                      pictures.size(), result.unreadable[0]));
  }
  const auto count = static_cast<Index>(result.pictures.size());
  result.file.embeddings = Matrix(count, dimensions);
  for (Index i = 0; i < count; ++i) {
    std::copy_n(made.rows.row(result.pictures[static_cast<std::size_t>(i)]), dimensions,
                result.file.embeddings.row(i));
  }
  static_cast<SampleColumns&>(result.file) = pictures.columns(result.pictures);
  result.file.fingerprint = model.fingerprint;
  return result;
}

}  // namespace kindred
