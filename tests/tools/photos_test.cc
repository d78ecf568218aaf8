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

  for (const std::string set : {"photos", "new"}) {
    const std::string path = folder / set;
    done("import " + path + ".zip " + path + ".h5");
    const Outcome embedded = kindred("embed " + (folder / "run/model.kindred") + " " + path +
                                     ".h5 --out " + path + ".e.h5");
    EXPECT_EQ(embedded.code, 0) << embedded.err;
  }
  const auto found = done("eval retrieval --query " + (folder / "new.e.h5") + " --gallery " +
                          (folder / "photos.e.h5"));
  EXPECT_EQ(found["queries_used"], 120);
  EXPECT_GE(found["recall@1"], 0.9);
}

}  // namespace
}  // namespace kindred
