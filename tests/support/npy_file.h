#pragma once
#include <cstring>
#include <string>
#include <vector>

namespace kindred::test {

/// A .npy file as numpy.save writes it.
inline std::string npy(const std::string& type, const std::string& shape,
                       const std::string& bytes) {
  std::string header =
      "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }";
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) + '\0' + header +
         bytes;
}

/// The bytes of numbers as they lie in memory.
template <typename T>
std::string raw(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

/// A column of numbers.
template <typename T>
std::string npy_column(const std::string& type, const std::vector<T>& values) {
  return npy(type, "(" + std::to_string(values.size()) + ",)", raw(values));
}

}  // namespace kindred::test
