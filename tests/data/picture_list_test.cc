#include "kindred/data/picture_list.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "data/image/image.h"
#include "kindred/core/file.h"
#include "kindred/data/dataset.h"
#include "kindred/data/import.h"
#include "kindred/data/picture_regions.h"
#include "support/temp_folder.h"
#include "support/zip_file.h"

namespace kindred {
namespace {

using test::expect_error;
using test::TempFolder;

Image picture(Index height, Index width, unsigned seed) {
  Image image;
  image.shape = {.channels = 3, .height = height, .width = width};
  for (Index i = 0; i < image.shape.size(); ++i) {
    image.pixels.push_back(
        static_cast<std::uint8_t>(seed * 40 + static_cast<unsigned>(i * 7) % 90));
  }
  return image;
}

void write_picture(const std::string& path, unsigned seed, Index height = 9, Index width = 12) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << encode_png(picture(height, width, seed));
}

struct ReadPictures {
  std::map<std::string, Picture> by_path;
  bool whole = false;
};

ReadPictures read_all(const PictureList& list, const PictureWishes& wishes, int threads = 2) {
  ReadPictures result;
  const Workers workers(threads);
  result.whole = list.read(wishes, workers, [&](PictureList::Block& block) {
    for (std::size_t i = 0; i < block.pictures.size(); ++i) {
      result.by_path[list.path(block.pictures[i])] = std::move(block.read[i]);
    }
  });
  return result;
}

PictureList list_of(std::vector<std::string> sources) { return PictureList(sources); }

constexpr Shape kSmall{.channels = 1, .height = 5, .width = 5};

TEST(PictureList, TakesFoldersOfClassesAsAnImportDoes) {
  const TempFolder folder;
  const std::string photos = folder / "photos";
  for (unsigned i = 0; i < 6; ++i) {
    write_picture(photos + (i % 2 == 0 ? "/cat/" : "/dog/") + std::to_string(i) + ".png", i);
  }
  const std::vector<std::string> sources{photos};
  import_dataset(sources, folder / "out.h5",
                 {.size = {5, 5}, .crop_square = true, .colour = ImportColour::grey});
  const Dataset dataset = Dataset::open(folder / "out.h5");
  ASSERT_TRUE(dataset.preparation());
  EXPECT_EQ(*dataset.preparation(),
            (Preparation{.crop_square = true, .grey = true, .size = {5, 5}}));
  const PictureList list(sources);
  ASSERT_EQ(list.size(), dataset.size());
  EXPECT_TRUE(list.has_classes());
  const ReadPictures read =
      read_all(list, {.preparation = *dataset.preparation(), .shape = kSmall});
  EXPECT_TRUE(read.whole);
  std::vector<Index> all;
  std::vector<std::byte> sample(25);
  for (Index i = 0; i < list.size(); ++i) {
    all.push_back(i);
    EXPECT_EQ(list.path(i), dataset.paths()[static_cast<std::size_t>(i)]);
    const Index one[] = {i};
    dataset.read(one, sample.data());
    const Picture& own = read.by_path.at(list.path(i));
    EXPECT_EQ(own.error, "");
    EXPECT_EQ(own.height, 9);
    EXPECT_EQ(own.width, 12);
    const auto bytes = std::as_bytes(std::span(own.sample));
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), sample.begin(), sample.end()));
  }
  const SampleColumns columns = list.columns(all);
  EXPECT_EQ(columns.class_names, dataset.class_names());
  EXPECT_TRUE(std::ranges::equal(columns.labels, dataset.labels()));
}

TEST(PictureList, TakesPicturesWithoutClasses) {
  const TempFolder folder;
  write_picture(folder / "photos/cat/1.png", 1);
  write_picture(folder / "photos/loose.png", 2);
  const PictureList mixed = list_of({folder / "photos"});
  ASSERT_EQ(mixed.size(), 2);
  EXPECT_FALSE(mixed.has_classes());
  EXPECT_EQ(mixed.class_name(0), "cat");
  EXPECT_EQ(mixed.class_name(1), "");
  ASSERT_EQ(mixed.notes().size(), 1U);
  EXPECT_EQ(mixed.notes()[0], "1 of 2 pictures lie in no folder of a class: they have none");
  EXPECT_TRUE(mixed.columns(std::vector<Index>{0, 1}).labels.empty());

  const PictureList single = list_of({folder / "photos/cat/1.png", folder / "photos/loose.png"});
  ASSERT_EQ(single.size(), 2);
  EXPECT_EQ(single.where(0), folder / "photos/cat/1.png");
  EXPECT_FALSE(single.has_classes());
  // Folders that only look like splits.
  write_picture(folder / "parts/train/1.png", 1);
  write_picture(folder / "parts/test/2.png", 2);
  EXPECT_EQ(list_of({folder / "parts"}).size(), 2);
}

TEST(PictureList, SaysWhatIsNoPicture) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "empty");
  expect_error(ErrorKind::data, "no pictures", [&] { list_of({folder / "empty"}); });
  expect_error(ErrorKind::no_input, "nowhere", [&] { list_of({folder / "nowhere"}); });
  write_picture(folder / "photos/a/1.png", 1);
  std::ofstream(folder / "photos/a/notes.txt") << "words";
  const PictureList list = list_of({folder / "photos"});
  ASSERT_EQ(list.left_out().size(), 1U);
  EXPECT_NE(list.left_out()[0].find("notes.txt: is no image file"), std::string::npos);
}

