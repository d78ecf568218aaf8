#include "kindred/eval/oneshot.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "eval/fewshot/episode_errors.h"
#include "eval/scores/check_rows.h"
#include "kindred/core/error.h"
#include "kindred/eval/neighbors.h"

namespace kindred {
namespace {

struct Episode {
  std::vector<Index> training;
  std::vector<Index> test;
};

Matrix gather(ConstMatrixView rows, std::span<const Index> which) {
  Matrix taken(static_cast<Index>(which.size()), rows.cols());
  for (Index i = 0; i < taken.rows(); ++i) {
    std::copy_n(rows.row(which[static_cast<std::size_t>(i)]), rows.cols(), taken.row(i));
  }
  return taken;
}

std::map<std::int32_t, Episode> episodes_of(std::span<const std::int32_t> episode,
                                            std::span<const std::uint8_t> role) {
  std::map<std::int32_t, Episode> episodes;
  for (std::size_t i = 0; i < episode.size(); ++i) {
    if (role[i] > 1) {
      fail(ErrorKind::data,
           fmt::format("role {} of image {} is unknown; 0 is a training image, 1 a test image",
                       role[i], i));
    }
    Episode& own = episodes[episode[i]];
    (role[i] == 0 ? own.training : own.test).push_back(static_cast<Index>(i));
  }
  return episodes;
}

void check_episode(std::int32_t name, const Episode& episode,
                   std::span<const std::int64_t> labels) {
  if (episode.training.empty()) {
    fail(ErrorKind::data, fmt::format("episode {} has no training image (role 0)", name));
  }
  if (episode.test.empty()) {
    fail(ErrorKind::data, fmt::format("episode {} has no test image (role 1)", name));
  }
  const auto label = [&](Index i) { return labels[static_cast<std::size_t>(i)]; };
  for (const Index i : episode.test) {
    const auto same = [&](Index j) { return label(j) == label(i); };
    if (std::none_of(episode.training.begin(), episode.training.end(), same)) {
      fail(ErrorKind::data,
           fmt::format("episode {}: test image {} has label {}, but no training image of the "
                       "episode has it",
                       name, i, label(i)));
    }
  }
}

Index count_wrong(const Workers& workers, ConstMatrixView embeddings,
                  std::span<const std::int64_t> labels, const Episode& episode) {
  const Neighbors nearest =
      find_neighbors(workers, gather(embeddings, episode.test),
                     gather(embeddings, episode.training), 1, Similarity::cosine);
  Index wrong = 0;
  for (std::size_t i = 0; i < episode.test.size(); ++i) {
    const auto found = static_cast<std::size_t>(nearest.index(static_cast<Index>(i), 0));
    const auto answer = static_cast<std::size_t>(episode.training[found]);
    if (labels[answer] != labels[static_cast<std::size_t>(episode.test[i])]) ++wrong;
  }
  return wrong;
}

}  // namespace

OneShotResult evaluate_oneshot(const Workers& workers, ConstMatrixView embeddings,
                               std::span<const std::int64_t> labels,
                               std::span<const std::int32_t> episode,
                               std::span<const std::uint8_t> role) {
  check_count(static_cast<Index>(labels.size()), "labels", embeddings.rows(), "embeddings");
  check_count(static_cast<Index>(episode.size()), "episode numbers", embeddings.rows(),
              "embeddings");
  check_count(static_cast<Index>(role.size()), "roles", embeddings.rows(), "embeddings");
  if (embeddings.rows() == 0) fail(ErrorKind::data, "there are no embeddings");
  check_rows(workers, embeddings, "embeddings");

  OneShotResult result;
  std::vector<double> errors;
  for (const auto& [name, own] : episodes_of(episode, role)) {
    check_episode(name, own, labels);
    const Index wrong = count_wrong(workers, embeddings, labels, own);
    const auto tested = static_cast<Index>(own.test.size());
    result.wrong += wrong;
    result.test_images += tested;
    errors.push_back(static_cast<double>(wrong) / static_cast<double>(tested));
  }
  summarise(errors, result);
  return result;
}

}  // namespace kindred
