#include "eval/retrieval/rerank.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "kindred/eval/neighbors.h"

namespace kindred {
namespace {

constexpr Index kRerankRows = 64;

using RowList = std::vector<std::uint32_t>;

/// The nearest rows of each row, itself first.
class NearestRows {
 public:
  NearestRows(const Workers& workers, ConstMatrixView rows, Index count)
      : found_(find_neighbors(workers, rows, rows, count, Similarity::cosine, true)) {}

  /// The first `count` others, and before them the row itself.
  RowList first(Index row, Index count) const {
    RowList rows = {static_cast<std::uint32_t>(row)};
    for (Index j = 0; j < std::min(count, found_.index.cols()); ++j) {
      rows.push_back(static_cast<std::uint32_t>(found_.index(row, j)));
    }
    return rows;
  }

  /// Those of them that have `row` among their own first `count`, by rising number.
  RowList reciprocal(Index row, Index count) const {
    RowList rows;
    for (const std::uint32_t other : first(row, count)) {
      const RowList theirs = first(other, count);
      if (std::find(theirs.begin(), theirs.end(), static_cast<std::uint32_t>(row)) !=
          theirs.end()) {
        rows.push_back(other);
      }
    }
    std::sort(rows.begin(), rows.end());
    return rows;
  }

 private:
  Neighbors found_;
};

/// The reciprocal neighbours, and those of each where two thirds of them are shared.
RowList expanded(const NearestRows& nearest, Index row, Index k1) {
  const RowList own = nearest.reciprocal(row, k1);
  RowList all = own;
  const Index half = std::lrint(static_cast<double>(k1) / 2);
  for (const std::uint32_t candidate : own) {
    const RowList theirs = nearest.reciprocal(candidate, half);
    const auto shared = std::count_if(theirs.begin(), theirs.end(), [&](std::uint32_t other) {
      return std::binary_search(own.begin(), own.end(), other);
    });
    if (3 * static_cast<std::size_t>(shared) > 2 * theirs.size()) {
      all.insert(all.end(), theirs.begin(), theirs.end());
    }
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

/// Of unit rows, one of which is `query`.
double squared_distance(const ExactQuery& query, Index row) {
  return std::max(0.0, 2 - 2 * query.score(row));
}

SparseRow encode(const ExactQuery& query, RowList neighbors, double farthest) {
  SparseRow encoded;
  float sum = 0;
  for (const std::uint32_t other : neighbors) {
    const auto weight = static_cast<float>(std::exp(-squared_distance(query, other) / farthest));
    encoded.weights.push_back(weight);
    sum += weight;
  }
  for (float& weight : encoded.weights) weight /= sum;
  encoded.columns = std::move(neighbors);
  return encoded;
}

/// The mean of the encodings of some rows.
SparseRow mean_of(const std::vector<SparseRow>& encoding, const RowList& rows) {
  std::vector<std::pair<std::uint32_t, float>> terms;
  for (const std::uint32_t row : rows) {
    const SparseRow& one = encoding[row];
    for (std::size_t i = 0; i < one.columns.size(); ++i) {
      terms.emplace_back(one.columns[i], one.weights[i]);
    }
  }
  std::stable_sort(terms.begin(), terms.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  SparseRow mean;
  for (const auto& [column, weight] : terms) {
    if (mean.columns.empty() || mean.columns.back() != column) {
      mean.columns.push_back(column);
      mean.weights.push_back(0);
    }
    mean.weights.back() += weight / static_cast<float>(rows.size());
  }
  return mean;
}

}  // namespace

Reranker::Reranker(const Workers& workers, ConstMatrixView rows, Index gallery, Index first_query,
                   const Rerank& options)
    : gallery_(gallery),
      first_query_(first_query),
      lambda_(options.lambda),
      exact_(workers, rows, Similarity::cosine),
      farthest_(static_cast<std::size_t>(rows.rows())),
      encoding_(static_cast<std::size_t>(rows.rows())) {
  const Index count = std::min(std::max(options.k1, options.k2), rows.rows() - 1);
  const NearestRows nearest(workers, rows, count);
  // The farthest row is the nearest one of the opposite.
  Matrix turned(rows.rows(), rows.cols());
  for (Index i = 0; i < turned.rows(); ++i) {
    for (Index k = 0; k < turned.cols(); ++k) turned(i, k) = -rows(i, k);
  }
  const Neighbors opposite = find_neighbors(workers, turned, rows, 1, Similarity::cosine);
  std::vector<SparseRow> encoding(encoding_.size());
  workers.for_blocks(rows.rows(), kRerankRows, [&](Index begin, Index end, int) {
    ExactQuery query(exact_);
    for (Index i = begin; i < end; ++i) {
      query.load(rows, i);
      const double farthest = squared_distance(query, opposite.index(i, 0));
      farthest_[static_cast<std::size_t>(i)] = farthest > 0 ? farthest : 1;  // all rows are equal
      encoding[static_cast<std::size_t>(i)] =
          encode(query, expanded(nearest, i, options.k1), farthest_[static_cast<std::size_t>(i)]);
    }
  });
  workers.for_blocks(rows.rows(), kRerankRows, [&](Index begin, Index end, int) {
    for (Index i = begin; i < end; ++i) {
      encoding_[static_cast<std::size_t>(i)] = mean_of(encoding, nearest.first(i, options.k2 - 1));
    }
  });

  begin_.assign(static_cast<std::size_t>(rows.rows()) + 1, 0);
  for (Index i = 0; i < gallery; ++i) {
    for (const std::uint32_t c : encoding_[static_cast<std::size_t>(i)].columns) ++begin_[c + 1];
  }
  for (std::size_t c = 1; c < begin_.size(); ++c) begin_[c] += begin_[c - 1];
  columns_.resize(begin_.back());
  std::vector<std::size_t> next(begin_.begin(), begin_.end() - 1);
  for (Index i = 0; i < gallery; ++i) {
    const SparseRow& row = encoding_[static_cast<std::size_t>(i)];
    for (std::size_t j = 0; j < row.columns.size(); ++j) {
      columns_[next[row.columns[j]]++] = {static_cast<std::uint32_t>(i), row.weights[j]};
    }
  }
}

std::span<const Reranker::Entry> Reranker::column(std::uint32_t index) const {
  return std::span(columns_).subspan(begin_[index], begin_[index + 1] - begin_[index]);
}

void Reranker::score(Index first, MatrixView scores) const {
  const Index own = first_query_ + first;
  ExactQuery query(exact_);
  std::vector<float> shared(static_cast<std::size_t>(gallery_));
  for (Index i = 0; i < scores.rows(); ++i) {
    std::fill(shared.begin(), shared.end(), 0.0F);
    const SparseRow& encoded = encoding_[static_cast<std::size_t>(own + i)];
    for (std::size_t c = 0; c < encoded.columns.size(); ++c) {
      for (const Entry& entry : column(encoded.columns[c])) {
        shared[entry.row] += std::min(encoded.weights[c], entry.weight);
      }
    }
    query.load(exact_.rows(), own + i);
    const double scale =
        static_cast<double>(lambda_) / farthest_[static_cast<std::size_t>(own + i)];
    float* const row = scores.row(i);
    for (Index j = 0; j < gallery_; ++j) {
      const float overlap = shared[static_cast<std::size_t>(j)];
      const float jaccard = 1 - overlap / (2 - overlap);
      row[j] = -((1 - lambda_) * jaccard + static_cast<float>(scale * squared_distance(query, j)));
    }
  }
}

}  // namespace kindred
