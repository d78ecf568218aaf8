// Lists of pairs: LFW's text lists, and CSV.
#include "data/embeddings/pair_text.h"
#include "fuzz.h"

KINDRED_FUZZ_TARGET(pairs) {
  using namespace kindred;
  static const std::vector<std::string> paths{"Anna_Lee/Anna_Lee_0001.jpg",
                                              "Anna_Lee/Anna_Lee_0002.jpg", "Bo/Bo_0001.jpg"};
  static const std::vector<std::int64_t> no_labels;
  const PairList list = parse_pairs(bytes, "it", {3, paths, no_labels});
  fuzz::require(list.first.size() == list.second.size() && list.first.size() == list.same.size());
  for (std::size_t i = 0; i < list.first.size(); ++i) {
    fuzz::require(list.first[i] >= 0 && list.first[i] < 3);
    fuzz::require(list.second[i] >= 0 && list.second[i] < 3);
  }
}
