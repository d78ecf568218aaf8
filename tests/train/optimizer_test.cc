#include "kindred/train/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "kindred/core/random.h"

namespace kindred {
namespace {

/// Two segments of awkward sizes; the second is a bias with half the learning rate.
ParameterTable small_table() {
  ParameterTable table;
  table.add("weights", {3, 7});
  table.add("bias", {5}, false, 0.5);
  return table;
}

std::unique_ptr<Optimizer> make(const std::string& text, const ParameterTable& table) {
  Recipe recipe = Recipe::from_text(text, "test");
  return read_optimizer(recipe.root(), table);
}

/// The same three steps in double, straight from the formulas.
struct Reference {
  double momentum = 0, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, decay = 0;
  bool nesterov = false;

  double sgd(double w, double rate, const std::vector<double>& gradients, bool decayed) const {
    double v = 0;
    for (const double g0 : gradients) {
      const double g = g0 + (decayed ? decay * w : 0);
      v = momentum * v + g;
      w -= rate * (nesterov ? g + momentum * v : v);
    }
    return w;
  }
  double adam(double w, double rate, const std::vector<double>& gradients, bool decayed,
              bool decoupled) const {
    double m = 0, v = 0;
    for (std::size_t t = 1; t <= gradients.size(); ++t) {
      double g = gradients[t - 1];
      if (decayed && decoupled) w -= rate * decay * w;
      if (decayed && !decoupled) g += decay * w;
      m = beta1 * m + (1 - beta1) * g;
      v = beta2 * v + (1 - beta2) * g * g;
      const double mean = m / (1 - std::pow(beta1, static_cast<double>(t)));
      const double square = v / (1 - std::pow(beta2, static_cast<double>(t)));
      w -= rate * mean / (std::sqrt(square) + epsilon);
    }
    return w;
  }
};

/// Three steps with known gradients; `expected` gives the reference for one element.
template <typename Expected>
void check_three_steps(const std::string& text, Expected expected) {
  const ParameterTable table = small_table();
  const auto optimizer = make(text, table);
  const Workers workers(2);
  Buffer<float> parameters(table.size());
  Buffer<float> gradient(table.size());
  std::vector<std::vector<double>> gradients(static_cast<std::size_t>(table.size()));
  Random random(1, Purpose::test);
  std::vector<double> start;
  for (float& w : parameters.span()) {
    w = random.normal();
    start.push_back(static_cast<double>(w));
  }
  for (Index step = 0; step < 3; ++step) {
    for (Index i = 0; i < table.size(); ++i) {
      gradient[i] = random.normal();
      gradients[static_cast<std::size_t>(i)].push_back(0.5 * static_cast<double>(gradient[i]));
    }
    optimizer->apply(workers, gradient.span(), parameters.span(), {0.1, 0.5, step});
  }
  for (const Segment& segment : table.segments()) {
    for (Index i = segment.offset; i < segment.offset + segment.size; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const double want =
          expected(start[at], 0.1 * segment.learning_rate_factor, gradients[at], segment.decay);
      // float32, three steps of numbers of size 3 at most: a dozen roundings of 2^-24 x 3
      EXPECT_NEAR(static_cast<double>(parameters[i]), want, 3e-6) << segment.name << " " << i;
    }
  }
}

TEST(Sgd, FollowsTheFormula) {
  Reference r;
  r.momentum = 0.9;
  r.decay = 0.01;
  check_three_steps("name = 'sgd'\nweight_decay = 0.01",
                    [&](double w, double rate, const auto& g, bool decayed) {
                      return r.sgd(w, rate, g, decayed);
                    });
}

TEST(Sgd, WithoutMomentumCarriesNothing) {
  const ParameterTable table = small_table();
  EXPECT_TRUE(make("name = 'sgd'\nmomentum = 0", table)->moments().empty());
  Reference r;
  check_three_steps("name = 'sgd'\nmomentum = 0",
                    [&](double w, double rate, const auto& g, bool decayed) {
                      return r.sgd(w, rate, g, decayed);
                    });
}

TEST(Sgd, NesterovLooksAhead) {
  Reference r;
  r.momentum = 0.8;
  r.nesterov = true;
  check_three_steps("name = 'sgd'\nmomentum = 0.8\nnesterov = true",
                    [&](double w, double rate, const auto& g, bool decayed) {
                      return r.sgd(w, rate, g, decayed);
                    });
}

TEST(Adam, FollowsTheFormula) {
  Reference r;
  r.decay = 0.1;
  check_three_steps("name = 'adam'\nweight_decay = 0.1",
                    [&](double w, double rate, const auto& g, bool decayed) {
                      return r.adam(w, rate, g, decayed, false);
                    });
}

TEST(AdamW, DecaysApartFromTheGradient) {
  Reference r;
  r.decay = 0.1;
  check_three_steps("name = 'adamw'\nweight_decay = 0.1",
                    [&](double w, double rate, const auto& g, bool decayed) {
                      return r.adam(w, rate, g, decayed, true);
                    });
}

TEST(Optimizer, GivesTheSameBitsForAnyNumberOfThreads) {
  ParameterTable table;
  table.add("a", {50000});
  table.add("b", {777}, false);
  for (const OptimizerEntry& entry : optimizer_registry()) {
    std::vector<std::vector<float>> results;
    for (const int threads : {1, 2, 3, 8}) {
      const Workers workers(threads);
      const auto optimizer = make("name = '" + std::string(entry.name) + "'", table);
      Buffer<float> parameters(table.size());
      Buffer<float> gradient(table.size());
      Random random(7, Purpose::test);
      for (Index step = 0; step < 3; ++step) {
        for (float& g : gradient.span()) g = random.normal();
        optimizer->apply(workers, gradient.span(), parameters.span(), {0.01, 1, step});
      }
      results.emplace_back(parameters.span().begin(), parameters.span().end());
    }
    for (std::size_t i = 1; i < results.size(); ++i) {
      EXPECT_EQ(std::memcmp(results[0].data(), results[i].data(), results[0].size() * 4), 0)
          << entry.name;
    }
  }
}

}  // namespace
}  // namespace kindred
