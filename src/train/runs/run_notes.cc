#include "train/runs/run_notes.h"

#include <fmt/format.h>

#include <algorithm>

#include "kindred/core/cpu.h"

namespace kindred {
namespace {

std::string beyond_the_end(const Setup& setup) {
  const Index planned = setup.planned_steps();
  const Index epoch = setup.sampler->steps_per_epoch();
  const bool by_epochs = planned == setup.train.epochs * epoch;
  const std::string why =
      by_epochs ? fmt::format("train.epochs = {} of {} steps each", setup.train.epochs, epoch)
                : fmt::format("train.planned_steps = {}", planned);
  return fmt::format(
      "train.steps = {} is beyond the planned end: the run ends at step {} ({}); for more steps "
      "begin a run with a larger {}",
      setup.train.steps, planned, why, by_epochs ? "train.epochs" : "train.planned_steps");
}

}  // namespace

std::vector<std::string> plan_notes(const PlanState& plan, const RunFolder& folder) {
  const Index planned = plan.setup->planned_steps();
  const Index asked = plan.setup->train.steps;
  std::vector<std::string> notes;
  if (asked > planned) notes.push_back(beyond_the_end(*plan.setup));
  if (!plan.resumed || plan.step == 0) return notes;
  if (plan.step >= planned) {
    notes.push_back(fmt::format(
        "{}: the run is finished, all its {} planned steps are done; to train on from its model "
        "begin a new run: kindred train {}/recipe.toml --set train.initial=model.kindred --out NEW",
        folder.path(), planned, folder.path()));
  } else if (asked > 0 && plan.step >= asked) {
    notes.push_back(fmt::format(
        "{}: {} of {} planned steps are done, and train.steps = {} asks for no more; go on with "
        "kindred train --out {} --resume --set train.steps=0, or so many steps in place of the 0",
        folder.path(), plan.step, planned, asked, folder.path()));
  }
  return notes;
}

// The fingerprint covers what opening the data has read.
std::string unchecked_note(const Setup& setup) {
  const Dataset& data = *setup.dataset;
  if (data.checksum()) return {};
  std::vector<bool> read(static_cast<std::size_t>(data.size()));
  for (const TrainingSet::Entry& entry : setup.set.entries) {
    read[static_cast<std::size_t>(entry.sample)] = true;
  }
  const auto unread = std::count(read.begin(), read.end(), false);
  if (unread == 0) return {};
  return fmt::format(
      "{}: {} of {} samples are not trained on and not read before they are needed: whether they "
      "are still those of the checkpoint was not checked (labels, split and names were)",
      data.path(), unread, data.size());
}

std::string level_note(const std::string& checkpoint, const std::string& level) {
  if (level.empty() || level == name_of(isa())) return {};
  return fmt::format(
      "{} was trained at level {} of instruction sets and goes on at {}: its bits from here on are "
      "neither's (KINDRED_MAX_ISA sets the level)",
      checkpoint, level, name_of(isa()));
}

std::string unlocked_note(const RunFolder& folder, const std::string& reason) {
  return fmt::format(
      "{}: its file system locks no files ({}): nothing keeps a second run from this folder",
      folder.path(), reason);
}

}  // namespace kindred
