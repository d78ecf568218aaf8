#include "data/foreign/hdf5_candidates.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "data/text/split_names.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr std::size_t kMost = 1000;

// Words between "_", "-", "/" and before capitals ("trainX"), in small letters.
std::vector<std::string> words_of_name(const std::string& name) {
  std::vector<std::string> words(1);
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto c = static_cast<unsigned char>(name[i]);
    const bool separator = c == '_' || c == '-' || c == '/' || c == '.';
    const bool capital =
        std::isupper(c) != 0 && i > 0 && std::islower(static_cast<unsigned char>(name[i - 1])) != 0;
    if ((separator || capital) && !words.back().empty()) words.emplace_back();
    if (!separator) words.back() += static_cast<char>(std::tolower(c));
  }
  return words;
}

void read_name(Hdf5Candidate& candidate) {
  for (const std::string& word : words_of_name(candidate.name)) {
    const auto split = split_named(word);
    if (split) {
      candidate.split = *split;
    } else if (word != "set") {
      candidate.base = word;
    }
  }
}

}  // namespace

std::vector<Hdf5Candidate> list_candidates(const Hdf5File& file) {
  std::vector<Hdf5Candidate> found;
  for (const std::string& name : file.datasets()) {
    if (name.starts_with('#') || found.size() >= kMost) continue;  // MATLAB's references
    Hdf5Candidate candidate;
    candidate.name = name;
    try {
      const Hdf5Dataset data = file.dataset(name);
      candidate.shape = data.shape();
      candidate.kind = data.kind();
      candidate.element_bytes = data.element_bytes();
      candidate.matlab = file.has_attribute(name, "MATLAB_class");
    } catch (const Error& error) {
      candidate.problem = error.what();
    }
    read_name(candidate);
    found.push_back(std::move(candidate));
  }
  return found;
}

std::string describe(const Hdf5Candidate& candidate) {
  if (!candidate.problem.empty()) return fmt::format("/{} (cannot be read)", candidate.name);
  const char* kind = candidate.kind == Hdf5Kind::integer   ? "integer"
                     : candidate.kind == Hdf5Kind::real    ? "float"
                     : candidate.kind == Hdf5Kind::text    ? "text"
                     : candidate.kind == Hdf5Kind::bytes   ? "bytes of variable length"
                     : candidate.kind == Hdf5Kind::records ? "records"
                                                           : "of a type that is not read";
  return fmt::format("/{} {} [{}]", candidate.name, kind, fmt::join(candidate.shape, ", "));
}

}  // namespace kindred
