// Lists of vectors; the first byte says whether labels are asked for by their column's name.
#include "data/arrays/vector_list.h"
#include "fuzz.h"

KINDRED_FUZZ_TARGET(vectors) {
  using namespace kindred;
  if (bytes.empty()) return;
  const std::string path = fuzz::scratch("vectors.csv");
  fuzz::write(path, bytes.substr(1));
  const VectorList list = read_vector_list(path, bytes[0] % 2 == 0 ? "" : "label");
  const auto rows = static_cast<std::size_t>(list.rows.rows());
  fuzz::require(rows > 0 && list.rows.cols() > 0);
  fuzz::require(list.paths.empty() || list.paths.size() == rows);
}
