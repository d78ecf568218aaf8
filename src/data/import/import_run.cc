#include <fmt/format.h>

#include <array>
#include <set>

#include "data/import/import_assembly.h"
#include "data/import/import_decoding.h"
#include "data/import/import_names.h"
#include "data/import/import_ranks.h"
#include "kindred/core/parallel.h"

namespace kindred {
namespace {

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
                        WorkObserver& observer, ProcessGroup* group) {
  SoloGroup alone;
  if (group == nullptr) group = &alone;
  ImportReport report;
  const std::vector<Index> order = select_items(plan, options, report);
  report.skipped = plan.left_out;
  report.notes.insert(report.notes.begin(), plan.notes.begin(), plan.notes.end());
  report.format = plan.format;
  const ImportRanks ranks(*group, std::ssize(order));
  if (plan.vectors.rows() > 0) {
    tell(plan, options, order, report, observer);
    ranks.meet(plan, options, order);
    return group->rank() == 0 ? write_vectors(plan, order, out_path, options, report) : report;
  }
  const Workers workers(options.threads);
  ImportDecoding decoding(plan, options, ranks.run_of(order, group->rank()), workers,
                          ranks.most_waiting());
  if (group->rank() != 0) {
    report.interrupted = !ranks.help(plan, options, order, decoding, observer);
    return report;
  }
  Assembly assembly(plan, options, out_path, order, workers, report);
  tell(plan, options, order, report, observer);
  const auto add = [&](Index item, Decoded sample) { assembly.add(item, std::move(sample)); };
  report.interrupted = !ranks.take(plan, options, order, decoding, observer, add);
  if (!report.interrupted) assembly.finish();
  return report;
}

}  // namespace kindred
