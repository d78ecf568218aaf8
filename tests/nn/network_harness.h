#pragma once
// A network with all that a trainer keeps for it, for tests of whole networks.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"
#include "kindred/core/random.h"
#include "kindred/core/recipe.h"
#include "kindred/nn/network.h"

namespace kindred::test {

inline Architecture architecture_of(const std::string& model, const Shape& src) {
  Recipe recipe = Recipe::from_text("[model]\n" + model, "test");
  return read_architecture(recipe.root().section("model"), src);
}

class NetworkHarness {
 public:
  NetworkHarness(const Architecture& architecture, Index slice, Index batch, int threads = 1,
                 Index gradient_rows = 0)
      : network(architecture, slice, NetworkMode::training, table, state),
        workers(threads),
        embeddings(batch, network.embedding()),
        diff_embeddings(batch, network.embedding()),
        rows(gradient_rows > 0 ? gradient_rows : batch / slice, network.gradient_row_size()),
        parameters(static_cast<std::size_t>(table.size())),
        gradient(parameters.size()) {
    for (Index i = 0; i < batch / slice; ++i) {
      slices.push_back(network.make_slice());
      seen.push_back(slices.back()->statistics());
    }
    for (int i = 0; i < threads; ++i) scratches.push_back(network.make_scratch());
    network.initialise(1, parameters);
    network.pack(workers, parameters);
  }

  void fill(std::uint64_t seed) {
    Random random(seed, Purpose::test);
    for (auto& slice : slices) {
      const MatrixView src = slice->src();
      for (Index n = 0; n < src.rows(); ++n) {
        for (Index i = 0; i < src.cols(); ++i) src(n, i) = random.uniform(-1.0F, 1.0F);
      }
    }
    for (Index n = 0; n < diff_embeddings.rows(); ++n) {
      for (Index i = 0; i < diff_embeddings.cols(); ++i) diff_embeddings(n, i) = random.normal();
    }
  }

  Pass pass(Index slice, int worker) const {
    return {3, 5, slice * network.slice(), scratches[static_cast<std::size_t>(worker)].get(),
            scratches};
  }

  void forward() {
    const Index S = network.slice();
    const auto task = [&](Index i, int worker) {
      slices[static_cast<std::size_t>(i)]->forward(embeddings.view().rows_from(i * S, S),
                                                   pass(i, worker));
    };
    workers.for_each(static_cast<Index>(slices.size()), task, Idle::helps);
  }

  /// Lanes of successive slices, each adding up in order.
  void backward() {
    const Index S = network.slice();
    const Index count = static_cast<Index>(slices.size());
    const Index count_of_rows = rows.rows();
    const auto task = [&](Index at, int worker) {
      const std::span<float> row(rows.row(at), static_cast<std::size_t>(rows.cols()));
      const Index first = at * count / count_of_rows;
      for (Index i = first; i < (at + 1) * count / count_of_rows; ++i) {
        slices[static_cast<std::size_t>(i)]->backward(
            diff_embeddings.view().rows_from(i * S, S), row,
            i == first ? Accumulate::no : Accumulate::yes, pass(i, worker));
      }
    };
    workers.for_each(count_of_rows, task, Idle::helps);
    network.add_gradient_rows(workers, rows);
    network.unpack_gradient(workers, {rows.row(0), static_cast<std::size_t>(rows.cols())},
                            gradient);
  }

  ParameterTable table;
  State state;
  Network network;
  Workers workers;
  Matrix embeddings;
  Matrix diff_embeddings;
  Matrix rows;
  std::vector<float> parameters;
  std::vector<float> gradient;
  std::vector<std::unique_ptr<Slice>> slices;
  std::vector<std::span<const float>> seen;  // by the slices
  std::vector<std::unique_ptr<Scratch>> scratches;
};

/// A network for inference with one slice.
class InferenceHarness {
 public:
  InferenceHarness(const Architecture& architecture, Index slice, ParameterTable& table,
                   State& state, const std::vector<float>& parameters)
      : network(architecture, slice, NetworkMode::inference, table, state),
        slice_of(network.make_slice()),
        scratch(network.make_scratch()),
        embeddings(slice, network.embedding()) {
    network.pack(Workers(1), parameters);
  }
  void forward() {
    embeddings.fill(std::numeric_limits<float>::quiet_NaN());
    Pass pass;
    pass.scratch = scratch.get();
    slice_of->forward(embeddings, pass);
  }

  Network network;
  std::unique_ptr<Slice> slice_of;
  std::unique_ptr<Scratch> scratch;
  Matrix embeddings;
};

}  // namespace kindred::test
