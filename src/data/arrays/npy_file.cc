#include "kindred/data/npy_file.h"

#include <fmt/format.h>

#include "core/check_finite.h"
#include "data/arrays/npy_array.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"

namespace kindred {
namespace {

constexpr std::string_view kNpyMagic = "\x93NUMPY";

}  // namespace

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

std::string npy_header(const std::string& type, std::span<const Index> shape) {
  const std::string comma = shape.size() == 1 ? "," : "";
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}",
                                 type, fmt::join(shape, ", "), comma);
  constexpr std::size_t kBefore = 10;  // magic, version, length
  text.append(63 - (kBefore + text.size()) % 64, ' ');
  text += '\n';
  std::string header(kNpyMagic);
  header +=
      {'\1', '\0', static_cast<char>(text.size() & 0xFF), static_cast<char>(text.size() >> 8)};
  return header + text;
}

const FileKind kNpyFile{"a NumPy array", [](const std::string& path) {
                          return beginning_of_file(path, kNpyMagic.size()) == kNpyMagic;
                        }};

std::vector<std::int64_t> read_npy_integers(const std::string& path) {
  return whole_numbers(parse_npy(read_file(path), path));
}

}  // namespace kindred
