#pragma once
#include <string>
#include <string_view>

namespace kindred {

/// What a file is that somebody took for something else, and how it can be used all the same.
struct MistakenFile {
  std::string what;  ///< "a NumPy archive (.npz)"; never empty
  std::string way;   ///< "`kindred import FILE OUT.h5` makes a data set of it", or ""
};

/// By its first bytes (512 are enough, all of a shorter file); `path` stands in the way.
MistakenFile mistaken_file(std::string_view beginning, const std::string& path);

}  // namespace kindred
