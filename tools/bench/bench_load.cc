#include <fmt/format.h>

#include "bench/bench_reference.h"
#include "kindred/core/random.h"
#include "kindred/data/augment.h"
#include "kindred/train/open_reader.h"

namespace kindred::tools {
namespace {

/// Everything at once, as strong as bench/README.md measures it.
AugmentSettings every_augmentation(const Shape& shape) {
  AugmentSettings all;
  all.rotate_degrees = 15;
  all.scale = 0.1;
  all.shear = 0.1;
  all.shift = 0.1;
  all.flip = true;
  all.crop = 0.3;
  all.brightness = 0.3;
  all.contrast = 0.3;
  all.grey = shape.channels == 3 ? 0.2 : 0;
  all.blur = 1;
  all.erase = 0.5;
  return all;
}

/// Reads batches as training does, in shuffled order; the rates with and without what follows.
class Loading {
 public:
  Loading(const BenchOptions& options, const Workers& workers)
      : workers_(workers),
        reference_(options, kShuffledBatches),
        reader_(open_reader(setup(), 0, workers.threads())) {
    for (Index i = 0; i <= Reader::kAhead; ++i) reader_->next();  // warm-up
  }

  const Setup& setup() const { return *reference_.setup; }

  Rates read(const BenchOptions& options) {
    return measure(options.repeats, options.steps * setup().batch(), [&] {
      for (Index i = 0; i < options.steps; ++i) reader_->next();
    });
  }

  Rates read_and_augment(const BenchOptions& options) {
    const Augmenter augmenter(every_augmentation(setup().dataset->shape()),
                              setup().dataset->shape(), setup().dataset->element(),
                              setup().scaling);
    Matrix inputs(setup().batch(), setup().dataset->shape().size());
    return measure(options.repeats, options.steps * setup().batch(), [&] {
      for (Index i = 0; i < options.steps; ++i) augment(augmenter, reader_->next(), inputs);
    });
  }

 private:
  void augment(const Augmenter& augmenter, const Batch& batch, Matrix& inputs) const {
    const Index bytes = setup().dataset->sample_bytes();
    workers_.for_blocks(inputs.rows(), setup().train.slice, [&](Index begin, Index end, int) {
      for (Index i = begin; i < end; ++i) {
        const Random random(setup().seed, Purpose::augment, static_cast<std::uint64_t>(batch.step),
                            static_cast<std::uint64_t>(i));
        augmenter.apply(batch.samples.data() + i * bytes, batch.turns[static_cast<std::size_t>(i)],
                        random, inputs.row(i));
      }
    });
  }

  const Workers& workers_;
  Reference reference_;
  std::unique_ptr<Reader> reader_;
};

}  // namespace

std::vector<BenchResult> bench_load(const BenchOptions& options, const Workers& workers) {
  reset_peak_memory();
  Loading loading(options, workers);
  const Shape& shape = loading.setup().dataset->shape();
  const bool in_memory = loading.setup().dataset->in_memory();
  BenchResult plain;
  plain.rates = loading.read(options);
  plain.name = "load";
  plain.title = fmt::format("reading {}x{}x{} {}", shape.height, shape.width, shape.channels,
                            in_memory ? "from memory" : "from the file (streamed)");
  plain.unit = "images";
  plain.memory = peak_memory();
  plain.numbers["batch"] = loading.setup().batch();
  plain.numbers["streamed"] = !in_memory;
  BenchResult augmented = plain;
  augmented.rates = loading.read_and_augment(options);
  augmented.name = "load_augmented";
  augmented.title = "the same with every augmentation";
  augmented.memory = peak_memory();
  return {plain, augmented};
}

}  // namespace kindred::tools
