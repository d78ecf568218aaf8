#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/matmul.h"
#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"
#include "kindred/core/parameters.h"
#include "kindred/core/shape.h"
#include "kindred/nn/architecture.h"
#include "kindred/nn/pass.h"
#include "kindred/nn/profile.h"

namespace KINDRED_API kindred {

class Slice;

/// Memory that a worker lends to whatever slice it runs: oneDNN's scratchpads, diff buffers.
class Scratch {
 public:
  ~Scratch();
  /// From now on the worker's work adds its time to times [Network::layers()]; nullptr: no longer.
  void measure(LayerTime* times);

 private:
  friend class Network;
  friend class Slice;
  friend struct LayerPass;
  struct Impl;
  explicit Scratch(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// A network compiled once for slices of `slice` samples: immutable layers that all threads share.
/// Its trainable numbers live in the caller's flat array, its running statistics in the caller's
/// State; the network keeps copies packed into oneDNN's layouts.
///
/// Thread-safety: const members may be called at once, but unpack_gradient() by one caller at a
/// time; pack() needs the network for itself.
class Network {
 public:
  /// Compiles. In training mode adds the network's segments to an empty `table` and its running
  /// statistics to `state`; otherwise finds them there by name.
  /// REQUIRES: `state` outlives the network: pack() reads its arrays,
  /// update_running_statistics() writes them. `table` is used during the call only.
  Network(const Architecture& architecture, Index slice, NetworkMode mode, ParameterTable& table,
          State& state);
  /// For inference, with what another network was trained to. REQUIRES: as above.
  static Network for_inference(const Architecture& architecture, Index slice,
                               const ParameterTable& table, const State& state);
  ~Network();
  Network(Network&&) noexcept;
  Network& operator=(Network&&) noexcept;

  Index slice() const;
  Index embedding() const;
  const Shape& src_shape() const;

  /// He initialisation of the network's segments, by (seed, segment); norms to 1 and 0.
  void initialise(std::uint64_t seed, std::span<float> parameters) const;

  /// Copies the parameters (and, for inference, the folded running statistics) into the layouts
  /// that oneDNN wants. Once after each optimizer step.
  void pack(const Workers& workers, std::span<const float> parameters);
  /// The same of those that are trained, where frozen ones (LayerSpec) were packed before.
  void pack_trained(const Workers& workers, std::span<const float> parameters);

  /// Floats of a gradient row (weights in oneDNN's layouts).
  Index gradient_row_size() const;
  /// Floats of Slice::statistics().
  Index statistics_size() const;
  /// rows[0] = the sum of rows over a fixed pairwise tree: rows i and i + 1, then what i and i + 2
  /// have come to, and so on. rows [rows, gradient_row_size()]; their content is destroyed.
  void add_gradient_rows(const Workers& workers, MatrixView rows) const;
  /// gradient[network's segments] = a row, in the flat layout; those of frozen layers are left as
  /// they are.
  void unpack_gradient(const Workers& workers, std::span<const float> row,
                       std::span<float> gradient) const;

  /// Moves the running statistics by what each slice saw (Slice::statistics()), in the order
  /// given. Training mode only.
  void update_running_statistics(std::span<const std::span<const float>> seen);

  std::unique_ptr<Slice> make_slice() const;
  std::unique_ptr<Scratch> make_scratch() const;

  /// In the order they run, those inside a residual block behind it.
  std::vector<LayerSummary> layers() const;
  /// One line a layer: name, kind, shape, operations, implementation that oneDNN chose.
  std::string describe() const;
  /// Floating-point operations of one sample, forward; backward counts as twice that.
  double forward_flops() const;

 private:
  friend class Slice;
  struct Impl;
  explicit Network(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The mutable half of a network: one slice's activations. One thread at a time.
class Slice {
 public:
  ~Slice();
  /// [S, height * width * channels], channels-last: to be filled before forward().
  MatrixView src();
  /// Writes the embeddings to dst [S, D], the slice's rows of the batch's matrix.
  void forward(MatrixView dst, const Pass& pass);
  /// From d loss / d embeddings [S, D], writes the gradient of all weights to `row`, or adds to it.
  /// REQUIRES: forward() of the same pass came before; training mode.
  void backward(ConstMatrixView diff_dst, std::span<float> row, Accumulate accumulate,
                const Pass& pass);
  /// What batch norms saw in the last forward(). Stays where it is.
  std::span<const float> statistics() const;

 private:
  friend class Network;
  struct Impl;
  explicit Slice(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kindred
