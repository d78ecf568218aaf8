#pragma once
// Runs a few layers alone, compiled as in a network, on tensors given and returned as [S, C, H, W]
// in float64; dst and the diffs in the layers' precision. Whatever they write is filled with NaN
// before.
#include <vector>

#include "kindred/core/parallel.h"
#include "kindred/core/parameters.h"
#include "nn/layers/sequence.h"
#include "nn/onednn/engine.h"
#include "support/naive_layers.h"

namespace kindred::test {

class LayerHarness {
 public:
  LayerHarness(const std::vector<LayerSpec>& layers, Index S, const Shape& src,
               NetworkMode mode = NetworkMode::training, const std::string& convolution = "auto",
               FormatTag layout = FormatTag::nhwc, Precision precision = Precision::float32,
               bool wants_diff = true);
  /// For inference with the numbers of another harness.
  LayerHarness(const std::vector<LayerSpec>& layers, Index S, const Shape& src,
               LayerHarness& trained, const std::string& convolution = "auto",
               Precision precision = Precision::float32);

  /// Weights from a uniform distribution of unit variance over fan-in, norms near 1 and 0, all by
  /// `seed`; running statistics too.
  void fill_parameters(std::uint64_t seed);

  naive::Tensor forward(const naive::Tensor& src);
  struct Diffs {
    naive::Tensor src;            ///< of zeros where it is not wanted
    std::vector<float> gradient;  ///< flat
  };
  /// REQUIRES: forward() came before. `pass` and accumulate as in Slice.
  Diffs backward(const naive::Tensor& diff_dst, Accumulate accumulate = Accumulate::no);

  Pass pass;  ///< of the runs to come; its scratch is the harness's
  ParameterTable table;
  State own_state;
  State* state = &own_state;
  std::vector<float> parameters;
  Buffer<float> row;
  Buffer<float> statistics;
  std::vector<Layer*> leaves;
  std::vector<Compiler::Filling> fillings;
  const Sequence& layers() const { return *layers_; }

 private:
  void compile(const std::vector<LayerSpec>& layers, Index S, const Shape& src, NetworkMode mode,
               const std::string& convolution, FormatTag layout, Precision precision,
               ParameterTable& from);
  bool wants_diff_ = true;
  LayerPass run();

  dnnl::engine engine_ = cpu_engine();
  std::vector<LayerSpec> specs_;
  std::unique_ptr<Sequence> layers_;
  std::unique_ptr<BoundLayer> bound_;
  std::unique_ptr<ScratchStack> scratch_;
  Buffer<std::byte> src_;
  Buffer<std::byte> dst_;
};

/// A tensor of numbers in [-1, 1) by `seed`.
naive::Tensor random_tensor(Index S, const Shape& shape, std::uint64_t seed);

/// The largest difference of two tensors, as a share of the largest number in `expected`. NaN
/// counts as infinite.
double error_of(const std::vector<double>& actual, const std::vector<double>& expected);
double error_of(const std::vector<float>& actual, const std::vector<double>& expected);

/// Root mean square of the difference, as a share of the root mean square of `expected`.
double typical_error(std::vector<double> actual, const std::vector<double>& expected);

/// A layer with settings.
inline LayerSpec spec(std::string kind, std::string name,
                      std::vector<std::pair<std::string, double>> settings = {}) {
  return {std::move(kind), std::move(name), std::move(settings), {}, {}};
}

}  // namespace kindred::test
