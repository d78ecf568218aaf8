#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "core/files/opened_file.h"
#include "core/files/positioned_io.h"
#include "core/files/running_checksum.h"
#include "core/texts/json_text.h"
#include "data/text/mistaken_file.h"
#include "kindred/core/file.h"
#include "kindred/train/tensor_file.h"
#include "train/tensors/tensor_file_format.h"

namespace kindred {
namespace {

/// By name: a header that others wrote may hold many, and keys of ordered JSON are found one by
/// one.
using SortedJson = nlohmann::json;

constexpr Index kMostExtents = 16;
constexpr Index kMostExtent = Index{1} << 40;
constexpr Index kMostTexts = 100;                            // in the metadata
constexpr Index kBeginning = 512;                            // bytes that tell what else a file is
constexpr std::uint64_t kLookedAt = std::uint64_t{4} << 20;  // bytes that are looked at together

/// Says what a file is where its beginning tells.
void reject_other_kind(const std::string& path, std::span<const std::byte> content) {
  const MistakenFile other =
      mistaken_file({reinterpret_cast<const char*>(content.data()), content.size()}, path);
  if (other.what.starts_with("a") && !other.what.starts_with("a model")) {
    reject_tensor_file(
        path, fmt::format("it is {}{}{}", other.what, other.way.empty() ? "" : "; ", other.way));
  }
}

std::optional<DataType> type_named(std::string_view name) {
  for (const DataType type : {DataType::f32, DataType::f64, DataType::i64, DataType::u8}) {
    if (name_of(type) == name) return type;
  }
  return std::nullopt;
}

/// Where an array stands behind the header.
struct Run {
  std::uint64_t begin;
  std::uint64_t end;
};

// shape, dtype and offsets of one entry agree with each other and with the data's size.
Run read_entry(const std::string& path, const std::string& name, const SortedJson& entry,
               std::uint64_t data, Tensor& tensor) {
  tensor.name = name;
  const auto type = type_named(entry.at("dtype").get<std::string>());
  if (!type) {
    reject_tensor_file(
        path, fmt::format("'{}' has unknown dtype {}", name, entry["dtype"].get<std::string>()));
  }
  tensor.type = *type;
  std::uint64_t size = static_cast<std::uint64_t>(bytes_of(*type));
  if (entry.at("shape").size() > static_cast<std::size_t>(kMostExtents)) {
    reject_tensor_file(path, fmt::format("'{}' has more than {} extents", name, kMostExtents));
  }
  for (const SortedJson& extent : entry.at("shape")) {
    if (!extent.is_number_unsigned())
      reject_tensor_file(path, fmt::format("'{}' has a bad shape", name));
    const auto value = extent.get<std::uint64_t>();
    if (value > static_cast<std::uint64_t>(kMostExtent)) {
      reject_tensor_file(path, fmt::format("'{}' has an extent of {}", name, value));
    }
    if (value != 0 && size > data / value) {
      reject_tensor_file(path, fmt::format("'{}' is larger than the file", name));
    }
    size *= value;
    tensor.shape.push_back(static_cast<Index>(value));
  }
  const SortedJson& offsets = entry.at("data_offsets");
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned()) {
    reject_tensor_file(path, fmt::format("'{}' has bad data_offsets", name));
  }
  const auto begin = offsets[0].get<std::uint64_t>();
  const auto end = offsets[1].get<std::uint64_t>();
  if (begin > end || end > data || end - begin != size) {
    reject_tensor_file(
        path, fmt::format("'{}' has offsets [{}, {}) but its shape needs {} bytes of {}", name,
                          begin, end, size, data));
  }
  return {begin, end};
}

template <typename T>
bool are_finite_numbers(std::span<const std::byte> bytes) {
  // x - x is 0 for finite x; read piece by piece, since nothing says that the bytes are aligned.
  T sum = 0;
  for (std::size_t i = 0; i + sizeof(T) <= bytes.size(); i += sizeof(T)) {
    T value;
    std::memcpy(&value, bytes.data() + i, sizeof value);
    sum += value - value;
  }
  return sum == 0;
}

bool is_finite_piece(DataType type, std::span<const std::byte> bytes) {
  if (type == DataType::f32) return are_finite_numbers<float>(bytes);
  if (type == DataType::f64) return are_finite_numbers<double>(bytes);
  return true;
}

/// An array, and where it stands in the file.
struct Entry {
  Tensor tensor;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

}  // namespace

TensorFile TensorFile::read(const std::string& path) { return parse(read_file(path), path); }

TensorFile TensorFile::parse(std::vector<std::byte> bytes, const std::string& path) {
  TensorFile file;
  file.path_ = path;
  file.size_ = bytes.size();
  file.content_ = std::move(bytes);
  file.check();
  return file;
}

TensorFile TensorFile::open(const std::string& path) {
  OpenedFile opened = open_to_read(path);
  TensorFile file;
  file.path_ = path;
  file.size_ = static_cast<std::uint64_t>(opened.size);
  file.modified_ = opened.modified;
  file.file_ = std::make_shared<FileHandle>(std::move(opened.handle));
  file.check();
  return file;
}

void TensorFile::copy(const Tensor& tensor, std::size_t first, std::span<std::byte> to) const {
  if (!file_) {
    std::ranges::copy(tensor.bytes.subspan(first, to.size()), to.begin());
    return;
  }
  const std::uint64_t place = places_[static_cast<std::size_t>(&tensor - tensors_.data())];
  read_at(file_->get(), place + first, std::ssize(to), to.data(), path_);
  // What was checked is what is taken.
  if (modified_at(*file_) != modified_) {
    fail(ErrorKind::data, fmt::format("{}: changed while it was read", path_));
  }
}

/// Bytes of a file in memory; none where it is open.
std::span<const std::byte> TensorFile::memory(std::uint64_t begin, std::uint64_t end) const {
  return file_ ? Part() : Part(content_).subspan(begin, end - begin);
}

void TensorFile::visit(std::uint64_t begin, std::uint64_t end, FunctionRef<void(Part)> take) const {
  std::vector<std::byte> piece(file_ ? std::min(end - begin, kLookedAt) : 0);
  for (std::uint64_t at = begin; at < end; at += kLookedAt) {
    const std::uint64_t next = std::min(end, at + kLookedAt);
    if (!file_) {
      take(memory(at, next));
      continue;
    }
    const std::span<std::byte> some = std::span(piece).first(next - at);
    read_at(file_->get(), at, std::ssize(some), some.data(), path_);
    take(some);
  }
}

void TensorFile::check() {
  if (size_ < kPrefix) reject_tensor_file(path_, "it is shorter than its first field");
  std::uint64_t length = 0;
  visit(0, kPrefix, [&](Part bytes) { std::memcpy(&length, bytes.data(), kPrefix); });
  if (length > kMostHeader || length > size_ - kPrefix) {
    visit(0, std::min<std::uint64_t>(size_, kBeginning),
          [&](Part bytes) { reject_other_kind(path_, bytes); });
    reject_tensor_file(
        path_, fmt::format("its header claims {} bytes; the file has {}", length, size_ - kPrefix));
  }
  std::string text;
  visit(0, kPrefix + length, [&](Part bytes) {
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  });
  text.erase(0, kPrefix);
  const JsonLimits limits{.depth = 4, .keys = 4 * (kMostArrays + kMostTexts)};
  const std::string reason = beyond(text, limits);
  if (!reason.empty()) reject_tensor_file(path_, "its header " + reason);
  try {
    take(SortedJson::parse(text), kPrefix + length);
  } catch (const nlohmann::json::exception& error) {
    reject_tensor_file(path_, fmt::format("its header is not as expected ({})", error.what()));
  }
  check_data();
  const std::string& claimed = this->text("header_xxh3");
  const std::size_t at = text.find("\"header_xxh3\":\"" + claimed + "\"");
  if (at == std::string::npos || claimed.size() != kNoChecksum.size()) {
    reject_tensor_file(path_, "its header has no readable checksum");
  }
  text.replace(at + std::string_view("\"header_xxh3\":\"").size(), claimed.size(), kNoChecksum);
  if (hex(checksum(bytes_of_text(text))) != claimed) {
    reject_tensor_file(path_, "the header's checksum does not match; the file was damaged");
  }
}

/// Takes over what the header says of a file whose data begins at byte `first`.
template <typename Header>
void TensorFile::take(const Header& header, std::uint64_t first) {
  std::vector<Entry> entries;
  for (const auto& [key, value] : header.items()) {
    if (key == "__metadata__") {
      for (const auto& [name, item] : value.items()) {
        metadata[name] = item.template get<std::string>();
      }
      continue;
    }
    if (key.size() > kMostName) reject_tensor_file(path_, "an array's name is too long");
    Entry& entry = entries.emplace_back();
    const Run run = read_entry(path_, key, value, size_ - first, entry.tensor);
    entry.begin = first + run.begin;
    entry.end = first + run.end;
  }
  if (std::ssize(entries) > kMostArrays) {
    reject_tensor_file(path_, fmt::format("it has more than {} arrays", kMostArrays));
  }
  // In the order of their bytes, arrays without any before the one that begins there.
  std::ranges::stable_sort(entries, {},
                           [](const Entry& entry) { return std::pair(entry.begin, entry.end); });
  std::uint64_t end = first;
  for (Entry& entry : entries) {
    if (entry.begin != end) {
      reject_tensor_file(path_, fmt::format("'{}' leaves a hole or overlaps", entry.tensor.name));
    }
    end = entry.end;
    entry.tensor.bytes = memory(entry.begin, entry.end);
    places_.push_back(entry.begin);
    tensors_.push_back(std::move(entry.tensor));
  }
  if (end != size_) {
    reject_tensor_file(path_, fmt::format("{} bytes stand behind the last array", size_ - end));
  }
}

/// The numbers are finite, and their checksum is the one that the header has.
void TensorFile::check_data() const {
  RunningChecksum sum;
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const Tensor& tensor = tensors_[i];
    visit(places_[i], places_[i] + tensor.size(), [&](Part bytes) {
      sum.add(bytes);
      if (is_finite_piece(tensor.type, bytes)) return;
      reject_tensor_file(
          path_,
          fmt::format("'{}' holds numbers that are not finite (NaN or infinity)", tensor.name));
    });
  }
  if (hex(sum.value()) != text("data_xxh3")) {
    reject_tensor_file(path_, "the data's checksum does not match; the file was damaged");
  }
}

}  // namespace kindred
