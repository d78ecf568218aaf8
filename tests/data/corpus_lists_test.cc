// Lists of images as spreadsheets, scripts and people write them.
#include "support/import_corpus.h"

namespace kindred {
namespace {

using test::expect_imports;
using test::ImportCase;
using namespace std::string_literals;

// A list beside the images of "in"; cat/1 is 'a', cat/2 is 'b', dog/1 is 'c'.
ImportCase list(std::string_view what, const std::string& text, const std::string& expected,
                std::vector<std::string> said = {}, const std::string& name = "list.csv") {
  return {what,
          {{"/" + name, text}, {"cat/1.pgm", "a"}, {"cat/2.pgm", "b"}, {"dog/1.pgm", "c"}},
          expected,
          std::move(said),
          {name, "in"}};
}

std::string utf16(const std::string& ascii, bool big, bool mark) {
  std::string text = !mark ? "" : big ? "\xFE\xFF" : "\xFF\xFE";
  for (const char c : ascii) text += big ? "\0"s + c : c + "\0"s;
  return text;
}

TEST(ListCorpus, HeadersAreKnownByWhatTheyAre) {
  expect_imports({
      list("no header", "cat/1.pgm,x\ndog/1.pgm,y\n", "a:x:0 c:y:0", {"no header"}),
      list("path,label", "path,label\ncat/1.pgm,x\n", "a:x:0", {"labels column 2 ('label')"}),
      list("a mark before the header", "\xEF\xBB\xBFpath,label\ncat/1.pgm,3\ndog/1.pgm,20\n",
           "a:3:0 c:20:0", {"UTF-8 with a byte-order mark"}),
      list("a mark without a header",
           "\xEF\xBB\xBF"
           "cat/1.pgm,x\ndog/1.pgm,y\n",
           "a:x:0 c:y:0"),
      list("unknown words", "Datei,Sorte\ncat/1.pgm,3\ndog/1.pgm,20\n", "a:3:0 c:20:0",
           {"labels column 2 ('Sorte')"}),
      list("capitals and blanks", "Image Path , Class Name\ncat/1.pgm,x\n", "a:x:0"),
      list("the label first", "label,path\nx,cat/1.pgm\ny,dog/1.pgm\n", "a:x:0 c:y:0"),
      list("the label first, no header", "x,cat/1.pgm\ny,dog/1.pgm\n", "a:x:0 c:y:0"),
      list("path,label,width", "path,label,width\ncat/1.pgm,x,2\ndog/1.pgm,y,1\n", "a:x:0 c:y:0",
           {"not read: column 3 ('width')"}),
      list("path,split,label", "path,split,label\ncat/1.pgm,train,x\ndog/1.pgm,test,y\n",
           "a:x:0 c:y:2", {"splits column 2 ('split')"}),
      list("path,split,label, no header", "cat/1.pgm,train,x\ndog/1.pgm,test,y\n", "a:x:0 c:y:2"),
      list("query and gallery",
           "label,path,split,is_query,is_gallery\nx,cat/1.pgm,train,,\n"
           "y,dog/1.pgm,validation,True,True\n",
           "a:x:0 c:y:1", {"not read: column 4 ('is_query'), column 5 ('is_gallery')"}),
      list("an index in front", ",path,label\n0,cat/1.pgm,x\n1,dog/1.pgm,y\n", "a:x:0 c:y:0"),
      list("a number that is no split", "cat/1.pgm,x,640\ndog/1.pgm,y,480\n",
           "!could all be the labels; name the columns in a first line"),
      list("two that could be labels", "path,genus,kind\ncat/1.pgm,x,p\ndog/1.pgm,y,q\n",
           "!could all be the labels; say which: --labels NAME"),
      list("numbers as splits", "cat/1.pgm,7,0\ncat/2.pgm,7,1\ndog/1.pgm,9,2\n",
           "a:7:0 b:7:1 c:9:2", {"splits column 3"}),
      list("a split that is none", "cat/1.pgm,x,train\ndog/1.pgm,y,holdout\n",
           "!line 2: 'holdout' is no split"),
      list("a first line that is data", "cat/9.pgm,x\ncat/1.pgm,x\n",
           "!1 of the 2 images it names are in none of the sources, the first is 'cat/9.pgm' "
           "(line 1)"),
      list("labels that are called as files are", "cat/1.pgm,2\ncat/2.pgm,1\n", "a:2:0 b:1:0"),
      list("a header alone", "path,label\n", "!names no images"),
      list("nothing", "\n\n", "!names no images"),
      list("one column", "cat/1.pgm\ndog/1.pgm\n", "!a path and a label are expected"),
      list("a label that is missing", "path,label\ncat/1.pgm,\n", "!line 2: gives no label"),
  });
}

TEST(ListCorpus, TheColumnOfLabelsCanBeNamed) {
  ImportCase one = list("named", "path,genus,kind\ncat/1.pgm,x,p\ndog/1.pgm,y,q\n", "a:p:0 c:q:0");
  one.options.labels = "kind";
  expect_import(one);
  one.options.labels = "size";
  one.expected = "!no column is called 'size'";
  expect_import(one);
}

TEST(ListCorpus, SeparatorsQuotesAndEncodingsAreFoundOut) {
  expect_imports({
      list("semicolons", "path;label\ncat/1.pgm;x\ndog/1.pgm;y\n", "a:x:0 c:y:0",
           {"separated by semicolons"}),
      list("semicolons and commas in fields", "path;label\ncat/1.pgm;x,1\ndog/1.pgm;y,2\n",
           "a:x,1:0 c:y,2:0"),
      list("tabs in a .csv", "cat/1.pgm\tx\ndog/1.pgm\ty\n", "a:x:0 c:y:0", {"separated by tabs"}),
      list("commas in a .tsv", "cat/1.pgm,x\ndog/1.pgm,y\n", "a:x:0 c:y:0", {}, "list.tsv"),
      list("tabs in a .tsv", "cat/1.pgm\tx\ndog/1.pgm\ty\n", "a:x:0 c:y:0", {}, "list.tsv"),
      list("bars", "cat/1.pgm|x\ndog/1.pgm|y\n", "a:x:0 c:y:0", {"separated by bars"}),
      list("blanks", "cat/1.pgm x\ndog/1.pgm  y\n", "a:x:0 c:y:0", {"separated by blanks"}),
      list("blanks after commas", "path, label\ncat/1.pgm, x\ndog/1.pgm, y\n", "a:x:0 c:y:0"),
      list("a line that names the separator", "sep=;\npath;label\ncat/1.pgm;x\n", "a:x:0"),
      list("quotes", "\"path\",\"label\"\n\"cat/1.pgm\",\"x, \"\"y\"\"\"\n", "a:x, \"y\":0"),
      list("quotes after a blank", "cat/1.pgm, \"x\"\ndog/1.pgm, \"y\"\n", "a:x:0 c:y:0"),
      list("a quote inside of a field", "cat/1.pgm,5\" disk\ndog/1.pgm,y\n", "a:5\" disk:0 c:y:0"),
      list("a line break in quotes", "cat/1.pgm,\"x\ny\"\ndog/1.pgm,z\n", "a:x\ny:0 c:z:0"),
      list("a quote that nothing closes", "cat/1.pgm,x\ndog/1.pgm,\"y\n",
           "!line 2: a quote is opened that nothing closes"),
      list("lines of Windows", "path,label\r\ncat/1.pgm,x\r\n\r\ndog/1.pgm,y\r\n", "a:x:0 c:y:0"),
      list("lines of old spreadsheets", "path,label\rcat/1.pgm,x\rdog/1.pgm,y\r", "a:x:0 c:y:0"),
      list("UTF-16", utf16("path,label\ncat/1.pgm,x\n", false, true), "a:x:0", {"UTF-16"}),
      list("UTF-16, the other way", utf16("path,label\ncat/1.pgm,x\n", true, true), "a:x:0"),
      list("UTF-16 without a mark", utf16("path,label\ncat/1.pgm,x\n", false, false), "a:x:0"),
      list("UTF-16 with tabs", utf16("path\tlabel\ncat/1.pgm\tx\n", false, true), "a:x:0"),
      list("zero bytes", "cat/1.pgm,x\0\0\0\n"s, "!holds zero bytes"),
      list("lines of different lengths", "cat/1.pgm,x\ncat/2.pgm,x\ndog/1.pgm,y,z,z\n",
           "!line 3: has 4 fields, most lines have 2"),
  });
}

TEST(ListCorpus, NamesAreFoundHoweverTheyAreSpelt) {
  const std::string composed = "caf\xC3\xA9";  // NFC
  const std::string apart = "cafe\xCC\x81";    // NFD
  const std::string hangul = "\xEA\xB0\x80";   // one syllable
  const std::string letters = "\xE1\x84\x80\xE1\x85\xA1";
  expect_imports({
      list("backslashes", "path,label\ncat\\1.pgm,x\ndog\\1.pgm,y\n", "a:x:0 c:y:0"),
      list("a dot in front", "./cat/1.pgm,x\n./dog/1.pgm,y\n", "a:x:0 c:y:0"),
      list("folders more", "data/in/cat/1.pgm,x\ndata/in/dog/1.pgm,y\n", "a:x:0 c:y:0",
           {"by the end of their path"}),
      list("a drive in front", "C:\\data\\cat\\1.pgm,x\nC:\\data\\dog\\1.pgm,y\n", "a:x:0 c:y:0"),
      list("folders more that differ", "p/cat/1.pgm,x\nq/dog/1.pgm,y\n",
           "!1 of the 2 images it names are in none of the sources"),
      list("without extension", "id,breed\ncat/1,x\ndog/1,y\n", "a:x:0 c:y:0"),
      list("a name alone that is two", "path,label\n1.pgm,x\ncat/2.pgm,y\n",
           "!'1.pgm' may be several images"),
      {"ids, as of dog breeds",
       {{"/labels.csv", "id,breed\n00a1,boxer\n00b2,pug\n"}, {"00a1.pgm", "a"}, {"00b2.pgm", "b"}},
       "a:boxer:0 b:pug:0",
       {},
       {"labels.csv", "in"}},
      {"Image and Id, as of whales",
       {{"/train.csv", "Image,Id\nf1.pgm,w_7\nf2.pgm,w_9\n"}, {"f1.pgm", "a"}, {"f2.pgm", "b"}},
       "a:w_7:0 b:w_9:0",
       {},
       {"train.csv", "in"}},
      {"letters and marks apart on disk",
       {{"/list.csv", "path,label\n" + composed + "/1.pgm,x\n"}, {apart + "/1.pgm", "a"}},
       "a:x:0",
       {},
       {"list.csv", "in"}},
      {"letters and marks apart in the list",
       {{"/list.csv", "path,label\n" + apart + "/1.pgm,x\n"}, {composed + "/1.pgm", "a"}},
       "a:x:0",
       {},
       {"list.csv", "in"}},
      {"Hangul apart on disk",
       {{"/list.csv", "path,label\n" + hangul + "/1.pgm,x\n"}, {letters + "/1.pgm", "a"}},
       "a:x:0",
       {},
       {"list.csv", "in"}},
      {"a list in Windows-1252",
       {{"/list.csv", "path,label\ncaf\xE9/1.pgm,x\n"}, {composed + "/1.pgm", "a"}},
       "a:x:0",
       {},
       {"list.csv", "in"}},
      {"images around the list",
       {{"list.csv", "path,label\ncat/1.pgm,x\ncat\\2.pgm,y\n"},
        {"cat/1.pgm", "a"},
        {"cat/2.pgm", "b"}},
       "a:x:0 b:y:0",
       {},
       {"in/list.csv"}},
      {"images around the list, by id",
       {{"list.csv", "id,breed\n1,x\n2,y\n"}, {"pics/1.pgm", "a"}, {"pics/2.pgm", "b"}},
       "a:x:0 b:y:0",
       {},
       {"in/list.csv"}},
      {"images of an archive",
       {{"/list.csv", "path,label\ncat/1.pgm,x\n"}, {"x.zip:set/cat/1.pgm", "a"}},
       "a:x:0",
       {},
       {"list.csv", "x.zip"}},
  });
}

TEST(ListCorpus, LabelsFollowTheOneRule) {
  const auto labels = [](std::string_view what, const std::string& first, const std::string& second,
                         const std::string& expected) {
    return list(what, "path,label\ncat/1.pgm," + first + "\ndog/1.pgm," + second + "\n", expected);
  };
  expect_imports({
      labels("numbers", "3", "20", "a:3:0 c:20:0"),
      labels("numbers as pandas writes them", "3.0", "20.0", "a:3:0 c:20:0"),
      labels("large numbers", "1152921504606846977", "1152921504606846978",
             "a:1152921504606846977:0 c:1152921504606846978:0"),
      labels("numbers beyond 64 bits", "18446744073709551616", "18446744073709551617",
             "a:18446744073709551616:0 c:18446744073709551617:0"),
      labels("zeros in front", "007", "7", "a:007:0 c:7:0"),
      labels("a number and a name", "3", "cat", "a:3:0 c:cat:0"),
      labels("a fraction", "0.5", "1", "!row 0 is 0.5; labels are whole numbers"),
      labels("a negative number", "-1", "4", "!1 of 2 are negative"),
  });
  ImportCase negative = labels("dropped", "-1", "4", "c:4:0");
  negative.options.negative_labels = "drop";
  negative.said = {"1 of 2 samples have negative labels and are left out"};
  expect_import(negative);
  negative.options.negative_labels = "class";
  negative.expected = "a:-1:0 c:4:0";
  negative.said = {"2 different numbers, some negative"};
  expect_import(negative);
}

TEST(ListCorpus, ListsOfDataSetsMayBeginWithAMark) {
  expect_imports({
      {"CUB",
       {{"images.txt",
         "\xEF\xBB\xBF"
         "1 A/1.pgm\n2 B/1.pgm\n"},
        {"image_class_labels.txt",
         "\xEF\xBB\xBF"
         "1 1\n2 2\n"},
        {"images/A/1.pgm", "a"},
        {"images/B/1.pgm", "b"}},
       "a:0:0 b:1:2",
       {"read as cub"}},
      {"Stanford Online Products",
       {{"Ebay_train.txt",
         utf16("image_id class_id super_class_id path\n1 5 2 b/1.pgm\n", false, true)},
        {"b/1.pgm", "a"}},
       "a:5:0"},
      {"In-Shop",
       {{"list_eval_partition.txt",
         "\xEF\xBB\xBF"
         "1\nimage_name item_id evaluation_status\n"
         "img/1.pgm id_1 query\nimg/2.pgm id_1 train\n"},
        {"img/1.pgm", "a"},
        {"img/2.pgm", "b"}},
       "a:id_1:2 b:id_1:0"},
      {"people",
       {{"/peopleDevTrain.txt",
         "\xEF\xBB\xBF"
         "1\nAnn\t1\n"},
        {"/peopleDevTest.txt", "1\nBo\t1\n"},
        {"Ann/Ann_0001.pgm", "a"},
        {"Bo/Bo_0001.pgm", "b"}},
       "a:Ann:0 b:Bo:2",
       {"read as lfw"},
       {"in", "peopleDevTrain.txt", "peopleDevTest.txt"}},
  });
}

}  // namespace
}  // namespace kindred
