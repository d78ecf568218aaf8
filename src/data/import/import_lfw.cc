#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "data/import/import_formats.h"
#include "data/import/import_names.h"
#include "data/text/path_index.h"
#include "data/text/split_names.h"
#include "data/text/text_encoding.h"
#include "data/text/text_lines.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

/// What the lists of people say.
struct People {
  std::map<std::string, std::uint8_t> split;
  std::map<std::string, std::int64_t> fold;
  bool train = false;
  bool test = false;
};

// Anna_Lee/Anna_Lee_0001.jpg: the person, or "".
std::string person_of(const SourceFile& file) {
  const std::vector<std::string> parts = SourceFiles::parts(file.name);
  if (parts.size() < 2 || !is_image_name(file.name)) return "";
  const std::string& person = parts[parts.size() - 2];
  const std::string_view name = stem(parts.back());
  const bool numbered =
      name.size() == person.size() + 5 && name.starts_with(person) && name[person.size()] == '_' &&
      std::all_of(name.end() - 4, name.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  return numbered ? person : "";
}

// "4038", then as many lines NAME COUNT; or "10", then ten times such a list.
void read_people(const SourceFile& file, const std::vector<TextLine>& lines, People& people) {
  const auto refuse = [&](const TextLine& line, const std::string& why) {
    fail(ErrorKind::data, fmt::format("{}: line {}: {}", file.where, line.number, why));
  };
  const bool folds = fields_of(lines[1].text, " \t").size() == 1;
  const std::optional<std::uint8_t> split = split_in_name(file.name);
  if (!folds && !split) {
    refuse(lines[0],
           "a list of people without folds is a split; its name must have train or test "
           "in it to say which");
  }
  if (!folds) (split == 0 ? people.train : people.test) = true;
  std::int64_t fold = -1;
  std::int64_t left = folds ? 0 : whole_number(lines[0].text).value_or(-1);
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string_view> fields = fields_of(lines[i].text, " \t");
    if (folds && left == 0) {
      left = whole_number(lines[i].text).value_or(-1);
      if (left < 1) refuse(lines[i], "the number of people in a fold is expected");
      ++fold;
      continue;
    }
    if (fields.size() != 2 || !whole_number(fields[1]) || left-- <= 0) {
      refuse(lines[i], "NAME COUNT is expected, as often as the number before says");
    }
    if (folds) people.fold[std::string(fields[0])] = fold;
    if (!folds) people.split[std::string(fields[0])] = *split;
  }
  if (left != 0) refuse(lines.back(), fmt::format("the list ends {} people too early", left));
}

}  // namespace

// Folders called as splits would lose them, and equal names in several folders would merge.
bool detect_lfw(const SourceFiles& files) {
  std::set<std::string> above;  // the folders of people, with their source
  bool splits = false;
  const bool people = nearly_all_images(files, [&](const SourceFile& file) {
    const std::string person = person_of(file);
    if (person.empty()) return false;
    const std::vector<std::string> parts = SourceFiles::parts(file.name);
    splits = splits || split_of_folder(source_stem(files, file.source)) ||
             std::any_of(parts.begin(), parts.end() - 1,
                         [](const std::string& part) { return split_of_folder(part).has_value(); });
    above.insert(fmt::format("{}:{}", file.source, fmt::join(parts.begin(), parts.end() - 2, "/")));
    return true;
  });
  std::set<std::string> sources;
  for (const std::string& folder : above) sources.insert(folder.substr(0, folder.find(':')));
  return people && !splits && above.size() == sources.size();
}

// NAME/NAME_0001.jpg, and text lists: of people (splits, folds) and of pairs.
ImportPlan plan_lfw(const SourceFiles& files, const ImportOptions& /*options*/) {
  ImportPlan plan;
  plan.source = names_of(files);
  plan.images = images_in_files(files);
  People people;
  std::set<std::string> seen;
  for (Index i = 0; i < static_cast<Index>(files.files().size()); ++i) {
    const SourceFile& file = files[i];
    ImportItem item;
    item.class_name = person_of(file);
    if (!item.class_name.empty()) {
      item.path = file.name;
      item.place = i;
      item.source = file.source;
      seen.insert(item.class_name);
      plan.items.push_back(std::move(item));
      continue;
    }
    const bool is_list =
        !file.path.empty() && file.name.ends_with(".txt") && file.name.find('/') == file.name.npos;
    if (!is_list) {
      plan.left_out.push_back(fmt::format("{}: is no NAME/NAME_0001.jpg", file.where));
      continue;
    }
    const std::string text = decode_text(files.content(i)).text;
    const std::vector<TextLine> lines = lines_of(text);
    const bool of_pairs = lines.size() > 1 && fields_of(lines[1].text, " \t").size() > 2;
    if (of_pairs) {
      plan.pair_lists.push_back(file.path);
    } else if (lines.size() > 1 && whole_number(lines[0].text)) {
      read_people(file, lines, people);
    } else {
      plan.left_out.push_back(fmt::format("{}: is no list of people or pairs", file.where));
    }
  }
  if (plan.items.empty()) {
    fail(ErrorKind::data, fmt::format("{}: holds no NAME/NAME_0001.jpg as LFW does",
                                      fmt::join(files.sources(), " ")));
  }
  // Who is in neither list is on the side that has none.
  const std::uint8_t others = people.train && !people.test ? 2 : 0;
  if (!people.fold.empty()) plan.group_name = "people_fold";
  for (ImportItem& item : plan.items) {
    const auto split = people.split.find(item.class_name);
    item.split = split == people.split.end() ? others : split->second;
    const auto fold = people.fold.find(item.class_name);
    item.group = fold == people.fold.end() ? -1 : fold->second;
  }
  const auto missing = std::count_if(people.split.begin(), people.split.end(),
                                     [&](const auto& one) { return !seen.contains(one.first); });
  if (missing > 0) {
    plan.notes.push_back(fmt::format("{} people of the lists have no image", missing));
  }
  return plan;
}

}  // namespace kindred
