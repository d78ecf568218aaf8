#pragma once
#include <string>
#include <vector>

#include "data/foreign/hdf5_candidates.h"

namespace kindred {

using Candidates = std::vector<Hdf5Candidate>;

/// Images, and of which class they are where each class has a data set of its own.
struct FoundImages {
  const Hdf5Candidate* candidate;
  std::string class_name;
};

/// The images among a file's data sets: those of the most axes that are called so, one a split, or
/// one a class. Fails with data.
std::vector<FoundImages> find_images(const Hdf5File& file, const Candidates& all);
/// The labels that belong to `images`, or nullptr. Fails with data where two might.
const Hdf5Candidate* find_labels(const Hdf5File& file, const Candidates& all,
                                 const Hdf5Candidate& images);
/// The data set of that name, or nullptr.
const Hdf5Candidate* find_named(const Candidates& all, std::string name);
/// The path without the words for splits and images: "cat" of /train/cat/images.
std::string class_in_path(const Hdf5Candidate& candidate);
/// Names of classes: the data set, or "".
std::string find_class_names(const Candidates& all, const std::vector<std::string>& labels);

bool is_number(const Hdf5Candidate& candidate);
bool has_rows(const Hdf5Candidate& candidate, Index rows);
/// The same but for the number of samples.
bool same_samples(const Hdf5Candidate& a, const Hdf5Candidate& b);

/// Says what the file holds, and the way in that fits it. Fails with data.
[[noreturn]] void refuse_layout(const Hdf5File& file, const Candidates& all,
                                const std::string& why);

}  // namespace kindred
