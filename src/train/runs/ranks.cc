#include "train/runs/ranks.h"

#include <fmt/format.h>

#include <map>
#include <vector>

#include "core/host_name.h"
#include "core/ranks/own_file.h"
#include "core/texts/json_text.h"
#include "kindred/core/cpu.h"
#include "kindred/core/cpu_name.h"
#include "kindred/core/error.h"
#include "kindred/core/recipe.h"
#include "train/runs/data_fingerprint.h"
#include "train/runs/run_folder.h"
#include "train/shards.h"

namespace kindred {
namespace {

/// What two ranks are called.
struct Pair {
  std::string first;
  std::string other;
};

[[noreturn]] void refuse(ErrorKind kind, const Pair& ranks, const std::string& what,
                         const std::string& advice) {
  fail(kind, fmt::format("{} and {} differ in {}; {}", ranks.first, ranks.other, what, advice));
}

void compare_recipes(const Json& first, const Json& other, const Pair& ranks) {
  const auto flat = [](const Json& card) {
    std::map<std::string, std::string> values =
        Recipe::from_text(card["recipe"].get<std::string>(), "rank").flat();
    for (const char* place : {"data.file", "train.initial"}) values.erase(place);
    return values;
  };
  const auto one = flat(first);
  auto two = flat(other);
  for (const auto& [key, value] : one) {
    const auto found = two.find(key);
    if (found == two.end() || found->second != value) {
      refuse(ErrorKind::recipe, ranks,
             fmt::format("the recipe's '{}': {} and {}", key, value,
                         found == two.end() ? "none" : found->second),
             "start all ranks with one recipe");
    }
    two.erase(found);
  }
  if (two.empty()) return;
  refuse(ErrorKind::recipe, ranks, fmt::format("the recipe's '{}'", two.begin()->first),
         "start all ranks with one recipe");
}

/// Of a rank and rank 0. Every rank does all of it, so that all fail alike.
void compare(const Json& first, const Json& other, const Pair& ranks) {
  const auto text = [](const Json& card, const char* key) { return card[key].get<std::string>(); };
  if (text(first, "program") != text(other, "program")) {
    refuse(ErrorKind::system, ranks, "the program", "install the same build on all hosts");
  }
  if (text(first, "level") != text(other, "level")) {
    refuse(ErrorKind::system, ranks,
           fmt::format("the level of instruction sets: {} and {}", text(first, "level"),
                       text(other, "level")),
           "set KINDRED_MAX_ISA to the lower one for all ranks");
  }
  compare_recipes(first, other, ranks);
  const std::string data = changed_data(text(first, "data"), text(other, "data"), ranks.other);
  if (!data.empty()) {
    refuse(ErrorKind::data, ranks, fmt::format("the data: {}", data),
           "copy the same data set to all hosts");
  }
}

template <typename T>
void share(ProcessGroup& group, std::span<T> values) {
  group.broadcast(std::as_writable_bytes(values));
}

}  // namespace

std::string join_ranks(ProcessGroup& group, const RankCard& card) {
  if (group.size() == 1) return "";
  group.join();
  const Json mine = {
      {"host", host_name()}, {"program", own_checksum()}, {"level", std::string(name_of(isa()))},
      {"cpu", cpu_name()},   {"recipe", card.recipe},     {"data", card.data}};
  std::vector<Json> cards;
  for (const std::string& text : group.gather_texts(dump_json(mine))) {
    cards.push_back(parse_json(text, "a rank's card"));
  }
  const auto name_of_rank = [&](std::size_t rank) {
    return fmt::format("rank {} on {}", rank, cards[rank]["host"].get<std::string>());
  };
  std::string note;
  for (std::size_t r = 1; r < cards.size(); ++r) {
    const Pair ranks{name_of_rank(0), name_of_rank(r)};
    compare(cards[0], cards[r], ranks);
    if (cards[0]["cpu"] != cards[r]["cpu"] && note.empty()) {
      note = fmt::format(
          "{} and {} have other CPUs ({}, {}): the same bits for any number of ranks are promised "
          "for one CPU model, since oneDNN's order of sums follows caches",
          ranks.first, ranks.other, cards[0]["cpu"].get<std::string>(),
          cards[r]["cpu"].get<std::string>());
    }
  }
  return note;
}

void share_state(ProcessGroup& group, TrainingState& state) {
  if (group.size() == 1) return;
  share(group, std::span(&state.step, 1));
  const auto share_segments = [&](std::span<float> flat) {
    for (const Segment& segment : state.table.segments()) {
      if (segment.parts.shared) continue;
      share(group, flat.subspan(static_cast<std::size_t>(segment.offset),
                                static_cast<std::size_t>(segment.size)));
    }
  };
  share_segments(state.parameters.span());
  if (state.average.size() > 0) share_segments(state.average.span());
  for (Moment& moment : state.optimizer->moments()) share_segments(moment.values.span());
  for (const auto& array : state.state.arrays()) share(group, array->bytes.span());
  state.shards->share_out();
}

Matrix embed_together(ProcessGroup& group, const Embedder& embedder, const Dataset& dataset,
                      std::span<const Index> samples) {
  Matrix embeddings = embedder.embed_together(group, dataset, samples);
  check_finite(embeddings.view());
  return embeddings;
}

std::unique_ptr<Embedder> embedder_of(const Setup& setup, Trainer& trainer,
                                      const Workers& workers) {
  TrainingState& trained = trainer.training_state();
  return std::make_unique<Embedder>(setup.architecture, setup.train.slice, setup.dataset->element(),
                                    setup.scaling, trained.table, trained.state, workers);
}

}  // namespace kindred
