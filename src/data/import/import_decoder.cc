#include "data/import/import_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <span>

#include "data/image/image_prepare.h"
#include "data/image/image_region.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"

namespace kindred {
namespace {

constexpr Index kMostSampleBytes = Index{16} << 20;  // what nobody trains on

Decoded decode_once(const ImportPlan& plan, const ImportOptions& options, Index place,
                    std::span<const std::byte> bytes) {
  Decoded result;
  const Preparation how = preparation_of(plan, options);
  std::vector<std::byte> own;
  if (bytes.empty()) bytes = own = plan.images->file(place);
  result.image = plan.images->decode(place, bytes, how.bits);
  const Shape& shape = result.image.shape;
  result.hash = checksum(std::as_bytes(std::span(result.image.pixels)),
                         static_cast<std::uint64_t>(shape.width * 4 + shape.channels));
  if (const auto region = plan.region_at.find(place); region != plan.region_at.end()) {
    result.image = cut_out(result.image, region->second, plan.images->where(place));
  }
  result.image = prepared(std::move(result.image), how);
  return result;
}

// An image that takes too much memory does so again: what fails once alone was not the image.
Decoded decode_twice(const ImportPlan& plan, const ImportOptions& options, Index place,
                     std::span<const std::byte> bytes) {
  try {
    return decode_once(plan, options, place, bytes);
  } catch (const std::bad_alloc&) {
    return decode_once(plan, options, place, bytes);
  }
}

Decoded decode_here(const ImportPlan* plan, const ImportOptions* options, Index place,
                    std::vector<std::byte> bytes) {
  Decoded result;
  try {
    result = decode_twice(*plan, *options, place, bytes);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::internal || error.kind() == ErrorKind::system) throw;
    return {{}, 0, error.what()};
  } catch (const std::bad_alloc&) {
    return {{}, 0, fmt::format("{}: takes too much memory to read", plan->images->where(place))};
  }
  const Image& image = result.image;
  if (image.shape.size() > kMostSampleBytes) {
    fail(ErrorKind::data,
         fmt::format("{}: is {} x {} pixels, too much for a sample; make them smaller with a size",
                     plan->images->where(place), image.shape.width, image.shape.height));
  }
  return result;
}

}  // namespace

ImportDecoder::ImportDecoder(const ImportPlan& plan, const ImportOptions& options, int workers,
                             const IsolationLimits& limits)
    : plan_(plan), options_(options), limits_(limits) {
  if (!plan.images->parses()) return;
  processes_.resize(static_cast<std::size_t>(workers));
  for (auto& process : processes_) process = std::make_unique<IsolatedProcess>("image", limits_);
}

ImportDecoder::~ImportDecoder() = default;

Decoded ImportDecoder::decode(Index place, const FileContent& content, int worker) {
  if (!content.error.empty()) return {{}, 0, content.error};
  if (processes_.empty()) return decode_here(&plan_, &options_, place, content.bytes);
  auto& process = processes_[static_cast<std::size_t>(worker)];
  process->rename(plan_.images->where(place));
  try {
    Decoded result = process->call(decode_here, &plan_, &options_, place, content.bytes);
    const Shape& shape = result.image.shape;
    if (result.error.empty() && (shape.height < 1 || shape.width < 1 || shape.channels < 1 ||
                                 shape.size() != static_cast<Index>(result.image.pixels.size()))) {
      fail(ErrorKind::internal, plan_.images->where(place) + ": its decoder went astray");
    }
    return result;
  } catch (const Error& error) {
    if (process->is_alive() || error.kind() != ErrorKind::data) throw;
    process = std::make_unique<IsolatedProcess>("image", limits_);
    return {{}, 0, error.what()};
  }
}

}  // namespace kindred
