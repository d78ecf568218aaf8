#include "kindred/data/npy_file.h"

#include <fmt/format.h>

#include "core/check_finite.h"
#include "data/arrays/npy_array.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"

namespace kindred {

Matrix read_npy_matrix(const std::string& path) {
  const NpyArray array = parse_npy(read_file(path), path);
  if (array.shape.size() != 2) {
    fail(ErrorKind::data,
         fmt::format("{}: has shape [{}]; [N, D] is expected", path, fmt::join(array.shape, ", ")));
  }
  Matrix rows(array.shape[0], array.shape[1]);
  for (Index i = 0; i < rows.rows(); ++i) {
    for (Index j = 0; j < rows.cols(); ++j) {
      const Index at = array.columns_first ? j * rows.rows() + i : i * rows.cols() + j;
      rows(i, j) = static_cast<float>(array.element(at));
    }
  }
  check_finite(rows, path);
  return rows;
}

std::vector<std::int64_t> read_npy_integers(const std::string& path) {
  return whole_numbers(parse_npy(read_file(path), path));
}

}  // namespace kindred
