#pragma once
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "kindred/core/matrix.h"
#include "serve/picture_service.h"

namespace kindred::serve {

/// How pictures are put together.
struct BatchSettings {
  Index sample_bytes = 0;
  Index slice = 16;            ///< samples that the network takes at a time; fewer cost as many
  Index slices = 2;            ///< at once
  double wait_seconds = 2e-3;  ///< at most, for pictures that are being decoded
  int decoders = 1;            ///< threads that decode
};

/// Embeds the pictures of all requests together: threads decode them in order, and another one
/// hands whole slices of samples to the network, fewer where none come in time. An embedding does
/// not depend on what it is computed beside.
class Batcher final : public PictureService {
 public:
  /// Fills `picture` but its embedding; the sample is returned, empty where there is an error.
  /// Called by several threads.
  using Decode =
      std::function<std::vector<std::uint8_t>(const PictureFile&, ServedPicture& picture)>;
  /// [samples, D] of samples one after the other.
  using Embed = std::function<Matrix(std::span<const std::byte>)>;
  /// Hears of each batch.
  using Told = std::function<void(Index pictures)>;

  Batcher(const BatchSettings& settings, Decode decode, Embed embed, Told told = {});
  ~Batcher() override;

  std::vector<ServedPicture> embed(std::span<const PictureFile> files) override;
  Index pending() const override;

 private:
  struct Request {
    Index left = 0;  ///< pictures
    std::exception_ptr failure;
    std::condition_variable done;
  };
  struct Task {
    const PictureFile* file;
    ServedPicture* picture;
    Request* request;
    std::vector<std::uint8_t> sample;
  };

  void decode_pictures();
  void embed_batches();
  void embed_batch(std::vector<Task>& batch);
  std::vector<Task> next_batch(std::unique_lock<std::mutex>& lock);
  void finish(Task& task, std::exception_ptr failure);
  void end();

  const BatchSettings settings_;
  const Decode decode_;
  const Embed embed_;
  const Told told_;
  mutable std::mutex mutex_;
  std::condition_variable waiting_changed_;
  std::condition_variable ready_changed_;
  std::deque<Task> waiting_;  // for a decoder
  std::deque<Task> ready_;    // decoded
  Index decoding_ = 0;
  Index pending_ = 0;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace kindred::serve
