#pragma once
#include <memory>
#include <span>
#include <vector>

#include "kindred/nn/network.h"
#include "nn/contract/compiler.h"
#include "nn/layers/sequence.h"
#include "nn/onednn/engine.h"

namespace kindred {

struct KINDRED_HIDDEN Scratch::Impl {
  explicit Impl(ScratchStack&& memory) : stack(std::move(memory)) {}
  ScratchStack stack;
};

struct KINDRED_HIDDEN Network::Impl {
  Impl(const Architecture& architecture, Index samples, const Compiler::Numbers& numbers);

  dnnl::engine engine = cpu_engine();
  NetworkMode mode = NetworkMode::training;
  Index slice = 0;
  Shape src;
  Index embedding = 0;
  std::unique_ptr<Sequence> layers;
  std::vector<Layer*> leaves;         // layers with parameters, in order
  std::vector<Layer*> frozen_leaves;  // training: those whose parameters stay as they are
  std::vector<Compiler::Filling> fillings;
  Index gradient_size = 0;
  Index statistics_size = 0;
};

}  // namespace kindred
