#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <set>
#include <thread>
#include <unordered_map>

#include "data/import/import_assembly.h"
#include "data/import/import_names.h"
#include "kindred/core/error.h"
#include "kindred/core/memory.h"
#include "kindred/core/parallel.h"

namespace kindred {
namespace {

constexpr std::size_t kBatch = 256;             // images decoded together, at most
constexpr Index kBatchBytes = Index{64} << 20;  // of their files
constexpr Index kSomeMemory = Index{1} << 30;

struct Waiting {
  Index place;
  FileContent content;
};

// What may wait for samples that come before it: archives are read in their own order.
Index most_waiting_bytes() {
  return std::max(machine_memory() / 2, std::min(machine_memory(), kSomeMemory));
}

// Before the work: what the sources were taken for, and what is left out; nothing where nothing was
// guessed.
void tell(const ImportPlan& plan, const ImportOptions& options, const std::vector<Index>& order,
          const ImportReport& report, WorkObserver& observer) {
  const bool plain = !options.format.empty() || plan.format == "folder";
  if (plain && plan.left_out.empty() && report.notes.empty()) return;
  std::array<Index, 3> of_split{};
  std::set<std::pair<std::int64_t, std::string_view>> classes;
  for (const Index i : order) {
    const ImportItem& item = plan.items[static_cast<std::size_t>(i)];
    ++of_split[item.split];
    classes.emplace(item.label, item.class_name);
  }
  std::string text =
      fmt::format("{} read as {}: {} {} of {} classes", plan.source, plan.format, order.size(),
                  plan.vectors.rows() > 0 ? "vectors" : "images", classes.size());
  if (of_split[1] + of_split[2] > 0) {
    text += fmt::format(" ({} for training, {} for validation, {} for test)", of_split[0],
                        of_split[1], of_split[2]);
  }
  if (!plan.left_out.empty()) {
    text += fmt::format("; {} files left out: {}", plan.left_out.size(),
                        counts_of_reasons(plan.left_out));
  }
  observer.on_note(text);
  for (const std::string& note : report.notes) observer.on_note(note);
}

}  // namespace

ImportReport run_import(ImportPlan plan, const std::string& out_path, const ImportOptions& options,
                        WorkObserver& observer) {
  ImportReport report;
  const std::vector<Index> order = select_items(plan, options, report);
  report.skipped = plan.left_out;
  report.notes.insert(report.notes.begin(), plan.notes.begin(), plan.notes.end());
  report.format = plan.format;
  if (plan.vectors.rows() > 0) tell(plan, options, order, report, observer);
  if (plan.vectors.rows() > 0) return write_vectors(plan, order, out_path, options, report);
  const Workers workers(options.threads);
  ImportDecoder decoder(plan, options, workers.threads());
  Assembly assembly(plan, options, out_path, order, workers, report);
  tell(plan, options, order, report, observer);
  std::vector<Index> places;
  std::unordered_map<Index, Index> rank_of;  // place -> place in the order
  for (const Index item : order) {
    places.push_back(plan.items[static_cast<std::size_t>(item)].place);
    rank_of[places.back()] = static_cast<Index>(rank_of.size());
  }
  const auto total = static_cast<Index>(order.size());
  std::map<Index, Decoded> ready;
  Index ready_bytes = 0;
  Index next = 0;
  std::vector<Waiting> batch;
  Index batch_bytes = 0;
  const Index most_ready_bytes = most_waiting_bytes();
  const auto decode_batch = [&] {
    std::vector<Decoded> decoded(batch.size());
    const auto caller = std::this_thread::get_id();
    std::atomic<bool> stopped = false;
    workers.for_each(static_cast<Index>(batch.size()), [&](Index i, int worker) {
      if (std::this_thread::get_id() == caller && observer.stop_requested()) stopped = true;
      if (stopped) return;
      const auto at = static_cast<std::size_t>(i);
      decoded[at] = decoder.decode(batch[at].place, batch[at].content, worker);
    });
    report.interrupted = stopped || observer.stop_requested();
    if (report.interrupted) return false;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      ready_bytes += decoded[i].image.shape.size();
      ready.emplace(rank_of.at(batch[i].place), std::move(decoded[i]));
    }
    batch.clear();
    batch_bytes = 0;
    for (auto first = ready.find(next); first != ready.end(); first = ready.find(next)) {
      ready_bytes -= first->second.image.shape.size();
      assembly.add(order[static_cast<std::size_t>(next++)], std::move(first->second));
      ready.erase(first);
    }
    if (ready_bytes > most_ready_bytes) {
      fail(ErrorKind::data,
           fmt::format("{}: the samples come in an order that would need more than {} MiB to sort; "
                       "unpack the archive, or make the images smaller with a size",
                       plan.source, most_ready_bytes >> 20));
    }
    observer.on_progress(next + static_cast<Index>(ready.size()), total);
    return true;
  };
  plan.images->visit(places, [&](Index place, FileContent content) {
    batch_bytes += static_cast<Index>(content.bytes.size());
    batch.push_back({place, std::move(content)});
    return (batch.size() < kBatch && batch_bytes < kBatchBytes) || decode_batch();
  });
  if (report.interrupted || !decode_batch()) return report;
  if (next != total) {
    fail(ErrorKind::data, fmt::format("{}: changed while it was read", plan.source));
  }
  assembly.finish();
  return report;
}

}  // namespace kindred
