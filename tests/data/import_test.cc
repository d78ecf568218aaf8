#include "kindred/data/import.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "kindred/data/dataset.h"
#include "kindred/data/hdf5_file.h"
#include "support/npy_file.h"
#include "support/temp_folder.h"
#include "support/thread_group.h"
#include "support/zip_file.h"

namespace kindred {
namespace {

using test::expect_error;
using test::grey_png;
using test::TempFolder;
using test::write_zip;

// Paper is 255 and ink 0; `ink` pixels of the 3 x 3 drawing, from the first on.
std::string drawing(std::size_t ink) {
  std::vector<std::uint8_t> pixels(9, 255);
  std::fill_n(pixels.begin(), ink, std::uint8_t{0});
  return grey_png(3, 3, pixels);
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_omniglot(const TempFolder& folder) {
  write_zip(folder / "background.zip",
            {{"images_background/Greek/character02/0002_01.png", drawing(9)},
             {"images_background/Greek/character01/0001_02.png", drawing(1)},
             {"images_background/Greek/character01/0001_01.png", drawing(3)},
             {"images_background/readme.txt", "words"}});
  write_zip(folder / "evaluation.zip",
            {{"images_evaluation/Angelic/character01/0003_01.png", drawing(0)}});
}

TEST(ImportOmniglot, AveragesByAreaAndOrdersByClassThenPath) {
  const TempFolder folder;
  write_omniglot(folder);
  const std::vector<std::string> sources{folder / "background.zip", folder / "evaluation.zip"};
  const ImportReport report =
      import_dataset(sources, folder / "out.h5", {.format = "", .size = {2, 2}});
  EXPECT_EQ(report.format, "omniglot");
  EXPECT_EQ(report.samples, 4);
  EXPECT_EQ(report.classes, 3);
  EXPECT_EQ(report.shape, (Shape{.channels = 1, .height = 2, .width = 2}));
  EXPECT_EQ(report.bytes, static_cast<Index>(std::filesystem::file_size(folder / "out.h5")));
  ASSERT_EQ(report.skipped.size(), 1U);
  EXPECT_NE(report.skipped[0].find("images_background/readme.txt"), std::string::npos);
  const Hdf5File file = Hdf5File::open(folder / "out.h5");
  EXPECT_EQ(
      file.read_strings("class_names"),
      (std::vector<std::string>{"Angelic/character01", "Greek/character01", "Greek/character02"}));
  EXPECT_EQ(file.read<std::int64_t>("labels"), (std::vector<std::int64_t>{0, 1, 1, 2}));
  EXPECT_EQ(file.read<std::uint8_t>("split"), (std::vector<std::uint8_t>{2, 0, 0, 0}));
  EXPECT_EQ(file.read_strings("paths")[1], "images_background/Greek/character01/0001_01.png");
  // 3 pixels onto 2: each output covers 1.5 x 1.5 = 2.25 source pixels. Ink in the whole first row
  // covers 1.5 of them: 255 * 2/3 = 170. Ink in the corner alone covers 1: 255 * 4/9 = 113.3.
  EXPECT_EQ(file.read<std::uint8_t>("images"), (std::vector<std::uint8_t>{0, 0, 0, 0,      //
                                                                          170, 170, 0, 0,  //
                                                                          113, 0, 0, 0,    //
                                                                          255, 255, 255, 255}));
}

TEST(ImportOmniglot, BytesDependOnNothingButTheSources) {
  const TempFolder folder;
  write_omniglot(folder);
  const std::vector<std::string> sources{folder / "background.zip", folder / "evaluation.zip"};
  const std::vector<std::string> turned{sources[1], sources[0]};
  import_dataset(sources, folder / "a.h5", {.format = "omniglot", .threads = 1});
  import_dataset(turned, folder / "b.h5", {.format = "omniglot", .threads = 3});
  EXPECT_EQ(bytes_of(folder / "a.h5"), bytes_of(folder / "b.h5"));
  import_dataset(sources, folder / "a.h5", {.format = "omniglot", .threads = 2});  // replaces it
  EXPECT_EQ(bytes_of(folder / "a.h5"), bytes_of(folder / "b.h5"));
}

// Where the options name classes, rank 1 takes fewer.
void import_by_ranks(const TempFolder& folder, int ranks, const ImportOptions& options) {
  const std::vector<std::string> sources{folder / "background.zip", folder / "evaluation.zip"};
  std::vector<ImportReport> reports(static_cast<std::size_t>(ranks));
  test::ThreadRanks(ranks).run([&](ProcessGroup& group) {
    ImportOptions own = options;
    own.threads = 1 + group.rank() % 2;
    if (group.rank() == 1 && !options.classes.empty()) own.classes = {"Greek/*"};
    reports[static_cast<std::size_t>(group.rank())] =
        import_dataset(sources, folder / "ranks.h5", own, nullptr, &group);
  });
  EXPECT_EQ(reports[0].samples, 4);
}

TEST(ImportRanks, ShareOutTheDecodingAndDoNotChangeAByte) {
  const TempFolder folder;
  write_omniglot(folder);
  const std::vector<std::string> sources{folder / "background.zip", folder / "evaluation.zip"};
  import_dataset(sources, folder / "one.h5", {.size = {2, 2}});
  for (const int ranks : {1, 2, 3, 7}) {  // and more than samples
    import_by_ranks(folder, ranks, {.size = {2, 2}});
    EXPECT_EQ(bytes_of(folder / "ranks.h5"), bytes_of(folder / "one.h5")) << ranks;
  }
}

TEST(ImportRanks, NamePicturesThatARankCouldNotRead) {
  const TempFolder folder;
  write_zip(folder / "in.zip", {{"a/1.png", drawing(1)},
                                {"a/2.png", "no picture"},
                                {"b/3.png", drawing(3)},
                                {"b/4.png", drawing(4).substr(0, 40)}});
  const std::vector<std::string> sources{folder / "in.zip"};
  const ImportReport alone = import_dataset(sources, folder / "one.h5", {});
  ASSERT_EQ(alone.unreadable.size(), 2U);
  test::ThreadRanks(4).run([&](ProcessGroup& group) {
    const ImportReport report =
        import_dataset(sources, folder / "ranks.h5", {.threads = 1}, nullptr, &group);
    if (group.rank() == 0) {
      EXPECT_EQ(report.unreadable, alone.unreadable);
    }
  });
  EXPECT_EQ(bytes_of(folder / "ranks.h5"), bytes_of(folder / "one.h5"));
  const std::string left = folder / "strict.h5";
  expect_error(ErrorKind::data, "2.png", [&] {
    test::ThreadRanks(4).run([&](ProcessGroup& group) {
      import_dataset(sources, left, {.threads = 1, .strict = true}, nullptr, &group);
    });
  });
  EXPECT_FALSE(std::filesystem::exists(left));
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    EXPECT_EQ(entry.path().string().find(".partial"), std::string::npos) << entry.path();
  }
}

TEST(ImportRanks, RefuseOtherOptionsOfOneOfThem) {
  const TempFolder folder;
  write_omniglot(folder);
  const std::vector<std::string> sources{folder / "background.zip", folder / "evaluation.zip"};
  const auto import_as = [&](const ImportOptions& other) {
    test::ThreadRanks(2).run([&](ProcessGroup& group) {
      const ImportOptions own = group.rank() == 1 ? other : ImportOptions{.size = {2, 2}};
      import_dataset(sources, folder / "ranks.h5", own, nullptr, &group);
    });
  };
  for (const ImportOptions& other :
       {ImportOptions{.size = {2, 2}, .bicubic = true}, ImportOptions{.size = {2, 2}, .bits = 12},
        ImportOptions{.size = {2, 3}}}) {
    expect_error(ErrorKind::data, "rank 1 has", [&] { import_as(other); });
    EXPECT_FALSE(std::filesystem::exists(folder / "ranks.h5"));
  }
}

TEST(ImportRanks, RefuseOtherVectorsOfOneOfThem) {
  const TempFolder folder;
  const std::string one(24, '\0');
  std::string other = one;
  other[3] = '\x40';
  std::ofstream(folder / "0.npy", std::ios::binary) << test::npy("<f4", "(3, 2)", one);
  std::ofstream(folder / "1.npy", std::ios::binary) << test::npy("<f4", "(3, 2)", other);
  expect_error(ErrorKind::data, "rank 1 has 3 vectors", [&] {
    test::ThreadRanks(2).run([&](ProcessGroup& group) {
      const std::vector<std::string> sources{folder / (std::to_string(group.rank()) + ".npy")};
      import_dataset(sources, folder / "ranks.h5", {}, nullptr, &group);
    });
  });
  EXPECT_FALSE(std::filesystem::exists(folder / "ranks.h5"));
}

TEST(ImportRanks, RefuseOtherSamplesOfOneOfThem) {
  const TempFolder folder;
  write_omniglot(folder);
  expect_error(ErrorKind::data, "rank 1 has 3 samples",
               [&] { import_by_ranks(folder, 2, {.classes = {"*"}}); });
  EXPECT_FALSE(std::filesystem::exists(folder / "ranks.h5"));
}

TEST(ImportOneshot, TestImagesHaveTheLabelOfTheirTrainingImage) {
  const TempFolder folder;
  write_zip(folder / "runs.zip",
            {{"run01/class_labels.txt", "run01/test/item01.png run01/training/class02.png\r\n"},
             {"run01/test/item01.png", drawing(4)},
             {"run01/training/class02.png", drawing(2)},
             {"run01/training/class01.png", drawing(1)},
             {"run02/class_labels.txt", "run02/test/item01.png run02/training/class01.png\n"},
             {"run02/test/item01.png", drawing(5)},
             {"run02/training/class01.png", drawing(3)}});
  const std::vector<std::string> sources{folder / "runs.zip"};
  const ImportReport report = import_dataset(sources, folder / "out.h5", {.format = ""});
  EXPECT_EQ(report.format, "omniglot-oneshot");
  const Dataset data = Dataset::open(folder / "out.h5");
  const auto list = [](auto values) {
    return std::vector<std::int64_t>(values.begin(), values.end());
  };
  EXPECT_EQ(list(data.labels()), (std::vector<std::int64_t>{0, 1, 1, 2, 2}));
  EXPECT_EQ(list(data.episode()), (std::vector<std::int64_t>{0, 0, 0, 1, 1}));
  EXPECT_EQ(list(data.role()), (std::vector<std::int64_t>{0, 0, 1, 0, 1}));
  EXPECT_EQ(data.paths()[2], "run01/test/item01.png");
  EXPECT_EQ(data.class_names()[2], "run02/training/class01");
  write_zip(folder / "runs.zip", {{"run01/test/item01.png", drawing(4)}});
  expect_error(ErrorKind::data, "run01/class_labels.txt does not name a training image",
               [&] { import_dataset(sources, folder / "out.h5", {.format = ""}); });
}

TEST(Import, BadSourcesAreSaid) {
  const TempFolder folder;
  write_omniglot(folder);
  const auto import = [&](const std::string& source, const std::string& format) {
    import_dataset(std::vector<std::string>{source}, folder / "out.h5", {.format = format});
  };
  expect_error(ErrorKind::usage, "did you mean 'omniglot'?",
               [&] { import(folder / "background.zip", "omniglott"); });
  expect_error(ErrorKind::no_input, "none.zip: cannot open",
               [&] { import(folder / "none.zip", "omniglot"); });
  std::ofstream(folder / "text.zip") << "this is no archive";
  expect_error(ErrorKind::data, "text.zip: archive is damaged or of an unknown kind",
               [&] { import(folder / "text.zip", "omniglot"); });
  std::ofstream(folder / "notes.txt") << "nor is this";
  expect_error(ErrorKind::usage, "no format knows these sources",
               [&] { import(folder / "notes.txt", ""); });
  write_zip(folder / "bad.zip", {{"images_background/A/b/1.png", "not a picture"}});
  expect_error(ErrorKind::data,
               "bad.zip: images_background/A/b/1.png: is no image of a kind that is read",
               [&] { import(folder / "bad.zip", "omniglot"); });
  write_zip(folder / "bad.zip", {{"images_background/A/b/1.png", drawing(1)},
                                 {"images_background/A/b/1.png", drawing(1)}});
  expect_error(ErrorKind::data, "images_background/A/b/1.png comes twice",
               [&] { import(folder / "bad.zip", "omniglot"); });
  write_zip(folder / "bad.zip", {{"../outside.png", drawing(1)}});
  expect_error(ErrorKind::data, "lies outside of the archive",
               [&] { import(folder / "bad.zip", "omniglot"); });
  write_zip(folder / "bad.zip", {{"other/A/b/1.png", drawing(1)}});
  expect_error(ErrorKind::data, "holds no images_background/ALPHABET/CHARACTER",
               [&] { import(folder / "bad.zip", "omniglot"); });
  EXPECT_FALSE(std::filesystem::exists(folder / "out.h5"));
}

TEST(Import, EveryTruncatedArchiveIsAnErrorOrIsRead) {
  const TempFolder folder;
  write_omniglot(folder);
  const std::string whole = bytes_of(folder / "background.zip");
  for (std::size_t length = 0; length < whole.size(); length += 29) {
    std::ofstream(folder / "part.zip", std::ios::binary) << whole.substr(0, length);
    try {
      import_dataset(std::vector<std::string>{folder / "part.zip"}, folder / "out.h5",
                     {.format = "omniglot"});
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::data) << error.what();
    }
  }
}

// With the output forgotten, the last source stood where the output belongs, and was replaced.
TEST(Import, AForgottenOutputDoesNotCostASource) {
  const TempFolder folder;
  write_omniglot(folder);
  const std::string before = bytes_of(folder / "evaluation.zip");
  const std::string refusal = "evaluation.zip: exists and is not a data set that Kindred wrote";
  expect_error(ErrorKind::usage, refusal, [&] {
    import_dataset(std::vector<std::string>{folder / "background.zip"}, folder / "evaluation.zip",
                   {.format = "omniglot"});
  });
  expect_error(ErrorKind::usage, "evaluation.zip: is read and would be written over", [&] {
    import_dataset(std::vector<std::string>{folder / "evaluation.zip"}, folder / "evaluation.zip",
                   {.format = "omniglot"});
  });
  EXPECT_EQ(bytes_of(folder / "evaluation.zip"), before);
}

TEST(ShippedData, IsAllOfOmniglot) {
  const std::string folder = KINDRED_DATASETS;
  const Dataset data = Dataset::open(folder + "/omniglot28.h5");
  EXPECT_EQ(data.size(), 32460);
  EXPECT_EQ(data.shape(), (Shape{.channels = 1, .height = 28, .width = 28}));
  EXPECT_EQ(data.classes(), 1623);
  EXPECT_EQ(data.samples_of(Split::train).size(), 964U * 20);
  EXPECT_EQ(data.samples_of(Split::test).size(), 659U * 20);
  EXPECT_LE(std::filesystem::file_size(folder + "/omniglot28.h5"), 4'000'000U);
  const Dataset runs = Dataset::open(folder + "/omniglot_oneshot.h5");
  EXPECT_EQ(runs.size(), 800);
  EXPECT_EQ(runs.classes(), 400);
  EXPECT_EQ(runs.episode().back(), 19);
}

}  // namespace
}  // namespace kindred
