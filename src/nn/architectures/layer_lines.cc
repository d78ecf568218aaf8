#include "nn/architectures/layer_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>

#include "core/texts/did_you_mean.h"
#include "kindred/core/error.h"
#include "nn/architectures/architectures.h"
#include "nn/architectures/blocks.h"
#include "nn/contract/registry.h"

namespace kindred {
namespace {

constexpr Index kMostRepeats = 256;
constexpr std::size_t kMostLayers = 4096;

/// A layer or a block as a line names it, before its channels are known.
struct LineItem {
  std::string name;                   ///< a kind, or a block
  std::vector<std::string> settings;  ///< "key=value"; keys are unique
  std::string word;                   ///< what the line calls it
  std::string where;                  ///< "layers[2] = "conv 0""
};

/// Short names, and under which key a layer's one number goes.
struct LineName {
  std::string_view word;
  std::string_view kind;
  std::string_view size;
};
constexpr LineName kNames[] = {
    {"conv", "convolution", "channels"},
    {"convolution", "convolution", "channels"},
    {"depthwise", "convolution", ""},
    {"norm", "batch_norm", ""},
    {"pool", "max_pool", "kernel"},
    {"max_pool", "max_pool", "kernel"},
    {"average_pool", "average_pool", "kernel"},
    {"global_pool", "global_average_pool", ""},
    {"linear", "linear", "features"},
    {"dropout", "dropout", "rate"},
    {"squeeze_excite", "squeeze_excite", "channels"},
    {"residual", "residual", "channels"},
    {"bottleneck", "bottleneck", "channels"},
    {"inverted", "inverted", "channels"},
};

bool is_block(const std::string& name) {
  return name == "residual" || name == "bottleneck" || name == "inverted";
}

std::optional<Index> whole_number(std::string_view word) {
  Index value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

SettingValue value_of(const std::string& setting) {
  const std::string text = setting.substr(setting.find('=') + 1);
  if (const std::optional<Index> whole = whole_number(text)) return *whole;
  if (text == "true" || text == "false") return text == "true";
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  return text;
}

std::string key_of(const std::string& setting) { return setting.substr(0, setting.find('=')); }

/// The names that a line may begin a layer with.
std::vector<std::string> known_names() {
  std::vector<std::string> names;
  for (const LineName& name : kNames) names.emplace_back(name.word);
  for (const LayerKind* kind : layer_kinds()) {
    // Made of chains of their own.
    if (std::string_view(kind->name) != "concatenate") names.emplace_back(kind->name);
  }
  return names;
}

class LineReader {
 public:
  explicit LineReader(Section model) : model_(model), names_(known_names()) {}

  void add(const std::string& line, std::size_t number) {
    where_ = fmt::format("layers[{}] = \"{}\"", number, line);
    std::vector<std::string> words;
    std::istringstream text(line);
    for (std::string word; text >> word;) words.push_back(word);
    const Index turns = take_turns(words);
    const std::vector<LineItem> items = read_items(words);
    for (Index turn = 0; turn < turns; ++turn) {
      for (LineItem item : items) {
        if (turn > 0 && (item.name == "convolution" || is_block(item.name))) {
          std::erase_if(item.settings, [](const auto& set) { return key_of(set) == "stride"; });
        }
        items_.push_back(std::move(item));
      }
    }
    if (items_.size() > kMostLayers) {
      fail(fmt::format("more than {} layers; give fewer or smaller repeats", kMostLayers));
    }
  }

  std::vector<LayerSpec> layers(Shape shape) const {
    std::vector<LayerSpec> layers;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      const bool before_norm = i + 1 < items_.size() && items_[i + 1].name == "batch_norm";
      const std::size_t known = layers.size();
      try {
        append(items_[i], before_norm, shape.channels, layers);
        for (std::size_t j = known; j < layers.size(); ++j) {
          number(layers[j], fmt::format("layers.{}", j));
          shape = dst_shape({layers[j]}, shape);
        }
      } catch (const Misfit& misfit) {
        model_.fail(fmt::format("{}: {}", items_[i].where, misfit.what()));
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::recipe) throw;
        model_.fail(error.what());
      }
    }
    return layers;
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    model_.fail(fmt::format("{}: {}", where_, problem));
  }

  /// "x3" at the end.
  Index take_turns(std::vector<std::string>& words) const {
    if (words.empty()) fail("it names no layer");
    const std::string& last = words.back();
    if (last.size() < 2 || last[0] != 'x') return 1;
    const std::optional<Index> turns = whole_number(std::string_view(last).substr(1));
    if (!turns) return 1;
    if (*turns < 1 || *turns > kMostRepeats) {
      fail(fmt::format("'{}': expected x1 to x{}", last, kMostRepeats));
    }
    const Index found = *turns;
    words.pop_back();
    if (words.empty()) fail("it repeats no layer");
    return found;
  }

  std::vector<LineItem> read_items(const std::vector<std::string>& words) const {
    std::vector<LineItem> items;
    for (const std::string& word : words) {
      const bool digit = word[0] >= '0' && word[0] <= '9';
      if (!digit && word.find('=') == word.npos) {
        items.push_back(item_named(word));
        continue;
      }
      if (items.empty()) fail(fmt::format("'{}': expected a layer's name first", word));
      add_setting(items.back(), word, digit);
    }
    return items;
  }

