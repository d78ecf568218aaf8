#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "data/hdf5/hdf5_array.h"

namespace kindred {

/// "FILE.h5:/group", taken apart.
struct Hdf5Place {
  std::string file;
  std::string group;  ///< "a/b", or empty

  /// "FILE: /group/name", for messages.
  std::string where(std::string_view name) const;
  auto fields() { return std::tie(file, group); }
};

/// A table, row by row.
struct Hdf5Table {
  std::vector<std::string> texts;
  std::vector<std::int64_t> numbers;

  auto fields() { return std::tie(texts, numbers); }
};

/// What Hdf5File does, where HDF5 runs: in the process that reads the file. The functions are
/// those of Hdf5File.
class Hdf5Reader {
 public:
  explicit Hdf5Reader(const std::string& path);

  Hdf5Place place() const { return place_; }
  bool exists(const std::string& name) const;
  bool is_group(const std::string& name) const;
  bool is_dataset(const std::string& name) const;
  std::vector<std::string> children(const std::string& name) const;
  std::vector<std::string> datasets() const;

  Hdf5ArrayInfo info(const std::string& name) const;
  const Hdf5Array* open_array(const std::string& name, Index cache_bytes);
  void close_array(const Hdf5Array* array);
  std::vector<std::string> read_strings(const std::string& name) const;
  std::vector<std::vector<std::byte>> read_bytes(const std::string& name, Index first,
                                                 Index count) const;

  std::vector<std::string> attributes(const std::string& object) const;
  bool has_attribute(const std::string& object, const std::string& name) const;
  std::string attribute_text(const std::string& object, const std::string& name) const;
  std::vector<double> attribute_numbers(const std::string& object, const std::string& name) const;
  Hdf5Table attribute_table(const std::string& object, const std::string& name,
                            const std::vector<std::string>& texts,
                            const std::vector<std::string>& numbers) const;

 private:
  std::string where(std::string_view name) const { return place_.where(name); }
  bool walk(hid_t from, const std::string& name) const;
  Hdf5Id open_object(const std::string& name) const;
  H5I_type_t what_is(const std::string& name) const;
  Hdf5Id open_attribute(const std::string& object, const std::string& key) const;
  std::unique_ptr<Hdf5Array> array(const std::string& name, Index cache_bytes) const;

  Hdf5Place place_;
  Index bytes_ = 0;
  Hdf5Id file_;
  Hdf5Id links_;  // properties under which external links are refused
  Hdf5Id group_;
  std::vector<std::unique_ptr<Hdf5Array>> arrays_;  // open ones
};

}  // namespace kindred
