#include "serve/batcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <system_error>
#include <utility>

#include "kindred/core/buffer.h"
#include "kindred/core/error.h"

namespace kindred::serve {

Batcher::Batcher(const BatchSettings& settings, Decode decode, Embed embed, Told told)
    : settings_(settings),
      decode_(std::move(decode)),
      embed_(std::move(embed)),
      told_(std::move(told)) {
  try {
    for (int i = 0; i < settings_.decoders; ++i) {
      threads_.emplace_back([this] { decode_pictures(); });
    }
    threads_.emplace_back([this] { embed_batches(); });
  } catch (const std::system_error& error) {
    end();
    fail(ErrorKind::system, fmt::format("serve: the system starts {} of {} threads: {}",
                                        threads_.size(), settings_.decoders + 1, error.what()));
  }
}

Batcher::~Batcher() { end(); }

void Batcher::end() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  waiting_changed_.notify_all();
  ready_changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

std::vector<ServedPicture> Batcher::embed(std::span<const PictureFile> files) {
  std::vector<ServedPicture> pictures(files.size());
  Request request;
  request.left = static_cast<Index>(files.size());
  std::unique_lock lock(mutex_);
  for (std::size_t i = 0; i < files.size(); ++i) {
    waiting_.push_back({&files[i], &pictures[i], &request, {}});
  }
  pending_ += request.left;
  if (files.size() == 1) {
    waiting_changed_.notify_one();
  } else {
    waiting_changed_.notify_all();
  }
  request.done.wait(lock, [&] { return request.left == 0; });
  if (request.failure) std::rethrow_exception(request.failure);
  return pictures;
}

Index Batcher::pending() const {
  const std::lock_guard lock(mutex_);
  return pending_;
}

// REQUIRES: the lock is held. The request, and all that it points to, may be gone then.
void Batcher::finish(Task& task, std::exception_ptr failure) {
  Request& request = *task.request;
  if (failure && !request.failure) request.failure = std::move(failure);
  --pending_;
  if (--request.left == 0) request.done.notify_one();
}

void Batcher::decode_pictures() {
  std::unique_lock lock(mutex_);
  while (true) {
    waiting_changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    Task task = std::move(waiting_.front());
    waiting_.pop_front();
    ++decoding_;
    lock.unlock();
    std::exception_ptr failure;
    try {
      task.sample = decode_(*task.file, *task.picture);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    --decoding_;
    if (failure || !task.picture->error.empty()) {
      finish(task, failure);
    } else {
      ready_.push_back(std::move(task));
    }
    ready_changed_.notify_one();
  }
}

// Whole slices where there are any, else what is there once nothing more is to come in time.
std::vector<Batcher::Task> Batcher::next_batch(std::unique_lock<std::mutex>& lock) {
  ready_changed_.wait(
      lock, [this] { return !ready_.empty() || (ending_ && waiting_.empty() && decoding_ == 0); });
  const auto slice = static_cast<std::size_t>(settings_.slice);
  const std::size_t most = slice * static_cast<std::size_t>(settings_.slices);
  ready_changed_.wait_for(lock, std::chrono::duration<double>(settings_.wait_seconds), [&] {
    return ready_.size() >= most || (waiting_.empty() && decoding_ == 0);
  });
  std::size_t count = std::min(ready_.size(), most);
  if (count > slice) count -= count % slice;
  std::vector<Task> batch;
  for (std::size_t i = 0; i < count; ++i) {
    batch.push_back(std::move(ready_.front()));
    ready_.pop_front();
  }
  return batch;
}

void Batcher::embed_batches() {
  std::unique_lock lock(mutex_);
  while (true) {
    std::vector<Task> batch = next_batch(lock);
    if (batch.empty()) return;
    lock.unlock();
    std::exception_ptr failure;
    try {
      embed_batch(batch);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    for (Task& task : batch) finish(task, failure);
  }
}

void Batcher::embed_batch(std::vector<Task>& batch) {
  const auto each = static_cast<std::size_t>(settings_.sample_bytes);
  std::vector<std::byte> samples(batch.size() * each);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (batch[i].sample.size() != each) {
      fail(ErrorKind::internal, "serve: a sample is not of the network's size");
    }
    std::memcpy(samples.data() + i * each, batch[i].sample.data(), each);
  }
  const Matrix embeddings = embed_(samples);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const float* const row = embeddings.row(static_cast<Index>(i));
    batch[i].picture->embedding.assign(row, row + embeddings.cols());
  }
  if (told_) told_(static_cast<Index>(batch.size()));
}

}  // namespace kindred::serve
