#include "gallery/nearest_places.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "eval/scores/exact_scores.h"
#include "eval/scores/score_kernels.h"
#include "gallery/scan_kernels.h"

namespace kindred {
namespace {

constexpr float kNone = -std::numeric_limits<float>::infinity();
constexpr Index kTile = 256;       // rows scored at a time: they stay in the second cache
constexpr Index kMostAtOnce = 64;  // queries that one pass over the gallery scores

/// How far a scan's score may be from the cosine. With u = 2^-24 and D numbers a row: the query's
/// numbers are rounded once (u), and so are the products and each sum on the way (D u), 1 / |row|,
/// and what it is multiplied with (2 u): all relative to |q| |r| = 1. What float loses below 2^-126
/// is less than that for rows as check_embedding() lets in.
float scan_error(Index stride) {
  return static_cast<float>(1.02 * static_cast<double>(stride + 8) * std::ldexp(1.0, -24));
}

struct Candidate {
  float score;
  std::uint32_t place;
};
bool is_above(const Candidate& a, const Candidate& b) { return a.score > b.score; }

/// What may be among the k nearest, of the rows that one worker has seen.
class Candidates {
 public:
  void start(Index k, float error) {
    k_ = static_cast<std::size_t>(k);
    error_ = error;
    room_ = k_ + std::max<std::size_t>(k_, 64);
    all_.clear();
    threshold_ = std::numeric_limits<float>::lowest();
  }
  /// No score below it has a chance.
  float threshold() const { return threshold_; }
  void add(Candidate candidate) {
    all_.push_back(candidate);
    if (all_.size() >= room_) shrink();
  }
  const std::vector<Candidate>& all() const { return all_; }

  /// Leaves what k others are not surely above of.
  void shrink() {
    if (all_.size() <= k_) return;
    const auto kth = all_.begin() + static_cast<std::ptrdiff_t>(k_) - 1;
    std::nth_element(all_.begin(), kth, all_.end(), is_above);
    threshold_ = kth->score - 2 * error_;
    std::erase_if(all_, [this](const Candidate& c) { return c.score < threshold_; });
    // Where nearly all are as near as each other, room is made seldom.
    room_ = std::max(room_, 2 * all_.size());
  }

 private:
  std::size_t k_ = 0;
  std::size_t room_ = 0;
  float error_ = 0;
  float threshold_ = 0;
  std::vector<Candidate> all_;
};

/// Queries as the scan reads them: unit rows.
Matrix unit_rows(const RowsView& queries) {
  Matrix units(queries.rows(), queries.cols());
  std::vector<double> numbers(static_cast<std::size_t>(queries.cols()));
  for (Index q = 0; q < queries.rows(); ++q) {
    queries.widen(q, numbers.data());
    const double square = queries.dot(numbers.data(), q);
    const double scale = square > 0 ? 1 / std::sqrt(square) : 0;
    for (Index k = 0; k < queries.cols(); ++k) {
      units(q, k) = static_cast<float>(scale * numbers[static_cast<std::size_t>(k)]);
    }
  }
  return units;
}

class Scan {
 public:
  Scan(const SnapshotBlocks& blocks, ConstMatrixView queries, Index k, GalleryAmong among,
       std::span<const Index> own)
      : blocks_(blocks),
        queries_(queries),
        units_(unit_rows(queries)),
        k_(k),
        among_(among),
        own_(own),
        error_(scan_error(units_.stride())) {}

  std::vector<std::vector<GalleryMatch>> run(const Workers& workers) {
    found_.resize(static_cast<std::size_t>(queries_.rows()));
    for (Index first = 0; first < queries_.rows(); first += kMostAtOnce) {
      pass(workers, first, std::min(kMostAtOnce, queries_.rows() - first));
    }
    return std::move(found_);
  }

 private:
  struct Worker {
    std::vector<Candidates> of;  // each query of the pass
    Matrix scores = Matrix(ScanKernels::kQueries, kTile + 64);
  };

  void pass(const Workers& workers, Index first, Index count) {
    std::vector<std::unique_ptr<Worker>> pool(static_cast<std::size_t>(workers.threads()));
    for (auto& worker : pool) {
      worker = std::make_unique<Worker>();
      worker->of.resize(static_cast<std::size_t>(count));
      for (Candidates& candidates : worker->of) candidates.start(k_, error_);
    }
    workers.for_each(static_cast<Index>(blocks_.blocks.size()), [&](Index block, int number) {
      scan(block, first, count, *pool[static_cast<std::size_t>(number % workers.threads())]);
    });
    workers.for_each(count, [&](Index q, int) {
      Candidates all;
      all.start(k_, error_);
      for (const auto& worker : pool) {
        for (const Candidate& c : worker->of[static_cast<std::size_t>(q)].all()) {
          if (c.score >= all.threshold()) all.add(c);
        }
      }
      all.shrink();
      found_[static_cast<std::size_t>(first + q)] = best_of(all.all(), first + q);
    });
  }

