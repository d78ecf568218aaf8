#include "kindred/train/tensor_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <limits>

#include "core/files/running_checksum.h"
#include "core/texts/json_text.h"
#include "kindred/core/cpu.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/core/output_file.h"
#include "train/tensors/tensor_file_format.h"

namespace kindred {
namespace {

constexpr int kFormat = 1;                         // of models and checkpoints
constexpr const char* kLevel = "instruction_set";  // in the metadata

static_assert(std::endian::native == std::endian::little, "tensor files are little-endian");

Json header_of(const std::map<std::string, std::string>& metadata,
               const std::vector<Tensor>& tensors, const std::string& data_checksum,
               std::string_view header_checksum) {
  Json header;
  Json texts(metadata);
  texts["data_xxh3"] = data_checksum;
  texts["header_xxh3"] = header_checksum;
  header["__metadata__"] = std::move(texts);
  std::size_t offset = 0;
  for (const Tensor& tensor : tensors) {
    header[tensor.name] = {{"dtype", name_of(tensor.type)},
                           {"shape", tensor.shape},
                           {"data_offsets", {offset, offset + tensor.size()}}};
    offset += tensor.size();
  }
  return header;
}

// Padded with spaces to whole 64 bytes, so that the data is aligned when mapped.
std::string text_of_header(const Json& header) {
  std::string text = dump_json(header);
  text.resize(
      static_cast<std::size_t>(round_up(static_cast<Index>(text.size()) + kPrefix, 64) - kPrefix),
      ' ');
  return text;
}

}  // namespace

std::size_t Tensor::size() const {
  auto size = static_cast<std::size_t>(bytes_of(type));
  for (const Index extent : shape) size *= static_cast<std::size_t>(extent);
  return size;
}

void TensorFile::add(Tensor tensor) { tensors_.push_back(std::move(tensor)); }

const Tensor* TensorFile::find(std::string_view name) const {
  const auto found = std::find_if(tensors_.begin(), tensors_.end(),
                                  [&](const Tensor& tensor) { return tensor.name == name; });
  return found == tensors_.end() ? nullptr : &*found;
}

const std::string& TensorFile::text(const std::string& key) const {
  const auto found = metadata.find(key);
  if (found == metadata.end())
    reject_tensor_file(path_, fmt::format("its metadata has no '{}'", key));
  return found->second;
}

template <typename T>
T TensorFile::number_of(const std::string& key, T low, T high) const {
  const std::string& digits = text(key);
  T number{};
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (code != std::errc() || end != digits.data() + digits.size() ||
      !(number >= low && number <= high)) {
    reject_tensor_file(path_, fmt::format("its {} is '{}'; a number from {} to {} is expected", key,
                                          digits.substr(0, 40), low, high));
  }
  return number;
}

Index TensorFile::number(const std::string& key, Index low, Index high) const {
  return number_of(key, low, high);
}

double TensorFile::real_number(const std::string& key) const {
  constexpr double kMost = std::numeric_limits<double>::max();
  return number_of(key, -kMost, kMost);
}

void TensorFile::visit_parts(FunctionRef<void(std::span<const Part>)> visit) const {
  // From where the arrays lie: a copy would double what a large training state takes.
  std::vector<Part> parts(2);
  for (const Tensor& tensor : tensors_) parts.push_back(tensor.bytes);
  const std::string data_checksum = hex(checksum(std::span(parts).subspan(2)));
  check_fits();
  const std::string own_header = header(data_checksum);
  std::array<std::byte, kPrefix> prefix;
  const std::uint64_t length = own_header.size();
  std::memcpy(prefix.data(), &length, prefix.size());
  parts[0] = prefix;
  parts[1] = bytes_of_text(own_header);
  visit(parts);
}

/// Of arrays that no process has as a whole: the checksum is known at their end.
void TensorFile::write_in_pieces(const std::string& path) const {
  check_fits();
  const auto beginning_of = [&](std::string_view checksum_of_data) {
    const std::string own_header = header(checksum_of_data);
    const std::uint64_t length = own_header.size();
    std::vector<std::byte> bytes(sizeof length + own_header.size());
    std::memcpy(bytes.data(), &length, sizeof length);
    std::memcpy(bytes.data() + sizeof length, own_header.data(), own_header.size());
    return bytes;
  };
  OutputFile file(path);
  file.leave_out(std::ssize(beginning_of(kNoChecksum)));
  RunningChecksum sum;
  const auto take = [&](std::span<const std::byte> piece) {
    sum.add(piece);
    file.write(piece);
  };
  for (const Tensor& tensor : tensors_) {
    if (tensor.read) {
      tensor.read(take);
    } else {
      take(tensor.bytes);
    }
  }
  file.fill_in(beginning_of(hex(sum.value())));
  file.commit();
}

void TensorFile::write(const std::string& path) const {
  if (std::ranges::any_of(tensors_, [](const Tensor& tensor) { return tensor.read != nullptr; })) {
    write_in_pieces(path);
    return;
  }
  visit_parts([&](std::span<const Part> parts) { write_file_durably(path, parts); });
}

std::vector<std::byte> TensorFile::bytes() const {
  std::vector<std::byte> all;
  visit_parts([&](std::span<const Part> parts) {
    for (const Part& part : parts) all.insert(all.end(), part.begin(), part.end());
  });
  return all;
}

std::string TensorFile::header(std::string_view checksum_of_data) const {
  const std::string sum(checksum_of_data);
  const std::string blank = text_of_header(header_of(metadata, tensors_, sum, kNoChecksum));
  return text_of_header(header_of(metadata, tensors_, sum, hex(checksum(bytes_of_text(blank)))));
}

void TensorFile::check_fits() const {
  const auto refuse = [](const std::string& what, Index found, Index most) {
    fail(ErrorKind::recipe,
         fmt::format(
             "a model or checkpoint would have {} {}; at most {} can be read again: make the "
             "network, its names or the recipe smaller",
             found, what, most));
  };
  if (std::ssize(tensors_) > kMostArrays) refuse("arrays", std::ssize(tensors_), kMostArrays);
  for (const Tensor& tensor : tensors_) {
    if (tensor.name.size() > kMostName) {
      refuse(fmt::format("bytes in the name '{}...'", tensor.name.substr(0, 40)),
             std::ssize(tensor.name), static_cast<Index>(kMostName));
    }
  }
  const Index bytes = std::ssize(header(kNoChecksum));
  if (bytes > kMostHeader) refuse("bytes of names and recipe", bytes, kMostHeader);
}

void TensorFile::describe(const std::string& kind) {
  metadata["kind"] = kind;
  metadata["format"] = fmt::format("{}", kFormat);
  metadata[kLevel] = name_of(isa());
}

void TensorFile::check_kind(const std::string& kind, const std::string& hint) const {
  if (text("kind") != kind) {
    fail(ErrorKind::data,
         fmt::format("{}: expected a {}, found a {}; {}", path_, kind, text("kind"), hint));
  }
  const std::string& format = text("format");
  int number = 0;
  const auto [end, code] = std::from_chars(format.data(), format.data() + format.size(), number);
  if (code != std::errc() || end != format.data() + format.size() || number < 1) {
    fail(ErrorKind::data,
         fmt::format("{}: its format is '{}'; expected a number from 1", path_, format));
  }
  if (number > kFormat) {
    fail(
        ErrorKind::data,
        fmt::format("{}: a {} of format {}, which a newer Kindred wrote; this one reads formats up "
                    "to {}; use the newer one",
                    path_, kind, number, kFormat));
  }
}

std::string TensorFile::level() const {
  const auto found = metadata.find(kLevel);
  return found == metadata.end() ? std::string() : found->second;
}

}  // namespace kindred
