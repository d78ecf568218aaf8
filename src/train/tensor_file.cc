#include "kindred/train/tensor_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>

#include "core/files/running_checksum.h"
#include "core/texts/json_text.h"
#include "data/text/mistaken_file.h"
#include "kindred/core/cpu.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/core/output_file.h"

namespace kindred {
namespace {

constexpr int kFormat = 1;                         // of models and checkpoints
constexpr const char* kLevel = "instruction_set";  // in the metadata

static_assert(std::endian::native == std::endian::little, "tensor files are little-endian");

/// By name: a header that others wrote may hold many, and keys of ordered JSON are found one by
/// one.
using SortedJson = nlohmann::json;

constexpr Index kPrefix = 8;                // bytes of the header's length
constexpr Index kMostHeader = 100'000'000;  // as the reference implementation of safetensors
// What is written is read again: both sides keep to these. A table of arrays is searched by name.
constexpr Index kMostArrays = 10'000;
constexpr std::size_t kMostName = 256;  // bytes
constexpr Index kMostExtents = 16;
constexpr Index kMostExtent = Index{1} << 40;
constexpr Index kMostTexts = 100;  // in the metadata
constexpr std::string_view kNoChecksum = "0000000000000000";

std::span<const std::byte> bytes_of_text(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

[[noreturn]] void reject(const std::string& path, const std::string& what) {
  fail(ErrorKind::data, fmt::format("{}: not a sound model or checkpoint: {}", path, what));
}

/// Says what a file is where its beginning tells.
void reject_other_kind(const std::string& path, std::span<const std::byte> content) {
  const std::span<const std::byte> some = content.first(std::min<std::size_t>(content.size(), 512));
  const MistakenFile other =
      mistaken_file({reinterpret_cast<const char*>(some.data()), some.size()}, path);
  if (other.what.starts_with("a") && !other.what.starts_with("a model")) {
    reject(path, fmt::format("it is {}{}{}", other.what, other.way.empty() ? "" : "; ", other.way));
  }
}

std::optional<DataType> type_named(std::string_view name) {
  for (const DataType type : {DataType::f32, DataType::f64, DataType::i64, DataType::u8}) {
    if (name_of(type) == name) return type;
  }
  return std::nullopt;
}

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

// shape, dtype and offsets of one entry agree with each other and with the data's size.
Tensor read_entry(const std::string& path, const std::string& name, const SortedJson& entry,
                  std::span<const std::byte> data) {
  Tensor tensor;
  tensor.name = name;
  const auto type = type_named(entry.at("dtype").get<std::string>());
  if (!type) {
    reject(path, fmt::format("'{}' has unknown dtype {}", name, entry["dtype"].get<std::string>()));
  }
  tensor.type = *type;
  std::uint64_t size = static_cast<std::uint64_t>(bytes_of(*type));
  if (entry.at("shape").size() > static_cast<std::size_t>(kMostExtents)) {
    reject(path, fmt::format("'{}' has more than {} extents", name, kMostExtents));
  }
  for (const SortedJson& extent : entry.at("shape")) {
    if (!extent.is_number_unsigned()) reject(path, fmt::format("'{}' has a bad shape", name));
    const auto value = extent.get<std::uint64_t>();
    if (value > static_cast<std::uint64_t>(kMostExtent)) {
      reject(path, fmt::format("'{}' has an extent of {}", name, value));
    }
    if (value != 0 && size > data.size() / value) {
      reject(path, fmt::format("'{}' is larger than the file", name));
    }
    size *= value;
    tensor.shape.push_back(static_cast<Index>(value));
  }
  const SortedJson& offsets = entry.at("data_offsets");
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned()) {
    reject(path, fmt::format("'{}' has bad data_offsets", name));
  }
  const auto begin = offsets[0].get<std::uint64_t>();
  const auto end = offsets[1].get<std::uint64_t>();
  if (begin > end || end > data.size() || end - begin != size) {
    reject(path, fmt::format("'{}' has offsets [{}, {}) but its shape needs {} bytes of {}", name,
                             begin, end, size, data.size()));
  }
  tensor.bytes = data.subspan(begin, size);
  return tensor;
}

template <typename T>
bool is_finite_tensor(std::span<const std::byte> bytes) {
  // x - x is 0 for finite x; read piece by piece, since nothing says that the bytes are aligned.
  T sum = 0;
  for (std::size_t i = 0; i + sizeof(T) <= bytes.size(); i += sizeof(T)) {
    T value;
    std::memcpy(&value, bytes.data() + i, sizeof value);
    sum += value - value;
  }
  return sum == 0;
}

void check_finite_tensor(const std::string& path, const Tensor& tensor) {
  const bool finite = tensor.type == DataType::f32   ? is_finite_tensor<float>(tensor.bytes)
                      : tensor.type == DataType::f64 ? is_finite_tensor<double>(tensor.bytes)
                                                     : true;
  if (!finite) {
    reject(path,
           fmt::format("'{}' holds numbers that are not finite (NaN or infinity)", tensor.name));
  }
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
  if (found == metadata.end()) reject(path_, fmt::format("its metadata has no '{}'", key));
  return found->second;
}

template <typename T>
T TensorFile::number_of(const std::string& key, T low, T high) const {
  const std::string& digits = text(key);
  T number{};
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (code != std::errc() || end != digits.data() + digits.size() ||
      !(number >= low && number <= high)) {
    reject(path_, fmt::format("its {} is '{}'; a number from {} to {} is expected", key,
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

template <typename Header>
void TensorFile::take(const Header& header, std::span<const std::byte> data) {
  for (const auto& [key, value] : header.items()) {
    if (key == "__metadata__") {
      for (const auto& [name, item] : value.items()) {
        metadata[name] = item.template get<std::string>();
      }
      continue;
    }
    if (key.size() > kMostName) reject(path_, "an array's name is too long");
    tensors_.push_back(read_entry(path_, key, value, data));
  }
  if (std::ssize(tensors_) > kMostArrays) {
    reject(path_, fmt::format("it has more than {} arrays", kMostArrays));
  }
  // In the order of their bytes, arrays without any before the one that begins there.
  std::ranges::stable_sort(tensors_, {}, [](const Tensor& tensor) {
    return std::pair(tensor.bytes.data(), tensor.bytes.size());
  });
  std::size_t end = 0;
  for (const Tensor& tensor : tensors_) {
    if (tensor.bytes.data() != data.data() + end) {
      reject(path_, fmt::format("'{}' leaves a hole or overlaps", tensor.name));
    }
    end += tensor.bytes.size();
    check_finite_tensor(path_, tensor);
  }
  if (end != data.size()) {
    reject(path_, fmt::format("{} bytes stand behind the last array", data.size() - end));
  }
}

TensorFile TensorFile::read(const std::string& path) { return parse(read_file(path), path); }

TensorFile TensorFile::parse(std::vector<std::byte> bytes, const std::string& path) {
  TensorFile file;
  file.path_ = path;
  file.content_ = std::move(bytes);
  const std::span<const std::byte> content = file.content_;
  std::uint64_t length = 0;
  if (content.size() < kPrefix) reject(path, "it is shorter than its first field");
  std::memcpy(&length, content.data(), kPrefix);
  if (length > kMostHeader || length > content.size() - kPrefix) {
    reject_other_kind(path, content);
    reject(path, fmt::format("its header claims {} bytes; the file has {}", length,
                             content.size() - kPrefix));
  }
  const auto header_bytes = content.subspan(kPrefix, length);
  const auto data = content.subspan(kPrefix + length);
  std::string text(reinterpret_cast<const char*>(header_bytes.data()), header_bytes.size());
  const JsonLimits limits{.depth = 4, .keys = 4 * (kMostArrays + kMostTexts)};
  const std::string reason = beyond(text, limits);
  if (!reason.empty()) reject(path, "its header " + reason);
  try {
    file.take(SortedJson::parse(text), data);
  } catch (const nlohmann::json::exception& error) {
    reject(path, fmt::format("its header is not as expected ({})", error.what()));
  }
  if (hex(checksum(data)) != file.text("data_xxh3")) {
    reject(path, "the data's checksum does not match; the file was damaged");
  }
  const std::string& claimed = file.text("header_xxh3");
  const std::size_t at = text.find("\"header_xxh3\":\"" + claimed + "\"");
  if (at == std::string::npos || claimed.size() != kNoChecksum.size()) {
    reject(path, "its header has no readable checksum");
  }
  text.replace(at + std::string_view("\"header_xxh3\":\"").size(), claimed.size(), kNoChecksum);
  if (hex(checksum(bytes_of_text(text))) != claimed) {
    reject(path, "the header's checksum does not match; the file was damaged");
  }
  return file;
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
