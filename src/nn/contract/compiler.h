#pragma once
#include <span>
#include <string>
#include <vector>

#include "kindred/core/parameters.h"
#include "kindred/nn/pass.h"
#include "kindred/nn/precision.h"
#include "nn/onednn/tensor.h"

namespace kindred {

class Layer;

/// What a segment is filled with before training.
struct Initial {
  Index fan_in = 0;    ///< > 0: He initialisation, normal with variance 2 / fan_in
  float value = 0.0F;  ///< otherwise: this
};

/// Where a segment lies in the flat array of parameters.
struct ParameterRange {
  Index offset = 0;
  Index size = 0;

  template <typename T>
  std::span<T> of(std::span<T> flat) const {
    return flat.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
  }
};

/// A state array as a layer sees it: read in both modes, moved in training only.
struct StateNumbers {
  std::span<const float> values;
  std::span<float> moving = {};  ///< the same numbers; empty in inference
};

/// What layers are compiled with, and where they claim their parameters, their running statistics
/// and their place in a gradient row. Lives only while a network is compiled.
class Compiler {
 public:
  /// What is claimed.
  struct Numbers {
    const ParameterTable& table;
    const State& state;
    State* moving = nullptr;              ///< training: &state
    ParameterTable* new_table = nullptr;  ///< &table where the network is to be added to both
  };

  Compiler(const dnnl::engine& engine, Index slice, Precision precision, std::string convolution,
           const Numbers& numbers)
      : engine_(engine),
        slice_(slice),
        precision_(precision),
        convolution_(std::move(convolution)),
        numbers_(numbers) {}

  const dnnl::engine& engine() const { return engine_; }
  Index slice() const { return slice_; }
  bool training() const { return numbers_.moving != nullptr && !resting_; }
  /// From now on layers are compiled as for inference: they are a part of a network in training
  /// that is frozen, with nothing trained before it.
  void set_resting(bool resting) { resting_ = resting; }
  /// "direct", "winograd" or "auto".
  const std::string& convolution() const { return convolution_; }
  /// Of activations and packed weights up to the last linear layer. Statistics and gradients of
  /// weights are always float32.
  ElementType type() const { return precision_ == Precision::bfloat16 ? kBfloat16 : kFloat32; }

  /// Adds a segment, or finds the one of that name and shape.
  ParameterRange parameter(const std::string& name, std::vector<Index> shape, bool decay,
                           Initial initial);
  /// Adds a state array filled with `initial`, or finds it.
  StateNumbers state(const std::string& name, Index size, float initial);
  /// Claims floats of the gradient row / of a slice's statistics; returns their offset.
  Index claim_gradient(Index floats) { return claim(gradient_size_, floats); }
  Index claim_statistics(Index floats) { return claim(statistics_size_, floats); }

  /// Numbers the network's dropouts.
  Index claim_dropout() { return dropouts_++; }

  /// Every layer that has parameters or statistics says so here, in order.
  void add_leaf(Layer& layer) { leaves_.push_back(&layer); }

  struct Filling {
    ParameterRange range;
    Initial initial;
  };
  const std::vector<Filling>& fillings() const { return fillings_; }
  const std::vector<Layer*>& leaves() const { return leaves_; }
  Index gradient_size() const { return gradient_size_; }
  Index statistics_size() const { return statistics_size_; }

 private:
  static Index claim(Index& used, Index floats);

  dnnl::engine engine_;
  Index slice_;
  Precision precision_;
  std::string convolution_;
  Numbers numbers_;
  bool resting_ = false;
  std::vector<Filling> fillings_;
  std::vector<Layer*> leaves_;
  Index gradient_size_ = 0;
  Index statistics_size_ = 0;
  Index dropouts_ = 0;
};

}  // namespace kindred
