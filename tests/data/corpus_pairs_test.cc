// Lists of pairs as they are published and exported.
#include "kindred/data/pair_list.h"

#include <gtest/gtest.h>

#include <fstream>

#include "support/temp_folder.h"

namespace kindred {
namespace {

using namespace std::string_literals;

struct PairCase {
  std::string_view what;
  std::string text;
  /// "0-1=1/7": rows, same, and the fold where there is one; or "!" and a part of the error.
  std::string expected;
};

std::string pairs_of(const std::string& text) {
  const test::TempFolder folder;
  std::ofstream(folder / "pairs.csv", std::ios::binary) << text;
  EmbeddingFile file;
  file.embeddings = Matrix(4, 1);
  file.paths = {"p/a.jpg", "p/b.jpg", "p/c d.jpg", "q/caf\xC3\xA9.jpg"};
  try {
    const PairList list = read_pair_list(folder / "pairs.csv", file);
    std::string found;
    for (std::size_t i = 0; i < list.first.size(); ++i) {
      found += (i == 0 ? "" : " ") + std::to_string(list.first[i]) + "-" +
               std::to_string(list.second[i]) + "=" + std::to_string(list.same[i]);
      if (!list.fold.empty()) found += "/" + std::to_string(list.fold[i]);
    }
    return found;
  } catch (const Error& error) {
    return std::string("!") + error.what();
  }
}

TEST(PairCorpus, ListsAreReadHoweverTheyAreWritten) {
  const std::vector<PairCase> cases{
      {"rows", "0,1,1\n0,2,0\n", "0-1=1 0-2=0"},
      {"paths", "p/a.jpg,p/b.jpg,1\n", "0-1=1"},
      {"names", "a,b,1\n", "0-1=1"},
      {"names with extensions", "a.jpg,b.jpg,1\n", "0-1=1"},
      {"a header", "first,second,same\na,b,1\n", "0-1=1"},
      {"a header of other words", "Bild A,Bild B,gleich\na,b,1\na,p/c d.jpg,0\n", "0-1=1 0-2=0"},
      {"columns in another order", "same,path1,path2\n1,a,b\n0,b,a\n", "0-1=1 1-0=0"},
      {"columns nobody asked for", "path1,path2,distance,label\na,b,0.5,1\n", "0-1=1"},
      {"a header and folds", "img1,img2,issame,fold\na,b,1,3\n", "0-1=1/3"},
      {"a mark before the header",
       "\xEF\xBB\xBF"
       "first,second,same\na,b,1\n",
       "0-1=1"},
      {"a mark without a header",
       "\xEF\xBB\xBF"
       "a,b,1\nb,a,0\n",
       "0-1=1 1-0=0"},
      {"1.0 and 0.0", "a,b,1.0\nb,a,0.0\n", "0-1=1 1-0=0"},
      {"1 and -1", "a,b,-1\nb,a,1\n", "0-1=0 1-0=1"},
      {"same and different", "a,b,same\nb,a,different\n", "0-1=1 1-0=0"},
      {"True and False", "a,b,True\nb,a,False\n", "0-1=1 1-0=0"},
      {"yes and no", "a,b,yes\nb,a,no\n", "0-1=1 1-0=0"},
      {"genuine and impostor", "a,b,genuine\nb,a,impostor\n", "0-1=1 1-0=0"},
      {"0 and -1", "a,b,0\nb,a,-1\n", "!line 2: 0 and -1 are both in the list"},
      {"quotes", "\"p/a.jpg\",\"p/c d.jpg\",\"1\"\n", "0-2=1"},
      {"tabs", "p/a.jpg\tp/c d.jpg\t1\n", "0-2=1"},
      {"blanks", "p/a.jpg p/b.jpg 1\np/b.jpg p/a.jpg 0\n", "0-1=1 1-0=0"},
      {"semicolons", "a;b;1\n", "0-1=1"},
      {"blanks after commas", "a, b, 1, 4\n", "0-1=1/4"},
      {"same in front", "1 p/a.jpg p/b.jpg\n0 p/b.jpg p/a.jpg\n", "0-1=1 1-0=0"},
      {"UTF-16",
       "\xFF\xFE"
       "a\0,\0b\0,\0"
       "1\0\n\0"s,
       "0-1=1"},
      {"backslashes", "p\\a.jpg,p\\b.jpg,1\n", "0-1=1"},
      {"letters and marks apart", "q/cafe\xCC\x81.jpg,a,0\n", "3-0=0"},
      {"lines of Windows", "a,b,1\r\nb,a,0\r\n", "0-1=1 1-0=0"},
      {"LFW with a mark",
       "\xEF\xBB\xBF"
       "1\na\t1\t2\na\t1\tb\t1\n",
       "!4 of the images it names"},
      {"the first pair is no header", "a,b,maybe\nb,a,1\n", "!line 1: 'maybe' is neither 1"},
      {"another number", "a,b,1\nb,a,2\n", "!line 2: '2' is neither 1 (same) nor 0"},
      {"two fields", "a,b\n", "!line 1: has 2 fields"},
      {"a header that is longer", "first,x,second,y,z,same\na,b,1\nb,a,0\n",
       "!line 1: has 6 fields"},
      {"a header that is shorter", "first,second,same\na,b,1,2\nb,a,0,2\n",
       "!line 1: has 3 fields"},
      {"five fields without names", "a,b,1,2,3\n", "!has 5 fields"},
      {"a fold that is no number", "a,b,1,x\n", "!'x' is no fold number"},
      {"images that are not there", "a,z,1\n", "!1 of the images it names are not among the 4"},
      {"nothing", "", "!holds no pairs"},
      {"lines without fields", "\f\n \v\n", "!holds no pairs"},
  };
  for (const PairCase& one : cases) {
    SCOPED_TRACE(std::string(one.what));
    const std::string found = pairs_of(one.text);
    if (one.expected.starts_with('!')) {
      EXPECT_EQ(found.substr(0, 1), "!") << found;
      EXPECT_NE(found.find(one.expected.substr(1)), found.npos) << found;
    } else {
      EXPECT_EQ(found, one.expected);
    }
  }
}

}  // namespace
}  // namespace kindred
