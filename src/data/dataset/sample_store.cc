#include "data/dataset/sample_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <numeric>
#include <vector>

#include "core/check_finite.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/core/memory.h"

namespace kindred {
namespace {

constexpr Index kCheckedBytes = Index{1} << 20;  // at once

/// "FILE: /images" as FILE, "FILE: /group/images" as FILE:/group, for a command line.
std::string data_set_of(const std::string& where) {
  const std::size_t colon = where.rfind(": /");
  const std::size_t slash = where.rfind('/');
  if (colon == where.npos || slash == colon + 2) return where.substr(0, colon);
  return where.substr(0, colon) + ":" + where.substr(colon + 2, slash - colon - 2);
}

/// `streaming`: what is held while samples are read one by one; `all`: what they take together,
/// which may be less where they are packed in large chunks.
[[noreturn]] void refuse_changed(const std::string& where, const SampleMemory& memory,
                                 Index streaming, Index all) {
  constexpr Index kUnit = Index{1} << 10;
  const Index to_stream = memory.least(streaming);
  const Index to_hold = memory.streamed ? to_stream : memory.least_to_hold(all);
  const Index least = round_up(std::min(to_stream, to_hold), kUnit);
  fail(
      ErrorKind::recipe,
      fmt::format("[data] memory = {} is too little for {}: its labels and indices take {}, all "
                  "of its samples {}, reading them one by one {}; the least is \"{}KiB\", and "
                  "`kindred pack {} PACKED.h5` writes a copy that is read with less",
                  text_of_bytes(memory.budget), where, text_of_bytes(memory.held),
                  text_of_bytes(all), text_of_bytes(streaming), least / kUnit, data_set_of(where)));
}

}  // namespace

SampleStore::SampleStore(SampleRows rows, std::vector<FileStamp> files, const Shape& shape,
                         const SampleMemory& memory)
    : SampleSource(rows.where(), rows.size(), shape, rows.element()), files_(std::move(files)) {
  assert(sample_bytes() == rows.sample_bytes());
  if (memory.holds(size(), sample_bytes())) {
    memory_ = Buffer<std::byte>(size() * sample_bytes());
    rows.read(0, size(), memory_.data());
    check_files();
    check_values(memory_.data(), 0, size());
    return;
  }
  stream_ = std::make_unique<SampleStream>(
      std::move(rows), BlockCache::Limits{memory.for_samples(), memory.resident()});
  if (stream_->least_bytes() > memory.for_samples()) {
    refuse_changed(name(), memory, stream_->least_bytes(), size() * sample_bytes());
  }
  if (element() == Element::f32) check_streamed_values();
  check_files();
}

// The same in memory and streamed, so that their checksums agree.
Index SampleStore::rows_at_once() const {
  return std::clamp<Index>(kCheckedBytes / sample_bytes(), 1, size());
}

// A microsecond for each file.
void SampleStore::check_files() const {
  for (const FileStamp& file : files_) file.check();
}

void SampleStore::check_values(const std::byte* rows, Index first, Index count) const {
  if (element() != Element::f32) return;
  const Index columns = sample_bytes() / static_cast<Index>(sizeof(float));
  check_finite(ConstMatrixView(reinterpret_cast<const float*>(rows), count, columns), name(),
               first);
}

void SampleStore::check_streamed_values() {
  const Index most = rows_at_once();
  Buffer<std::byte> rows(most * sample_bytes());
  std::vector<Index> samples(static_cast<std::size_t>(most));
  std::uint64_t digest = 0;
  for (Index first = 0; first < size(); first += most) {
    const Index count = std::min(most, size() - first);
    std::iota(samples.begin(), samples.end(), first);
    stream_->read(std::span(samples).first(static_cast<std::size_t>(count)), rows.data(),
                  Reading::in_order);
    check_values(rows.data(), first, count);
    digest = kindred::checksum(rows.span().first(static_cast<std::size_t>(count * sample_bytes())),
                               digest);
  }
  streamed_checksum_ = digest;
}

std::optional<std::uint64_t> SampleStore::checksum() const {
  if (stream_) return streamed_checksum_;
  std::uint64_t digest = 0;
  const auto piece = static_cast<std::size_t>(rows_at_once() * sample_bytes());
  for (std::span<const std::byte> rest = memory_.span(); !rest.empty();) {
    const std::size_t bytes = std::min(piece, rest.size());
    digest = kindred::checksum(rest.first(bytes), digest);
    rest = rest.subspan(bytes);
  }
  return digest;
}

void SampleStore::read(std::span<const Index> samples, std::byte* dst, Reading reading) {
  if (stream_) {
    try {
      stream_->read(samples, dst, reading);
    } catch (const Error&) {
      check_files();  // a file that was changed looks damaged
      throw;
    }
    check_files();  // afterwards: what was read is what was opened
    return;
  }
  for (const Index sample : samples) {
    assert(sample >= 0 && sample < size());
    std::memcpy(dst, memory_.data() + sample * sample_bytes(),
                static_cast<std::size_t>(sample_bytes()));
    dst += sample_bytes();
  }
}

}  // namespace kindred
