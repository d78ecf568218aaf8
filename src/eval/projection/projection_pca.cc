#include <Eigen/Dense>
#include <cmath>
#include <vector>

#include "eval/scores/check_rows.h"
#include "kindred/core/matmul.h"
#include "kindred/eval/projection.h"

namespace kindred {
namespace {

constexpr Index kColumnsPerTask = 8;
constexpr Index kPcaRows = 256;

// Each row less the mean row, in float64.
BasicMatrix<double> centered(const Workers& workers, ConstMatrixView rows) {
  BasicMatrix<double> result(rows.rows(), rows.cols());
  workers.for_blocks(rows.cols(), kColumnsPerTask, [&](Index begin, Index end, int) {
    for (Index j = begin; j < end; ++j) {
      double sum = 0;
      for (Index i = 0; i < rows.rows(); ++i) sum += rows(i, j);
      const double mean = sum / static_cast<double>(rows.rows());
      for (Index i = 0; i < rows.rows(); ++i) result(i, j) = rows(i, j) - mean;
    }
  });
  return result;
}

// An eigenvector and its negative are equally good: the one whose largest coefficient is positive.
Eigen::VectorXd with_sign(Eigen::VectorXd component) {
  Index largest = 0;
  for (Index j = 1; j < component.size(); ++j) {
    if (std::abs(component[j]) > std::abs(component[largest])) largest = j;
  }
  if (component[largest] < 0) component = -component;
  return component;
}

}  // namespace

PcaProjection project_pca(const Workers& workers, ConstMatrixView rows) {
  check_sides(rows, rows);
  check_rows(workers, rows, "embeddings");
  const Index size = rows.cols();
  const BasicMatrix<double> data = centered(workers, rows);
  BasicMatrix<double> scatter(size, size);
  multiply_tn<double>(workers, data.view(), data.view(), scatter.view());

  using Map = Eigen::Map<const Eigen::MatrixXd, 0, Eigen::OuterStride<>>;
  const Map matrix(scatter.data(), size, size, Eigen::OuterStride<>(scatter.stride()));
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(matrix);
  const double trace = matrix.trace();

  PcaProjection result{Matrix(rows.rows(), 2), {0, 0}};
  for (Index c = 0; c < std::min<Index>(2, size); ++c) {
    const Index place = size - 1 - c;  // eigenvalues rise
    const double variance = solver.eigenvalues()[place];
    result.variance_share[c] = trace > 0 ? std::max(0.0, variance / trace) : 0;
    const Eigen::VectorXd component = with_sign(solver.eigenvectors().col(place));
    workers.for_blocks(rows.rows(), kPcaRows, [&](Index begin, Index end, int) {
      for (Index i = begin; i < end; ++i) {
        double sum = 0;
        for (Index j = 0; j < size; ++j) sum += data(i, j) * component[j];
        result.points(i, c) = static_cast<float>(sum);
      }
    });
  }
  return result;
}

}  // namespace kindred
