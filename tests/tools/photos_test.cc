// From pictures to an answer, as a new user would go: a zip of class folders, `kindred train`, then
// pictures that the model never saw.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "support/made_photos.h"
#include "support/zip_file.h"
#include "tools/program.h"

namespace kindred {
namespace {

using test::kindred;
using test::Outcome;
using test::TempFolder;

nlohmann::json done(const std::string& arguments) {
  const Outcome outcome = kindred(arguments + " --json -");
  EXPECT_EQ(outcome.code, 0) << arguments << "\n" << outcome.err;
  return nlohmann::json::parse(outcome.out, nullptr, false);
}

TEST(Photos, AreToldApartByShapeThoughPixelsSayNothing) {
  const TempFolder folder;
  const auto shapes = test::kShapes.size();
  test::write_zip(folder / "photos.zip", test::made_photos(shapes, 0, 40, 32));
  test::write_zip(folder / "new.zip", test::made_photos(shapes, 1000, 10, 32));
  // So many steps whatever the machine: the recipe is otherwise the one that is chosen.
  const auto trained = done("train " + (folder / "photos.zip") + " --out " + (folder / "run") +
                            " --threads 2 --quiet --set train.steps=1500");
  ASSERT_TRUE(trained.contains("baseline"));
  EXPECT_EQ(trained["import"]["samples"], 480);
  EXPECT_EQ(trained["baseline"]["validation"]["what"], "raw pixels, averaged to 16 x 16");
  EXPECT_LE(trained["baseline"]["validation"]["recall@1"], 0.5);

  // A gallery of the pictures; unseen ones find their shape in it.
  const std::string gallery = folder / "g.db";
  const Outcome made = kindred("gallery new " + gallery + " " + (folder / "run/model.kindred") +
                               " " + (folder / "photos.zip") + " --quiet");
  ASSERT_EQ(made.code, 0) << made.err;
  const auto found = done("find " + (folder / "new.zip") + " --in " + gallery +
                          " --top 1 --quiet --html " + (folder / "found.html"));
  ASSERT_EQ(found.size(), 120U);
  int right = 0;
  for (const auto& query : found) {
    const std::string path = query["query"];  // "new.zip: shape/1000.png"
    const std::string identity = query["matches"][0]["identity"];
    if (path.find(identity + "/") != path.npos) ++right;
  }
  EXPECT_GE(right, 108);  // 90 %
  EXPECT_TRUE(test::contains(test::text_of(folder / "found.html"), "<!doctype html>"));
}

}  // namespace
}  // namespace kindred
