// Lists of images: CSV, LFW's people, CUB, Stanford Online Products, In-Shop. The first byte says
// which; a zero separates two files.
#include <array>
#include <filesystem>

#include "data/import/import_formats.h"
#include "fuzz.h"

using namespace kindred;

namespace {

struct Kind {
  std::string folder;
  std::array<std::string, 2> lists;
  bool first;  // the first list is a source of its own
  ImportPlan (*plan)(const SourceFiles& files, const ImportOptions& options);
};

const std::array<Kind, 5>& kinds() {
  static const std::array<Kind, 5> all{
      Kind{"csv", {"list.csv", "list.tsv"}, true, plan_list},
      Kind{"lfw", {"peopleDevTrain.txt", "people.txt"}, false, plan_lfw},
      Kind{"cub", {"images.txt", "image_class_labels.txt"}, false, plan_cub},
      Kind{"sop", {"Ebay_train.txt", "Ebay_test.txt"}, false, plan_sop},
      Kind{"inshop", {"list_eval_partition.txt", "other.txt"}, false, plan_inshop}};
  return all;
}

void make_folders_once() {
  static const bool made = [] {
    for (const Kind& kind : kinds()) {
      for (const char* name : {"A", "B"}) {
        const std::string folder = fuzz::scratch(kind.folder + "/in/" + name);
        std::filesystem::create_directories(folder);
        fuzz::write(folder + "/" + name + "_0001.jpg", "");
        fuzz::write(folder + "/" + name + "_0002.jpg", "");
      }
    }
    return true;
  }();
  fuzz::require(made);
}

}  // namespace

KINDRED_FUZZ_TARGET(lists) {
  if (bytes.empty()) return;
  make_folders_once();
  const Kind& kind = kinds()[static_cast<unsigned char>(bytes[0]) % kinds().size()];
  const std::size_t end = bytes.find('\0', 1);
  const std::string folder = fuzz::scratch(kind.folder) + "/";
  fuzz::write(folder + kind.lists[0], bytes.substr(1, end == bytes.npos ? end : end - 1));
  fuzz::write(folder + kind.lists[1], end == bytes.npos ? "" : bytes.substr(end + 1));
  const std::vector<std::string> sources =
      kind.first
          ? std::vector<std::string>{folder + kind.lists[bytes.size() % 2], folder + "in"}
          : std::vector<std::string>{folder + "in", folder + kind.lists[0], folder + kind.lists[1]};
  const SourceFiles files(sources);
  const ImportPlan plan = kind.plan(files, {});
  for (const ImportItem& item : plan.items) {
    fuzz::require(item.place >= 0 && item.split <= 2);
    plan.images->where(item.place);
  }
}
