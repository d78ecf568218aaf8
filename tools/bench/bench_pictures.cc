#include <fmt/format.h>

#include "bench/bench.h"
#include "kindred/train/embedder.h"
#include "kindred/train/model.h"
#include "kindred/train/picture_embedding.h"
#include "picture_arguments.h"

namespace kindred::tools {

std::vector<BenchResult> bench_pictures(const BenchOptions& options, const Workers& workers) {
  const Model model = read_model(options.model);
  const PictureList pictures = open_pictures(options.pictures, {}, options.quiet);
  const Embedder embedder(model, workers);
  const PictureWishes wishes = wishes_of(model);
  BenchResult decoded;
  BenchResult embedded;
  reset_peak_memory();
  // In turns: what disturbs the machine disturbs both.
  for (Index i = 0; i < options.repeats; ++i) {
    const auto decode = [&] { pictures.read(wishes, workers, [](PictureList::Block&) {}); };
    const auto embed = [&] { embed_pictures(model, embedder, pictures, workers); };
    for (const double rate : measure(1, pictures.size(), decode).all) {
      decoded.rates.all.push_back(rate);
    }
    for (const double rate : measure(1, pictures.size(), embed).all) {
      embedded.rates.all.push_back(rate);
    }
  }
  const Shape& shape = wishes.shape;
  decoded.name = "pictures_decoded";
  decoded.title = fmt::format("decoding {} pictures to {}x{}x{}", pictures.size(), shape.height,
                              shape.width, shape.channels);
  embedded.name = "pictures_embedded";
  const double share = embedded.rates.median() / decoded.rates.median();
  embedded.title = fmt::format("the same and embedding them: {:.2f} of that rate", share);
  embedded.numbers["share_of_decoding"] = share;
  for (BenchResult* const result : {&decoded, &embedded}) {
    result->unit = "images";
    result->memory = peak_memory();
    result->numbers["pictures"] = pictures.size();
  }
  return {decoded, embedded};
}

}  // namespace kindred::tools
