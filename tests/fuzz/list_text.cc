// The reader of lists itself, and the keys by which names are found.
#include "data/text/list_text.h"

#include "data/text/path_index.h"
#include "data/text/text_encoding.h"
#include "fuzz.h"

KINDRED_FUZZ_TARGET(list_text) {
  using namespace kindred;
  const ListText list(std::as_bytes(std::span(bytes)), "it");
  static const std::vector<std::string> paths{"a/1.jpg", "a/2.jpg", "b/caf\xC3\xA9.png"};
  PathIndex index(paths);
  std::size_t line = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const ListRow row = list[i];
    fuzz::require(row.line > line && !row.fields.empty());
    line = row.line;
    for (const std::string_view field : row.fields) {
      fuzz::require(index.find(field) < 3);
      fuzz::require(name_key(name_key(field)) == name_key(field));
    }
  }
}
