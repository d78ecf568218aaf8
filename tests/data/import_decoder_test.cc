// Decoders that crash, hang or take all memory, which no image that we have makes them do.
#include "data/import/import_decoder.h"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "kindred/data/dataset.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

using test::expect_error;
using test::TempFolder;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitizer = true;  // it turns signals into an exit, and maps terabytes
#else
constexpr bool kSanitizer = false;
#endif

/// What its name says, by the place: 'c' crashes, 'h' hangs, 'm' takes memory, 'l' is too large.
class Hostile final : public ImportImages {
 public:
  explicit Hostile(std::string kinds) : kinds_(std::move(kinds)) {}
  void visit(std::span<const Index> wanted,
             FunctionRef<bool(Index place, FileContent content)> take) const override {
    for (const Index place : wanted) {
      if (!take(place, {})) return;
    }
  }
  Image decode(Index place, std::span<const std::byte> /*bytes*/, int /*bits*/) const override {
    const char kind = kinds_[static_cast<std::size_t>(place)];
    if (kind == 'c') __builtin_trap();
    while (kind == 'h') std::signal(SIGUSR1, SIG_IGN);
    if (kind == 'm') {
      std::vector<char> all(std::size_t{2} << 30, 'a');
      return {{1, 1, static_cast<Index>(all[7])}, {}};
    }
    if (kind == 'l') return {{1, 5000, 5000}, std::vector<std::uint8_t>(25'000'000)};
    return {{1, 1, 1}, {static_cast<std::uint8_t>(place)}};
  }
  std::string where(Index place) const override {
    return std::string(1, kinds_[static_cast<std::size_t>(place)]) + std::to_string(place);
  }

 private:
  std::string kinds_;
};

ImportPlan plan_of(const std::string& kinds) {
  ImportPlan plan;
  plan.images = std::make_unique<Hostile>(kinds);
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    ImportItem item;
    item.path = std::to_string(10 + i);
    item.class_name = "class";
    item.place = static_cast<Index>(i);
    plan.items.push_back(item);
  }
  return plan;
}

TEST(ImportDecoder, ACrashOrAHangCostsOnlyThatImage) {
  const std::string kinds = kSanitizer ? "acahaca" : "acahamaca";
  const ImportPlan plan = plan_of(kinds);
  const ImportOptions options;
  ImportDecoder decoder(plan, options, 1, {.memory = Index{1} << 30, .seconds = 0.5});
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const Decoded decoded = decoder.decode(static_cast<Index>(i), {}, 0);
    const std::string where = kinds[i] + std::to_string(i);
    if (kinds[i] == 'a') {
      EXPECT_EQ(decoded.error, "");
      EXPECT_EQ(decoded.image.pixels, std::vector<std::uint8_t>{static_cast<std::uint8_t>(i)});
      continue;
    }
    const std::string why = kinds[i] == 'c'   ? ": reading it crashed ("
                            : kinds[i] == 'h' ? ": reading it takes more than 0.5 s; the file is"
                                              : ": takes too much memory to read";
    EXPECT_EQ(decoded.error.substr(0, where.size() + why.size()), where + why);
  }
}

TEST(ImportDecoder, AnImportGoesOnWithoutTheImage) {
  const TempFolder folder;
  WorkObserver silent;
  const std::string kinds = "aacaaaaacaaaaaca";
  const ImportReport report = run_import(plan_of(kinds), folder / "out.h5", {.threads = 3}, silent);
  ASSERT_EQ(report.unreadable.size(), 3U);
  EXPECT_EQ(report.unreadable[0].substr(0, 23), "c2: reading it crashed ");
  EXPECT_EQ(report.unreadable[2].substr(0, 24), "c14: reading it crashed ");
  EXPECT_EQ(Dataset::open(folder / "out.h5").size(), 13);
  expect_error(ErrorKind::data, "c2: reading it crashed",
               [&] { run_import(plan_of(kinds), folder / "none.h5", {.strict = true}, silent); });
  expect_error(ErrorKind::data, "l1: is 5000 x 5000 pixels, too much for a sample",
               [&] { run_import(plan_of("al"), folder / "none.h5", {}, silent); });
  EXPECT_FALSE(std::filesystem::exists(folder / "none.h5"));
  EXPECT_EQ(folder.partial_files(), 0);
}

}  // namespace
}  // namespace kindred
