#pragma once
#include <array>
#include <cstring>

#include "fuzz.h"
#include "kindred/core/file.h"
#include "kindred/train/tensor_file.h"

namespace kindred::fuzz {

// Puts a checksum where it belongs: with wrong ones no more than them would be tested.
inline void sign(std::string& header, std::string_view key, std::uint64_t value) {
  const std::size_t at = header.find(key);
  if (at != header.npos && header.size() >= at + key.size() + 16) {
    header.replace(at + key.size(), 16, hex(value));
  }
}

/// Writes a file of tensors of its header, a zero and its data; returns its path.
inline std::string write_tensor_file(std::string_view bytes) {
  const std::size_t end = bytes.find('\0');
  std::string header(bytes.substr(0, end));
  const std::string_view data = end == bytes.npos ? "" : bytes.substr(end + 1);
  sign(header, "\"data_xxh3\":\"", checksum(std::as_bytes(std::span(data.data(), data.size()))));
  constexpr std::string_view kOwn = "\"header_xxh3\":\"";
  const std::size_t own = header.find(kOwn);
  if (own != header.npos && header.size() >= own + kOwn.size() + 16) {
    header.replace(own + kOwn.size(), 16, 16, '0');
  }
  sign(header, kOwn, checksum(std::as_bytes(std::span(header.data(), header.size()))));
  std::array<char, 8> length{};
  const std::uint64_t size = header.size();
  std::memcpy(length.data(), &size, length.size());
  const std::string path = scratch("file");
  write(path, std::string(length.data(), length.size()) + header + std::string(data));
  return path;
}

/// Reads it; what it holds must fit its bytes.
inline TensorFile read_tensor_file(const std::string& path) {
  TensorFile file = TensorFile::read(path);
  for (const Tensor& tensor : file.tensors()) {
    Index count = bytes_of(tensor.type);
    for (const Index extent : tensor.shape) count *= extent;
    require(count == static_cast<Index>(tensor.bytes.size()));
  }
  return file;
}

}  // namespace kindred::fuzz
