#pragma once
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "data/import/import_plan.h"
#include "data/isolation/isolated.h"

namespace kindred {

/// What a sample is once it is decoded: an image, or the reason why there is none.
struct Decoded {
  Image image;
  std::uint64_t hash = 0;  // of the image as it was in its file
  std::string error;

  auto fields() { return std::tie(image.shape, image.pixels, image.largest, hash, error); }
};

/// Decodes the images of a plan and makes them as the options ask: files that others wrote in child
/// processes, one a worker. An image that crashes or hangs its decoder, or needs too much memory,
/// costs no more than itself.
class ImportDecoder {
 public:
  static constexpr IsolationLimits kLimits{.memory = Index{1} << 30, .seconds = 60};

  /// The plan and the options outlive it, and stay as they are.
  ImportDecoder(const ImportPlan& plan, const ImportOptions& options, int workers,
                const IsolationLimits& limits = kLimits);
  ~ImportDecoder();

  /// Callers at the same time have different `worker`s. Fails with data where the image is too
  /// large for a sample, with io.
  Decoded decode(Index place, const FileContent& content, int worker);

 private:
  const ImportPlan& plan_;
  const ImportOptions& options_;
  IsolationLimits limits_;
  std::vector<std::unique_ptr<IsolatedProcess>> processes_;  // one a worker, or none
};

}  // namespace kindred
