#include "adam.h"

#include <cmath>

#include "train/update_kernels.h"

namespace kindred {
namespace {

struct AdamSettings {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  bool decoupled = false;  ///< AdamW: decay shrinks the weights, apart from the gradient
};

/// m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g²;
/// w -= lr m/(1 - beta1^t) / (sqrt(v/(1 - beta2^t)) + epsilon);  AdamW before that: w -= lr decay
/// w. Source: Kingma and Ba 2015, algorithm 1; Loshchilov and Hutter 2019, algorithm 2.
class Adam final : public Optimizer {
 public:
  Adam(const AdamSettings& settings, const ParameterTable& table)
      : Optimizer(table), settings_(settings) {
    moments_.push_back({"first_moment", Buffer<float>(table.size())});
    moments_.push_back({"second_moment", Buffer<float>(table.size())});
  }

  void apply(const Workers& workers, std::span<const float> gradient, std::span<float> parameters,
             const Update& update) override {
    const double t = static_cast<double>(update.step) + 1;
    const double correction1 = 1 - std::pow(settings_.beta1, t);
    const double correction2 = 1 - std::pow(settings_.beta2, t);
    workers.for_each(static_cast<Index>(blocks().size()), [&](Index i, int) {
      const Block& block = blocks()[static_cast<std::size_t>(i)];
      const double rate = update.learning_rate * static_cast<double>(block.learning_rate_factor);
      const double decay = block.decay ? settings_.weight_decay : 0;
      const AdamStep step{
          .gradient_scale = static_cast<float>(update.gradient_scale),
          .added_decay = static_cast<float>(settings_.decoupled ? 0 : decay),
          .keep = static_cast<float>(settings_.decoupled ? 1 - rate * decay : 1),
          .beta1 = static_cast<float>(settings_.beta1),
          .rest1 = static_cast<float>(1 - settings_.beta1),
          .beta2 = static_cast<float>(settings_.beta2),
          .rest2 = static_cast<float>(1 - settings_.beta2),
          .epsilon = static_cast<float>(settings_.epsilon),
          .stride = static_cast<float>(rate / correction1),
          .root = static_cast<float>(1 / std::sqrt(correction2)),
      };
      kernels<UpdateKernels>().adam(
          step, gradient.data() + block.begin, parameters.data() + block.begin,
          moments_[0].values.data() + block.begin, moments_[1].values.data() + block.begin,
          block.end - block.begin);
    });
  }

 private:
  AdamSettings settings_;
};

AdamSettings read_settings(Section section) {
  AdamSettings settings;
  section.read("beta1", settings.beta1, "decay of the mean of gradients", {0, 0.99999});
  section.read("beta2", settings.beta2, "decay of the mean of squared gradients", {0, 0.9999999});
  section.read("epsilon", settings.epsilon, "added to the root, against division by 0", {1e-16, 1});
  return settings;
}

}  // namespace

std::unique_ptr<Optimizer> make_adam(Section section, const ParameterTable& table) {
  AdamSettings settings = read_settings(section);
  section.read("weight_decay", settings.weight_decay,
               "pull towards 0, added to the gradient; biases and norms excepted", {0, 1});
  return std::make_unique<Adam>(settings, table);
}

std::unique_ptr<Optimizer> make_adamw(Section section, const ParameterTable& table) {
  AdamSettings settings = read_settings(section);
  settings.decoupled = true;
  settings.weight_decay = 0.01;
  section.read("weight_decay", settings.weight_decay,
               "weights shrink by learning rate x this a step; biases and norms excepted", {0, 10});
  return std::make_unique<Adam>(settings, table);
}

}  // namespace kindred
