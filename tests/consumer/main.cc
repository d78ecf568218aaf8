#include <kindred/core/error.h>
#include <kindred/train/embedder.h>
#include <kindred/train/trainer.h>

#include <cstdint>
#include <cstdio>
#include <span>
#include <vector>

// Trains three steps by a recipe, keeps the model, and embeds a picture that is in memory alone.
int main(int argc, char** argv) try {
  if (argc != 3) {
    std::fprintf(stderr, "usage: consumer RECIPE.toml MODEL\n");
    return 64;
  }
  const kindred::Workers workers;
  kindred::Recipe recipe = kindred::Recipe::from_file(argv[1]);
  const kindred::Setup setup = kindred::read_setup(recipe, recipe.folder());
  kindred::Trainer trainer(setup, workers);
  for (int i = 0; i < 3; ++i) {
    const kindred::StepReport& report = trainer.step();
    std::printf("step %td: loss %.3f\n", report.step, report.loss);
  }
  trainer.write_settings(recipe.root());
  kindred::write_model(argv[2], recipe.resolved(), setup, trainer.training_state());

  const kindred::Model model = kindred::read_model(argv[2]);
  const kindred::Embedder embedder(model, workers);
  const kindred::Shape& shape = model.architecture.src;
  std::vector<std::uint8_t> picture(static_cast<std::size_t>(shape.size()));
  for (std::size_t i = 0; i < picture.size(); i += 29) picture[i] = 255;  // a diagonal stroke
  const kindred::Matrix embedding = embedder.embed_samples(std::as_bytes(std::span(picture)));
  std::printf("an embedding of %td numbers\n", embedding.cols());
} catch (const kindred::Error& error) {
  std::fprintf(stderr, "consumer: %s\n", error.what());
  return error.exit_code();
}