  void scan(Index number, Index first, Index count, Worker& worker) const {
    const SnapshotBlock& block = *blocks_.blocks[static_cast<std::size_t>(number)];
    for (Index begin = 0; begin < block.count(); begin += kTile) {
      const Index rows = std::min(kTile, block.count() - begin);
      for (Index q = 0; q < count; q += ScanKernels::kQueries) {
        const Index asked = std::min(ScanKernels::kQueries, count - q);
        kernels<ScanKernels>().score(block.rows.row(begin), rows, units_.stride(),
                                     block.scales.data() + begin, units_.row(first + q), asked,
                                     worker.scores.data(), worker.scores.stride());
        for (Index i = 0; i < asked; ++i) {
          keep(block, begin, rows, first + q + i, number * SnapshotBlock::kRows + begin,
               worker.scores.row(i), worker.of[static_cast<std::size_t>(q + i)]);
        }
      }
    }
  }

  void keep(const SnapshotBlock& block, Index begin, Index rows, Index query, Index place,
            float* scores, Candidates& candidates) const {
    std::fill_n(scores + rows, round_up(rows, 64) - rows, kNone);
    std::uint32_t places[kTile];
    const Index passing =
        kernels<ScoreKernels>().not_below(scores, rows, candidates.threshold(), places);
    for (Index p = 0; p < passing; ++p) {
      const float score = scores[places[p]];
      if (score < candidates.threshold()) continue;  // it rose
      if (!counts(block.identities[static_cast<std::size_t>(begin) + places[p]], query)) continue;
      candidates.add({score, static_cast<std::uint32_t>(place) + places[p]});
    }
  }

  bool counts(Index identity, Index query) const {
    switch (among_) {
      case GalleryAmong::all: return true;
      case GalleryAmong::named: return identity != 0;
      case GalleryAmong::others:
        return identity != 0 && identity != own_[static_cast<std::size_t>(query)];
    }
    return true;
  }

  /// Scored in float64, as find_neighbors() does.
  std::vector<GalleryMatch> best_of(const std::vector<Candidate>& candidates, Index query) const {
    std::vector<double> numbers(static_cast<std::size_t>(queries_.cols()));
    std::vector<double> other(numbers.size());
    queries_.widen(query, numbers.data());
    const double square = queries_.dot(numbers.data(), query);
    std::vector<GalleryMatch> matches;
    matches.reserve(candidates.size());
    for (const Candidate& candidate : candidates) {
      const auto [block, row] = blocks_.at(candidate.place);
      const RowsView rows(block->rows.view());
      rows.widen(row, other.data());
      const double score = exact_score(numbers.data(), square, rows, row,
                                       rows.dot(other.data(), row), Similarity::cosine);
      matches.push_back({block->ids[static_cast<std::size_t>(row)],
                         block->identities[static_cast<std::size_t>(row)], score});
    }
    std::ranges::sort(matches, [](const GalleryMatch& a, const GalleryMatch& b) {
      return a.score != b.score ? a.score > b.score : a.id < b.id;
    });
    if (static_cast<Index>(matches.size()) > k_) matches.resize(static_cast<std::size_t>(k_));
    return matches;
  }

  const SnapshotBlocks& blocks_;
  RowsView queries_;
  Matrix units_;
  Index k_;
  GalleryAmong among_;
  std::span<const Index> own_;
  float error_;
  std::vector<std::vector<GalleryMatch>> found_;
};

}  // namespace

std::vector<std::vector<GalleryMatch>> nearest_places(const Workers& workers,
                                                      const SnapshotBlocks& blocks,
                                                      ConstMatrixView queries, Index k,
                                                      GalleryAmong among,
                                                      std::span<const Index> own) {
  const ComputeScope scope;
  k = std::clamp<Index>(k, 0, blocks.size);
  if (k == 0)
    return std::vector<std::vector<GalleryMatch>>(static_cast<std::size_t>(queries.rows()));
  return Scan(blocks, queries, k, among, own).run(workers);
}

}  // namespace kindred
