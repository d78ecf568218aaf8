#include "kindred/gallery/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "eval/scores/exact_scores.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr Index kMostQueries = 10000;
constexpr Index kMostOfPairs = 4000;  // 8 million pairs
constexpr double kRuleOfThree = 3;
constexpr double kRounding = 1e-9;  // of far · trials: 0.1 · 30 is 3

std::vector<Index> named_places(const GallerySnapshot& snapshot) {
  std::vector<Index> places;
  for (Index place = 0; place < snapshot.size(); ++place) {
    if (snapshot.identity(place) != 0) places.push_back(place);
  }
  return places;
}

/// At most `most`, evenly.
std::vector<Index> some_of(const std::vector<Index>& places, Index most) {
  const auto count = static_cast<Index>(places.size());
  if (count <= most) return places;
  std::vector<Index> some;
  for (Index i = 0; i < most; ++i)
    some.push_back(places[static_cast<std::size_t>(i * count / most)]);
  return some;
}

struct Sample {
  Matrix rows;
  std::vector<Index> identities;
};

Sample sample_of(const GallerySnapshot& snapshot, const std::vector<Index>& places) {
  Sample sample{Matrix(static_cast<Index>(places.size()), snapshot.dimension()), {}};
  for (std::size_t i = 0; i < places.size(); ++i) {
    std::copy_n(snapshot.embedding(places[i]), snapshot.dimension(),
                sample.rows.row(static_cast<Index>(i)));
    sample.identities.push_back(snapshot.identity(places[i]));
  }
  return sample;
}

CalibratedThreshold threshold_of(std::vector<double> scores, double far) {
  CalibratedThreshold chosen;
  chosen.trials = static_cast<Index>(scores.size());
  chosen.needed = static_cast<Index>(std::ceil(kRuleOfThree / far - kRounding));
  const double allowed = std::floor(far * static_cast<double>(scores.size()) + kRounding);
  const auto first_refused = scores.begin() + static_cast<std::ptrdiff_t>(allowed);
  std::nth_element(scores.begin(), first_refused, scores.end(), std::greater<>());
  chosen.threshold = std::nextafter(*first_refused, std::numeric_limits<double>::infinity());
  chosen.accepted =
      std::ranges::count_if(scores, [&](double score) { return score >= chosen.threshold; });
  return chosen;
}

/// Each query's best score with another identity than its own.
std::vector<double> strangers_scores(const Workers& workers, const GallerySnapshot& among,
                                     const Sample& queries) {
  std::vector<double> scores;
  for (const std::vector<GalleryMatch>& matches :
       among.nearest(workers, queries.rows, 1, GalleryAmong::others, queries.identities)) {
    scores.push_back(matches.front().score);
  }
  return scores;
}

/// Of all pairs of two identities.
std::vector<double> pair_scores(const Workers& workers, const Sample& sample) {
  const RowsView rows(sample.rows.view());
  const auto count = static_cast<Index>(sample.identities.size());
  std::vector<std::vector<double>> of_row(static_cast<std::size_t>(count));
  const ExactScores exact(workers, rows, Similarity::cosine);
  workers.for_each(count, [&](Index i, int) {
    ExactQuery query(exact);
    query.load(rows, i);
    for (Index j = 0; j < i; ++j) {
      if (sample.identities[static_cast<std::size_t>(i)] ==
          sample.identities[static_cast<std::size_t>(j)]) {
        continue;
      }
      of_row[static_cast<std::size_t>(i)].push_back(query.score(j));
    }
  });
  std::vector<double> scores;
  for (const std::vector<double>& row : of_row) scores.insert(scores.end(), row.begin(), row.end());
  return scores;
}

}  // namespace

GalleryThresholds Calibration::thresholds() const {
  return {identify.threshold, identify_centroid.threshold, compare.threshold, far};
}

Calibration calibrate(const Workers& workers, const GallerySnapshot& snapshot, double far) {
  if (!(far > 0 && far < 1)) {
    fail(ErrorKind::usage,
         fmt::format("a false accept rate of {}; expected above 0 and below 1", far));
  }
  const std::vector<Index> named = named_places(snapshot);
  const std::shared_ptr<const GallerySnapshot> centroids = snapshot.centroids();
  Calibration result;
  result.far = far;
  result.pictures = static_cast<Index>(named.size());
  result.identities = centroids->size();
  if (result.identities < 2) {
    fail(
        ErrorKind::data,
        fmt::format("thresholds are chosen by pictures of two identities or more; the gallery has "
                    "{} (of {} pictures with a name); add pictures with --name or in class folders",
                    result.identities, result.pictures));
  }
  const Sample queries = sample_of(snapshot, some_of(named, kMostQueries));
  result.identify = threshold_of(strangers_scores(workers, snapshot, queries), far);
  result.identify_centroid = threshold_of(strangers_scores(workers, *centroids, queries), far);
  const Sample paired = sample_of(snapshot, some_of(named, kMostOfPairs));
  result.compare = threshold_of(pair_scores(workers, paired), far);
  return result;
}

}  // namespace kindred