  std::string unknown(const std::string& word) const {
    if (word == "concatenate") {
      return "'concatenate' has branches, which no line holds: write [[model.layers]] one by one";
    }
    if (word.size() > 1 && word[0] == 'x' && whole_number(std::string_view(word).substr(1))) {
      return fmt::format("'{}': repeats the whole line and stands at its end", word);
    }
    for (const char* key : {"stride", "kernel", "padding", "groups", "dilation", "expand"}) {
      if (word == key) return fmt::format("'{0}': write {0}= and its number as one word", word);
    }
    return fmt::format(
        "there is no layer '{}'{}", word,
        did_you_mean(word, names_, fmt::format("; a line knows {}", fmt::join(names_, ", "))));
  }

  LineItem item_named(const std::string& word) const {
    if (std::ranges::find(names_, word) == names_.end()) fail(unknown(word));
    const auto* found = std::ranges::find(kNames, word, &LineName::word);
    LineItem item{found == std::end(kNames) ? word : std::string(found->kind), {}, word, where_};
    return item;
  }

  void add_setting(LineItem& item, const std::string& word, bool digit) const {
    std::string setting = word;
    if (const std::size_t by = word.find('x'); digit && by != word.npos) {
      if (word.substr(0, by) != word.substr(by + 1)) {
        fail(fmt::format("'{}': expected a kernel as high as wide, for instance 3x3", word));
      }
      setting = "kernel=" + word.substr(0, by);
    } else if (digit) {
      const auto* name = std::ranges::find(kNames, item.name, &LineName::kind);
      if (item.word == "depthwise" || name == std::end(kNames) || name->size.empty()) {
        fail(fmt::format("'{}': {} takes no number of its own; settings are key=value", word,
                         item.word));
      }
      setting = std::string(name->size) + "=" + word;
    }
    for (const std::string& before : item.settings) {
      if (key_of(before) == key_of(setting)) {
        fail(fmt::format("'{}': {} is said twice{}", word, key_of(setting),
                         digit ? "; a kernel is written 3x3" : ""));
      }
    }
    item.settings.push_back(std::move(setting));
  }

  static void append(const LineItem& item, bool before_norm, Index src_channels,
                     std::vector<LayerSpec>& layers) {
    // What a line says is read as a table of a recipe is, with its ranges and suggestions.
    Recipe recipe = Recipe::from_text("", item.where);
    Section table = recipe.root().section(item.word);
    NamedSettings said;
    for (const std::string& setting : item.settings) {
      said.values.emplace_back(key_of(setting), value_of(setting));
    }
    table.put_settings(said);
    if (is_block(item.name)) {
      append_block(item.name, table, src_channels, layers);
    } else {
      LayerSpec spec{item.name, item.name, {}, {}, {}};
      if (item.name == "convolution") {
        Index kernel = 3;
        Index dilation = 1;
        if (table.has("kernel")) table.read("kernel", kernel, "", {1, 64});
        if (table.has("dilation")) table.read("dilation", dilation, "", {1, 64});
        spec.settings.emplace_back("padding", static_cast<double>(dilation * (kernel - 1) / 2));
        if (item.word == "depthwise") {
          spec.settings.emplace_back("channels", static_cast<double>(src_channels));
          spec.settings.emplace_back("groups", static_cast<double>(src_channels));
        }
      }
      if (before_norm && (item.name == "convolution" || item.name == "linear")) {
        spec.settings.emplace_back("bias", 0.0);  // the norm takes any constant away again
      }
      layer_kind(item.name).read(table, spec);
      layers.push_back(std::move(spec));
    }
    table.finish();
  }

  static void append_block(const std::string& block, Section table, Index src_channels,
                           std::vector<LayerSpec>& layers) {
    Index channels = src_channels;
    Index stride = 1;
    table.read("channels", channels, "channels of the block's dst", {1, kMostChannels});
    table.read("stride", stride, "2 halves the image", {1, 64});
    if (block == "residual") {
      layers.push_back(basic_block(block, src_channels, channels, stride));
    } else if (block == "bottleneck") {
      if (channels % 4 != 0) {
        table.fail(fmt::format("a bottleneck of {} channels; expected a multiple of 4", channels));
      }
      layers.push_back(bottleneck_block(block, src_channels, channels, stride));
    } else {
      InvertedResidual inverted;
      inverted.channels = channels;
      inverted.stride = stride;
      table.read("expand", inverted.expansion, "times the channels between", {1, 64});
      table.read("kernel", inverted.kernel, "of the depthwise convolution", {1, 63});
      table.read("squeeze", inverted.squeeze, "factor of squeeze and excitation; 0: none", {0, 64});
      table.read_choice("activation", inverted.activation,
                        {"relu", "relu6", "prelu", "hard_swish", "swish"}, "between");
      if (src_channels * inverted.expansion > kMostChannels) {
        table.fail(fmt::format("{} channels between; at most {}", src_channels * inverted.expansion,
                               kMostChannels));
      }
      add_inverted_residual(layers, block, src_channels, inverted);
    }
  }

  /// The names that [[model.layers]] gives.
  static void number(LayerSpec& spec, const std::string& name) {
    spec.name = name;
    for (std::size_t i = 0; i < spec.body.size(); ++i) {
      number(spec.body[i], fmt::format("{}.body.{}", name, i));
    }
    for (std::size_t i = 0; i < spec.shortcut.size(); ++i) {
      number(spec.shortcut[i], fmt::format("{}.shortcut.{}", name, i));
    }
  }

  Section model_;
  std::vector<std::string> names_;
  std::string where_;
  std::vector<LineItem> items_;
};

}  // namespace

std::vector<LayerSpec> read_layer_lines(Section model, const std::vector<std::string>& lines,
                                        const Shape& src) {
  LineReader reader(model);
  for (std::size_t i = 0; i < lines.size(); ++i) reader.add(lines[i], i);
  return reader.layers(src);
}

}  // namespace kindred