TEST(PictureList, LeavesWhatCannotBeReadToTheCaller) {
  const TempFolder folder;
  for (unsigned i = 0; i < 400; ++i) {  // more than a block
    write_picture(folder / ("photos/a/" + std::to_string(i) + ".png"), i % 5);
  }
  std::ofstream(folder / "photos/a/broken.png") << "no picture";
  for (const int threads : {1, 3}) {
    const ReadPictures read =
        read_all(list_of({folder / "photos"}), {.shape = {3, 4, 6}, .digest = true}, threads);
    ASSERT_EQ(read.by_path.size(), 401U);
    EXPECT_NE(read.by_path.at("a/broken.png").error.find("broken.png"), std::string::npos);
    const Picture& whole = read.by_path.at("a/7.png");
    EXPECT_EQ(whole.error, "");
    EXPECT_EQ(whole.sample.size(), 72U);
    EXPECT_EQ(whole.digest, read.by_path.at("a/2.png").digest);
    EXPECT_NE(whole.digest, read.by_path.at("a/3.png").digest);
  }
}

TEST(PictureList, ReadsArchivesAndRegions) {
  const TempFolder folder;
  test::write_zip(folder / "photos.zip", {{"a/1.png", encode_png(picture(9, 12, 1))},
                                          {"b/2.png", encode_png(picture(20, 30, 2))}});
  PictureList list = list_of({folder / "photos.zip"});
  std::ofstream(folder / "boxes.csv") << "a/1.png,2,1,6,4\n";
  PictureRegions regions = PictureRegions::read_boxes(folder / "boxes.csv");
  list.set_regions(regions);
  const ReadPictures read = read_all(list, {.shape = {3, 4, 6}});
  const Picture& cut = read.by_path.at("a/1.png");
  EXPECT_EQ(cut.height, 4);
  EXPECT_EQ(cut.width, 6);
  const Image whole = picture(9, 12, 1);
  EXPECT_EQ(cut.sample[0], whole.pixels[(1 * 12 + 2) * 3]);
  EXPECT_NE(read.by_path.at("b/2.png").error.find("has no line in"), std::string::npos);
}

TEST(PictureList, EndsWhereItIsAskedTo) {
  const TempFolder folder;
  write_picture(folder / "photos/a/1.png", 1);
  struct Impatient : WorkObserver {
    bool stop_requested() override { return true; }
  } impatient;
  const Workers workers(1);
  EXPECT_FALSE(list_of({folder / "photos"})
                   .read(
                       {.shape = kSmall}, workers, [](PictureList::Block&) {}, &impatient));
}

std::vector<std::byte> file_of(const std::string& content) {
  const auto bytes = std::as_bytes(std::span(content));
  return {bytes.begin(), bytes.end()};
}

TEST(PictureDecoder, MakesSamplesThumbnailsAndDigests) {
  PictureDecoder decoder({.shape = kSmall, .thumbnail = 6, .digest = true}, 1);
  const std::string png = encode_png(picture(9, 12, 3));
  const Picture made = decoder.decode(file_of(png), "upload");
  EXPECT_EQ(made.error, "");
  EXPECT_EQ(made.sample.size(), 25U);
  const auto thumbnail = decode_image(std::as_bytes(std::span(made.thumbnail)), "thumbnail");
  EXPECT_EQ(thumbnail.shape, (Shape{.channels = 3, .height = 5, .width = 6}));
  EXPECT_EQ(made.thumbnail.find("Exif"), std::string::npos);
  EXPECT_EQ(made.digest.size(), 64U);
  // What cannot be read costs no more than itself.
  EXPECT_NE(decoder.decode(file_of("GIF89a"), "upload").error.find("upload"), std::string::npos);
  EXPECT_NE(decoder.decode({}, "upload").error, "");
  EXPECT_EQ(decoder.decode(file_of(png), "upload").sample, made.sample);
  EXPECT_NE(decoder.decode(file_of(png), "upload", {PictureBox{50, 50, 4, 4}, {}}).error, "");
  expect_error(ErrorKind::data, "5 x 5 x 2", [] { PictureDecoder({.shape = {2, 5, 5}}, 1); });
}

TEST(PictureDecoder, DecodesForManyThreadsAtOnce) {
  PictureDecoder decoder({.shape = kSmall}, 2);
  const std::vector<std::byte> png = file_of(encode_png(picture(40, 40, 3)));
  const std::vector<std::uint8_t> expected = decoder.decode(png, "upload").sample;
  const Workers workers(4);
  std::vector<int> equal(64);
  workers.for_each(64, [&](Index i, int /*worker*/) {
    equal[static_cast<std::size_t>(i)] = decoder.decode(png, "upload").sample == expected ? 1 : 0;
  });
  EXPECT_EQ(std::count(equal.begin(), equal.end(), 1), 64);
}

TEST(Preparation, ComesBackFromItsText) {
  const Preparation all{.bits = 12,
                        .inverted = true,
                        .crop = {30, 40},
                        .crop_square = true,
                        .grey = true,
                        .size = {28, 24},
                        .bicubic = true};
  EXPECT_EQ(preparation_of(text_of(all), "m"), all);
  EXPECT_EQ(text_of(Preparation{}), "{}");
  EXPECT_EQ(preparation_of("{}", "m"), Preparation{});
  EXPECT_EQ(description_of(all),
            "12 bits, inverted, the middle 30 x 40, the largest square in the middle, grey, "
            "28 x 24 (bicubic)");
  expect_error(ErrorKind::data, "is not known to this version",
               [] { preparation_of(R"({"size":[4,4],"rotate":90})", "m"); });
  expect_error(ErrorKind::data, "size is [0,4]", [] { preparation_of(R"({"size":[0,4]})", "m"); });
  expect_error(ErrorKind::data, "bits is 3", [] { preparation_of(R"({"bits":3})", "m"); });
  expect_error(ErrorKind::data, "is no JSON object", [] { preparation_of("[]", "m"); });
  expect_error(ErrorKind::data, "m", [] { preparation_of("{", "m"); });
}

}  // namespace
}  // namespace kindred
