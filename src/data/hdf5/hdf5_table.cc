#include "data/hdf5/hdf5_table.h"

#include <fmt/format.h>

#include <cstring>

#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr hssize_t kMostRows = 1 << 16;
constexpr std::size_t kLongestText = 1 << 12;

}  // namespace

Hdf5Table hdf5_read_table(hid_t attribute, const std::vector<std::string>& texts,
                          const std::vector<std::string>& numbers, const std::string& where) {
  const Hdf5Session session;
  const auto refuse = [&](const std::string& why) {
    fail(ErrorKind::data, fmt::format("{}: {}", where, why));
  };
  const Hdf5Id type(H5Aget_type(attribute));
  const Hdf5Id space(H5Aget_space(attribute));
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  if (H5Tget_class(type.get()) != H5T_COMPOUND || count < 0 || count > kMostRows) {
    refuse("is no table");
  }
  // A record in memory: the texts one after the other, then the numbers.
  std::vector<Hdf5Id> members;
  std::vector<std::size_t> offsets;
  std::size_t bytes = 0;
  const auto add = [&](const std::string& name, bool text) {
    const int member = H5Tget_member_index(type.get(), name.c_str());
    if (member < 0) refuse(fmt::format("has no column '{}'", name));
    Hdf5Id stored(H5Tget_member_type(type.get(), static_cast<unsigned>(member)));
    const bool fits = text ? H5Tget_class(stored.get()) == H5T_STRING &&
                                 H5Tis_variable_str(stored.get()) == 0 &&
                                 H5Tget_size(stored.get()) <= kLongestText
                           : H5Tget_class(stored.get()) == H5T_INTEGER;
    if (!fits) refuse(fmt::format("column '{}' is not what is expected", name));
    offsets.push_back(bytes);
    bytes += text ? H5Tget_size(stored.get()) : sizeof(std::int64_t);
    members.push_back(text ? std::move(stored) : Hdf5Id(H5Tcopy(H5T_NATIVE_INT64)));
  };
  for (const std::string& name : texts) add(name, true);
  for (const std::string& name : numbers) add(name, false);
  const Hdf5Id memory(H5Tcreate(H5T_COMPOUND, bytes));
  for (std::size_t i = 0; i < members.size(); ++i) {
    const std::string& name = i < texts.size() ? texts[i] : numbers[i - texts.size()];
    H5Tinsert(memory.get(), name.c_str(), offsets[i], members[i].get());
  }
  std::vector<char> records(bytes * static_cast<std::size_t>(count));
  if (count > 0 && H5Aread(attribute, memory.get(), records.data()) < 0) {
    refuse(fmt::format("cannot be read: {}", hdf5_reason()));
  }
  Hdf5Table table;
  for (std::size_t r = 0; r < static_cast<std::size_t>(count); ++r) {
    const char* const record = records.data() + r * bytes;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::string text(record + offsets[i], H5Tget_size(members[i].get()));
      table.texts.push_back(text.substr(0, text.find('\0')));
    }
    for (std::size_t i = texts.size(); i < members.size(); ++i) {
      std::int64_t value = 0;
      std::memcpy(&value, record + offsets[i], sizeof value);
      table.numbers.push_back(value);
    }
  }
  return table;
}

}  // namespace kindred
