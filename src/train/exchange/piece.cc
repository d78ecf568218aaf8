#include "train/exchange/piece.h"

#include <algorithm>

#include "kindred/core/error.h"

namespace kindred {

double Piece::setting(std::string_view key) const {
  const auto found = std::ranges::find(settings, key, &std::pair<std::string, double>::first);
  if (found == settings.end()) fail(ErrorKind::internal, node + " has no " + std::string(key));
  return found->second;
}

PieceArray* Piece::array(std::string_view part) {
  const auto found = std::ranges::find(arrays, part, &PieceArray::part);
  return found == arrays.end() ? nullptr : &*found;
}

void refuse(const Piece& piece, const std::string& why) {
  fail(ErrorKind::data, piece.node + ": " + why);
}

}  // namespace kindred
