#include "adam.h"
#include "kindred/train/optimizer.h"
#include "sgd.h"

namespace kindred {
namespace {

constexpr OptimizerEntry kOptimizers[] = {
    {"adam", "adaptive moments (Kingma and Ba 2015)", make_adam},
    {"adamw", "adam with decoupled weight decay (Loshchilov and Hutter 2019)", make_adamw},
    {"sgd", "stochastic gradient descent with momentum, Nesterov's on request", make_sgd},
};

}  // namespace

std::span<const OptimizerEntry> optimizer_registry() { return kOptimizers; }

}  // namespace kindred
