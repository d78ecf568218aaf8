#include "kindred/data/hdf5_kinds.h"

#include <algorithm>
#include <string>
#include <vector>

#include "kindred/core/error.h"
#include "kindred/data/hdf5_file.h"

namespace kindred {
namespace {

/// test(file); false where it is no HDF5, or damaged.
template <typename Test>
bool passes(const std::string& path, const Test& test) {
  if (!is_hdf5_file(path)) return false;
  try {
    return test(Hdf5File::open(path));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::data) throw;  // says nothing about the file
    return false;
  }
}

bool is_marked(const std::string& path, const std::string& format) {
  return passes(path, [&](const Hdf5File& file) {
    return file.has_attribute("", "format") && file.attribute_text("", "format") == format;
  });
}

/// Has the first of the names, and no other than these.
bool holds_only(const std::string& path, const std::vector<std::string>& names) {
  return passes(path, [&](const Hdf5File& file) {
    return file.is_dataset(names[0]) &&
           std::ranges::all_of(file.children(), [&](const std::string& name) {
             return std::ranges::find(names, name) != names.end();
           });
  });
}

}  // namespace

const FileKind kDataSetFile{"a data set that Kindred wrote", [](const std::string& path) {
                              return is_marked(path, "kindred data set");
                            }};
const FileKind kEmbeddingsFile{
    "a file of embeddings that Kindred wrote",
    [](const std::string& path) { return is_marked(path, "kindred embeddings"); }};
const FileKind kNeighborsFile{"a file of neighbours that Kindred wrote",
                              [](const std::string& path) {
                                return holds_only(path, {"neighbors", "scores"});
                              }};
const FileKind kClustersFile{"a file of clusters that Kindred wrote", [](const std::string& path) {
                               return holds_only(path, {"clusters", "labels"});
                             }};
const FileKind kGradientsFile{
    "a file of gradients that Kindred wrote", [](const std::string& path) {
      return holds_only(path, {"grad_embeddings", "grad_param", "centers_after"});
    }};

}  // namespace kindred
