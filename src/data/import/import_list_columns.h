#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/text/list_text.h"
#include "kindred/core/function_ref.h"

namespace kindred {

/// Which columns of a list of images are what.
struct ImportListColumns {
  std::size_t path = 0;
  std::size_t label = 1;
  std::optional<std::size_t> split;
  bool header = false;             ///< the first row names them
  std::string label_name;          ///< for messages
  std::vector<std::string> notes;  ///< what was found out, and what is not read
};

/// By their names in a header, whatever its words; else by what they hold: the path is what
/// `is_image` knows, a split is made of train, val, test or of 0, 1, 2. `label` names the column of
/// labels, or is "". Fails with data where two could be the label, or nothing is a path.
ImportListColumns find_list_columns(const ListText& list, const std::string& label,
                                    FunctionRef<bool(std::string_view name)> is_image);

}  // namespace kindred
