// What an output may take the place of, and what is kept from it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/files/file_lock.h"
#include "kindred/data/embedding_file.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/data/hdf5_kinds.h"
#include "kindred/data/import.h"
#include "support/small_data.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using test::expect_error;
using test::TempFolder;

void write_numbers(const std::string& path, const std::vector<std::string>& names) {
  Hdf5Writer writer(path);
  for (const std::string& name : names) {
    writer.write<float>(name, {1, 1}, std::vector<float>{1});
  }
  writer.finish();
}

void write_picture(const std::string& path) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << "P5 4 4 255 " << std::string(16, 'x');
}

TEST(Hdf5Kinds, AreToldApartByWhatIsInside) {
  const TempFolder folder;
  write_picture(folder / "pictures/a/1.pgm");
  import_dataset(std::vector<std::string>{folder / "pictures"}, folder / "data set", {});
  EmbeddingFile embeddings;
  embeddings.embeddings = Matrix(2, 3);
  write_embedding_file(folder / "embeddings", embeddings);
  write_numbers(folder / "neighbors", {"neighbors", "scores"});
  write_numbers(folder / "clusters", {"labels", "clusters"});
  write_numbers(folder / "gradients", {"grad_embeddings"});
  write_numbers(folder / "all gradients", {"grad_embeddings", "grad_param", "centers_after"});
  write_numbers(folder / "others' embeddings", {"embeddings", "labels"});
  write_numbers(folder / "others' data", {"images", "labels"});
  write_numbers(folder / "more", {"neighbors", "scores", "notes"});
  std::ofstream(folder / "text") << "neighbors";
  fs::copy_file(folder / "data set", folder / "damaged");
  fs::resize_file(folder / "damaged", fs::file_size(folder / "damaged") / 2);
  struct Row {
    const char* file;
    const FileKind* kind;  // the only one
  };
  for (const auto& [file, own] : {Row{"data set", &kDataSetFile},
                                  {"embeddings", &kEmbeddingsFile},
                                  {"neighbors", &kNeighborsFile},
                                  {"clusters", &kClustersFile},
                                  {"gradients", &kGradientsFile},
                                  {"all gradients", &kGradientsFile},
                                  {"others' embeddings", nullptr},
                                  {"others' data", nullptr},
                                  {"more", nullptr},
                                  {"text", nullptr},
                                  {"damaged", nullptr}}) {
    for (const FileKind* kind :
         {&kDataSetFile, &kEmbeddingsFile, &kNeighborsFile, &kClustersFile, &kGradientsFile}) {
      EXPECT_EQ(kind->is(folder / file), kind == own) << file << ": " << kind->name;
    }
  }
}

TEST(ImportedDataSet, IsKeptFromOtherProcesses) {
  const TempFolder folder;
  write_picture(folder / "pictures/a/1.pgm");
  const std::vector<std::string> sources{folder / "pictures"};
  {
    const FileLock held = FileLock::of_output(folder / "out.h5");
    expect_error(ErrorKind::cannot_create, "out.h5: another process (pid ",
                 [&] { import_dataset(sources, folder / "out.h5", {}); });
  }
  import_dataset(sources, folder / "out.h5", {});
  EXPECT_FALSE(fs::exists(folder / "out.h5.lock"));
}

// Images of a list lie anywhere: no folder tells of them.
TEST(ImportedList, KeepsItsImagesFromWhatIsWrittenBesideTheDataSet) {
  const TempFolder folder;
  write_picture(folder / "elsewhere/1.pgm");
  write_picture(folder / "elsewhere/2.pgm");
  fs::create_hard_link(folder / "elsewhere/2.pgm", folder / "twin.png");
  std::ofstream(folder / "list.csv") << "elsewhere/1.pgm,a\nelsewhere/2.pgm,b\n";
  const std::vector<std::string> sources{folder / "list.csv"};
  for (const char* target : {"elsewhere/1.pgm", "twin.png"}) {
    ImportOptions options;
    options.also_written = {folder / target};
    expect_error(ErrorKind::usage, "and would be written over",
                 [&] { import_dataset(sources, folder / "out.h5", options); });
    EXPECT_FALSE(fs::exists(folder / "out.h5"));
  }
  ImportOptions options;
  options.also_written = {folder / "sheet.png"};
  EXPECT_EQ(import_dataset(sources, folder / "out.h5", options).samples, 2);
}

}  // namespace
}  // namespace kindred
