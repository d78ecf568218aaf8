#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>

#include "support/tiers.h"

namespace kindred::test {

/// `count` where tools/test --long asks for it (KINDRED_LONG_TESTS), else a tenth.
inline int in_long_tests(int count) { return long_tests() ? count : count / 10; }

/// Damages files; the same seed damages alike.
class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  /// `file` with one to four changes: flipped bits, numbers with extreme values (most of them near
  /// the beginning), blocks of `other` or of itself in other places, and pieces cut off or out.
  std::string operator()(std::string file, const std::string& other) {
    for (std::size_t changes = 1 + below(4); changes > 0 && !file.empty(); --changes) {
      change(file, other);
    }
    return file;
  }

  std::size_t below(std::size_t end) { return static_cast<std::size_t>(random_() % end); }

 private:
  void change(std::string& file, const std::string& other) {
    const std::size_t size = file.size();
    const std::size_t at = below(below(2) == 0 ? size : std::min<std::size_t>(size, 64));
    const std::size_t length = 1 + below(std::min<std::size_t>(size - at, 64));
    switch (below(7)) {
      case 0: file[at] = static_cast<char>(file[at] ^ (1 << below(8))); break;
      case 1: file[at] = static_cast<char>(random_()); break;
      case 2: {
        constexpr std::array<std::uint64_t, 6> kExtreme{
            0, ~std::uint64_t{0}, 0x7F7F7F7F7F7F7F7F, 0x8000000080000080, 0x00FFFFFF00FFFFFF, 1};
        const std::uint64_t value = kExtreme[below(kExtreme.size())];
        for (std::size_t i = 0; i < std::size_t{1} << below(4) && at + i < size; ++i) {
          file[at + i] = static_cast<char>(value >> (8 * i));
        }
        break;
      }
      case 3: {
        const std::size_t from = below(other.size());
        file.insert(at, other.substr(from, length));
        break;
      }
      case 4: file.replace(at, length, file.substr(below(size), length)); break;
      case 5: file.erase(at, length); break;
      default: file.resize(below(4) == 0 ? at : size - below(std::min<std::size_t>(size, 16)));
    }
  }

  std::mt19937_64 random_;
};

}  // namespace kindred::test
