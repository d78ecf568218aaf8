#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "eval/projection/affinities.h"
#include "eval/projection/quadtree.h"
#include "eval/scores/check_rows.h"
#include "eval/scores/unit_row.h"
#include "kindred/core/error.h"
#include "kindred/core/random.h"
#include "kindred/eval/projection.h"

namespace kindred {
namespace {

constexpr Index kTsneRows = 128;
constexpr float kTheta = 0.8F;
constexpr float kExaggeration = 12;
constexpr double kExaggeratedShare = 0.25;  // of the iterations
constexpr float kLeastGain = 0.01F;

struct Motion {
  Point velocity;
  Point gain{1, 1};
};

// The principal components, made small, with a trace of noise that sets equal rows apart.
std::vector<Point> starting_points(const Workers& workers, ConstMatrixView rows,
                                   const TsneOptions& options) {
  Matrix units;
  if (options.similarity == Similarity::cosine) {
    units = unit_rows(workers, rows);
    rows = units;
  }
  const Matrix plane = project_pca(workers, rows).points;
  double squares = 0;
  for (Index i = 0; i < plane.rows(); ++i) {
    squares += static_cast<double>(plane(i, 0)) * plane(i, 0);
  }
  const double deviation = std::sqrt(squares / static_cast<double>(plane.rows()));
  const float scale = deviation > 0 ? static_cast<float>(1e-2 / deviation) : 0;
  std::vector<Point> points;
  for (Index i = 0; i < plane.rows(); ++i) {
    Random random(options.seed, Purpose::projection, static_cast<std::uint64_t>(i));
    const float x = 1e-4F * random.normal();
    const float y = 1e-4F * random.normal();
    points.push_back({scale * plane(i, 0) + x, scale * plane(i, 1) + y});
  }
  return points;
}

Point attraction(const Affinities& affinities, const std::vector<Point>& points, Index i) {
  const Point own = points[static_cast<std::size_t>(i)];
  Point total;
  for (Index n = affinities.first[static_cast<std::size_t>(i)];
       n < affinities.first[static_cast<std::size_t>(i) + 1]; ++n) {
    const auto place = static_cast<std::size_t>(n);
    const Point& other = points[static_cast<std::size_t>(affinities.column[place])];
    const float x = own.x - other.x;
    const float y = own.y - other.y;
    const float pull = affinities.value[place] / (1 + x * x + y * y);
    total.x += pull * x;
    total.y += pull * y;
  }
  return total;
}

void move(float gradient, float rate, float momentum, float& velocity, float& gain, float& place) {
  gain = (gradient > 0) == (velocity > 0) ? std::max(kLeastGain, gain * 0.8F) : gain + 0.2F;
  velocity = momentum * velocity - rate * gain * gradient;
  place += velocity;
}

void center(std::vector<Point>& points) {
  double x = 0;
  double y = 0;
  for (const Point& point : points) {
    x += point.x;
    y += point.y;
  }
  const auto count = static_cast<double>(points.size());
  const Point mean{static_cast<float>(x / count), static_cast<float>(y / count)};
  for (Point& point : points) point = {point.x - mean.x, point.y - mean.y};
}

}  // namespace

Matrix project_tsne(const Workers& workers, ConstMatrixView rows, const TsneOptions& options) {
  const Index count = rows.rows();
  if (count < 4) {
    fail(ErrorKind::usage, fmt::format("t-SNE of {} embeddings; it needs at least 4", count));
  }
  if (options.similarity == Similarity::inner_product) {
    fail(ErrorKind::usage, "t-SNE works with cosine or Euclidean distance, not inner products");
  }
  check_rows(workers, rows, "embeddings");
  const double perplexity = std::clamp(options.perplexity, 1.0, static_cast<double>(count - 1) / 3);
  const Affinities affinities = neighbor_affinities(workers, rows, options.similarity, perplexity);
  std::vector<Point> points = starting_points(workers, rows, options);
  std::vector<Motion> motions(points.size());
  std::vector<Quadtree::Repulsion> repulsions(points.size());
  const auto exaggerated =
      static_cast<Index>(kExaggeratedShare * static_cast<double>(options.iterations));
  // The gradient is written without its factor 4.
  const float rate = std::max(200.0F, static_cast<float>(count) / kExaggeration);

  for (Index iteration = 0; iteration < options.iterations; ++iteration) {
    const bool early = iteration < exaggerated;
    const float exaggeration = early ? kExaggeration : 1;
    const float momentum = early ? 0.5F : 0.8F;
    const Quadtree tree(points);
    workers.for_blocks(count, kTsneRows, [&](Index begin, Index end, int) {
      for (Index place = begin; place < end; ++place) {
        repulsions[static_cast<std::size_t>(tree.index(place))] = tree.repulsion(place, kTheta);
      }
    });
    double total = 0;
    for (const auto& repulsion : repulsions) total += repulsion.sum;
    const auto normaliser = static_cast<float>(1 / std::max(total, 1e-30));
    std::vector<Point> moved = points;
    workers.for_blocks(count, kTsneRows, [&](Index begin, Index end, int) {
      for (Index i = begin; i < end; ++i) {
        const auto own = static_cast<std::size_t>(i);
        const Point pull = attraction(affinities, points, i);
        const Quadtree::Repulsion& push = repulsions[own];
        Motion& motion = motions[own];
        move(exaggeration * pull.x - normaliser * push.x, rate, momentum, motion.velocity.x,
             motion.gain.x, moved[own].x);
        move(exaggeration * pull.y - normaliser * push.y, rate, momentum, motion.velocity.y,
             motion.gain.y, moved[own].y);
      }
    });
    points = std::move(moved);
    center(points);
  }
  Matrix result(count, 2);
  for (Index i = 0; i < count; ++i) {
    result(i, 0) = points[static_cast<std::size_t>(i)].x;
    result(i, 1) = points[static_cast<std::size_t>(i)].y;
  }
  return result;
}

}  // namespace kindred
