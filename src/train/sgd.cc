#include "sgd.h"

#include "train/update_kernels.h"

namespace kindred {
namespace {

struct SgdSettings {
  double momentum = 0.9;
  bool nesterov = false;
  double weight_decay = 0;
};

/// g' = g + weight_decay w;  v = momentum v + g';  w -= lr (nesterov ? g' + momentum v : v).
/// Source: Sutskever et al. 2013, in the form most frameworks use (no dampening).
class Sgd final : public Optimizer {
 public:
  Sgd(const SgdSettings& settings, const ParameterTable& table)
      : Optimizer(table), settings_(settings) {
    if (settings.momentum != 0) moments_.push_back({"momentum", Buffer<float>(table.size())});
  }

  void apply(const Workers& workers, std::span<const float> gradient, std::span<float> parameters,
             const Update& update) override {
    workers.for_each(static_cast<Index>(blocks().size()), [&](Index i, int) {
      const Block& block = blocks()[static_cast<std::size_t>(i)];
      const SgdStep step{
          .gradient_scale = static_cast<float>(update.gradient_scale),
          .decay = block.decay ? static_cast<float>(settings_.weight_decay) : 0.0F,
          .momentum = static_cast<float>(settings_.momentum),
          .nesterov = settings_.nesterov,
          .rate = static_cast<float>(update.learning_rate) * block.learning_rate_factor,
      };
      float* const moments = moments_.empty() ? nullptr : moments_[0].values.data() + block.begin;
      kernels<UpdateKernels>().sgd(step, gradient.data() + block.begin,
                                   parameters.data() + block.begin, moments,
                                   block.end - block.begin);
    });
  }

 private:
  SgdSettings settings_;
};

}  // namespace

std::unique_ptr<Optimizer> make_sgd(Section section, const ParameterTable& table) {
  SgdSettings settings;
  section.read("momentum", settings.momentum, "share of the last move that is kept", {0, 0.9999});
  section.read("nesterov", settings.nesterov, "look ahead along the momentum");
  section.read("weight_decay", settings.weight_decay,
               "pull towards 0, added to the gradient; biases and norms excepted", {0, 1});
  return std::make_unique<Sgd>(settings, table);
}

}  // namespace kindred
