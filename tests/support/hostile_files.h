#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kindred/core/file.h"

namespace kindred::test {

/// Makes recipes, models, checkpoints and logs that look like ours, keep to their formats and carry
/// right checksums, and ask for what nobody should get. The same seed makes the same.
class HostileFiles {
 public:
  explicit HostileFiles(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t end) { return static_cast<std::size_t>(random_() % end); }

  template <std::size_t N>
  std::string one_of(const std::array<const char*, N>& choices) {
    return choices[below(N)];
  }

  static std::string times(std::size_t count, const std::string& piece) {
    std::string text;
    text.reserve(count * piece.size());
    for (std::size_t i = 0; i < count; ++i) text += piece;
    return text;
  }

  /// A value of TOML, most of them extreme.
  std::string toml_value() {
    constexpr std::array<const char*, 24> kValues{"4611686018427387904",
                                                  "9223372036854775807",
                                                  "-9223372036854775808",
                                                  "-1",
                                                  "0",
                                                  "1",
                                                  "65536",
                                                  "1048576",
                                                  "4294967296",
                                                  "1e308",
                                                  "-1e308",
                                                  "1e-308",
                                                  "nan",
                                                  "inf",
                                                  "-inf",
                                                  "true",
                                                  "''",
                                                  "'softmax'",
                                                  "'\\u001b[2J'",
                                                  "[]",
                                                  "[1]",
                                                  "[4611686018427387904, 4611686018427387904]",
                                                  "1979-05-27",
                                                  "{a = 1}"};
    switch (below(12)) {
      case 0: return "'" + std::string(1 << below(19), 'x') + "'";
      case 1: return "[" + times(std::size_t{1} << below(16), "1,") + "]";
      case 2: return times(std::size_t{1} << below(18), "[");
      case 3: return times(std::size_t{1} << below(18), "{a = ");
      default: return one_of(kValues);
    }
  }

  /// Of a recipe, in the place of `sound` or behind it. Without `data` there is none in it.
  std::string recipe(const std::string& sound) {
    constexpr std::array<const char*, 40> kKeys{"seed",
                                                "data.file",
                                                "data.memory",
                                                "data.validation_classes",
                                                "data.quarter_turns",
                                                "data.min_class_size",
                                                "sampler.name",
                                                "sampler.classes",
                                                "sampler.samples_per_class",
                                                "sampler.batch",
                                                "augment.rotate_degrees",
                                                "augment.scale",
                                                "model.architecture",
                                                "model.width",
                                                "model.widths",
                                                "model.hidden",
                                                "model.embedding",
                                                "model.slice",
                                                "model.lanes",
                                                "model.blocks",
                                                "model.stem_stride",
                                                "model.precision",
                                                "model.convolution",
                                                "model.dropout",
                                                "optimizer.name",
                                                "optimizer.learning_rate",
                                                "optimizer.clip_norm",
                                                "optimizer.schedule",
                                                "optimizer.step_at",
                                                "optimizer.weight_decay",
                                                "train.epochs",
                                                "train.steps",
                                                "train.planned_steps",
                                                "train.evaluate_every",
                                                "train.checkpoint_every",
                                                "train.keep_checkpoints",
                                                "train.select",
                                                "train.average",
                                                "train.recompute",
                                                "train.initial"};
    switch (below(10)) {
      case 0: return times(std::size_t{1} << below(17), "a.") + "a = 1\n" + sound;
      case 1: return "[" + times(std::size_t{1} << below(17), "b.") + "b]\n" + sound;
      case 2: {
        std::string many;
        for (std::size_t i = 0; i < std::size_t{1} << below(17); ++i) {
          many += "k" + std::to_string(i) + " = 1\n";
        }
        return below(2) == 0 ? many + sound : sound + "[[loss]]\nname = 'softmax'\n" + many;
      }
      case 3: {
        constexpr std::array<const char*, 5> kKinds{"convolution", "linear", "max_pool", "residual",
                                                    "flatten"};
        std::string layers = "model.architecture = 'layers'\n";
        for (std::size_t i = 0; i < std::size_t{1} << below(12); ++i) {
          layers += "[[model.layers]]\nkind = '" + one_of(kKinds) + "'\n";
          if (below(2) == 0) layers += "channels = 65536\nfeatures = 1048576\n";
        }
        return layers;
      }
      case 4: return "x = " + toml_value() + "\n" + sound;
      default: {
        // In front: what the sound one says of the same table is then a second definition, or not.
        std::string changed;
        for (std::size_t i = 1 + below(3); i > 0; --i) {
          changed += one_of(kKeys) + " = " + toml_value() + "\n";
        }
        return changed + (below(2) == 0 ? sound : "");
      }
    }
  }

  /// Some JSON where a list of texts or numbers is expected.
  std::string json_value() {
    constexpr std::array<const char*, 16> kValues{"[65536,65536,1]",
                                                  "[1,1,1048576]",
                                                  "[1048576,1048576,1048576]",
                                                  "[-1,8,1]",
                                                  "[0,8,1]",
                                                  "[8,8]",
                                                  "[18446744073709551615,1,1]",
                                                  "[1.5,8,1]",
                                                  "[8,8,1]",
                                                  "[\"a\",\"b\"]",
                                                  "{}",
                                                  "[{\"a\":1}]",
                                                  "null",
                                                  "\"text\"",
                                                  "",
                                                  "[1e999]"};
    switch (below(6)) {
      case 0: return times(std::size_t{1} << below(21), "[");
      case 1: return times(std::size_t{1} << below(20), "{\"a\":");
      case 2: return "[" + times(std::size_t{1} << below(19), "1,") + "1]";
      default: return one_of(kValues);
    }
  }

  std::string number_text() {
    constexpr std::array<const char*, 14> kValues{
        "-1",  "0",   "1", "4096", "4097", "9223372036854775807", "99999999999999999999", "1e308",
        "nan", "inf", "",  " 1",   "1x",   "-9223372036854775808"};
    return one_of(kValues);
  }

  /// A sound model or checkpoint with one to three changes, signed again.
  std::string tensor_file(std::string_view sound, const std::string& recipe_in_it) {
    Parts parts = split(sound);
    for (std::size_t changes = 1 + below(3); changes > 0; --changes) change(parts, recipe_in_it);
    return join(parts);
  }

  /// A line of metrics.jsonl.
  std::string log_line() {
    constexpr std::array<const char*, 16> kLines{
        R"({"step": 18446744073709551615})",
        R"({"step": -1, "loss": 1})",
        R"({"step": 1.5})",
        R"({"step": "1"})",
        R"({"step": 1, "loss": "x", "train_seconds": "long", "learning_rate": []})",
        R"({"step": 1, "checkpoint": "../../etc/passwd"})",
        R"({"step": 1, "checkpoint": "checkpoints/step-x.kindred"})",
        R"({"step": 1, "checkpoint": "checkpoints/step-99999999.kindred"})",
        R"({"step": 1, "split": "test", "queries_used": "many", "recall@1": [1]})",
        R"({"step": 2, "split": "validation", "queries_used": 1e308, "best": 7, "recall@1": 1e308})",
        R"({"step": 1, "loss": 1e999})",
        R"({"step": 1, "loss": 1e-310, "learning_rate": 5e-324})",
        R"({"step": 1, "loss": 1.7976931348623157e308})",
        R"({"step": 3, "loss": 1, "\u001b[2J": 2, "softmax": 1})",
        "[]",
        ""};
    switch (below(5)) {
      case 0: return times(std::size_t{1} << below(21), "[");
      case 1: return "{\"step\": 1, \"a\": " + times(std::size_t{1} << below(20), "{\"a\":");
      case 2: {
        std::string keys = "{\"step\": 1, \"loss\": 1";
        for (std::size_t i = 0; i < std::size_t{1} << below(17); ++i) {
          keys += ",\"k" + std::to_string(random_()) + "\":1";
        }
        return keys + "}";
      }
      default: return one_of(kLines);
    }
  }

  /// The same file with the checksums that it should have.
  static std::string signed_again(std::string_view file) { return join(split(file)); }
  /// With other bytes in one of its arrays, from its first on.
  static std::string with_array(std::string_view file, const std::string& name,
                                std::span<const std::byte> bytes) {
    Parts parts = split(file);
    constexpr std::string_view kOffsets = "\"data_offsets\":[";
    const std::size_t entry = parts.header.find("\"" + name + "\":{");
    const std::size_t at = parts.header.find(kOffsets, entry) + kOffsets.size();
    std::memcpy(parts.data.data() + std::stoul(parts.header.substr(at)), bytes.data(),
                bytes.size());
    return join(parts);
  }
  /// With another text in its metadata.
  static std::string with_text(std::string_view file, const std::string& key,
                               const std::string& text) {
    Parts parts = split(file);
    set(parts.header, key, text);
    return join(parts);
  }

 private:
  struct Parts {
    std::string header;
    std::string data;
  };

  static Parts split(std::string_view file) {
    std::uint64_t length = 0;
    std::memcpy(&length, file.data(), sizeof length);
    return {std::string(file.substr(8, length)), std::string(file.substr(8 + length))};
  }

  static std::uint64_t sum(const std::string& text) {
    return checksum(std::as_bytes(std::span(text.data(), text.size())));
  }

  // Where the value of a text in the metadata stands, without its quotes.
  static std::pair<std::size_t, std::size_t> place_of(const std::string& header,
                                                      const std::string& key) {
    const std::string begin = "\"" + key + "\":\"";
    const std::size_t at = header.find(begin);
    if (at == header.npos) return {header.npos, 0};
    std::size_t end = at + begin.size();
    while (end < header.size() && header[end] != '"') end += header[end] == '\\' ? 2 : 1;
    return {at + begin.size(), end};
  }

  static void set(std::string& header, const std::string& key, const std::string& text) {
    const auto [begin, end] = place_of(header, key);
    if (begin == header.npos) return;
    std::string escaped;
    for (const char c : text) {
      if (c == '"' || c == '\\') escaped += '\\';
      escaped += c == '\n' ? std::string("\\n") : std::string(1, c);
    }
    header.replace(begin, end - begin, escaped);
  }

  void change(Parts& parts, const std::string& recipe_in_it) {
    constexpr std::array<const char*, 6> kNumbers{"step",       "slice",  "best_step",
                                                  "best_value", "format", "step"};
    constexpr std::array<const char*, 5> kTexts{"src_element", "kind", "data_path", "architecture",
                                                "instruction_set"};
    switch (below(10)) {
      case 0:
      case 1: set(parts.header, "src_shape", json_value()); break;
      case 2: set(parts.header, "class_names", json_value()); break;
      case 3: set(parts.header, one_of(kNumbers), number_text()); break;
      case 4: set(parts.header, one_of(kTexts), times(std::size_t{1} << below(16), "x")); break;
      case 5: set(parts.header, "recipe", recipe(recipe_in_it)); break;
      case 6: {
        // A number that is none; of float64 it is one, too.
        if (parts.data.size() < 16) break;
        constexpr std::array<std::uint64_t, 3> kNone{0x7FF0000000000000, 0x7F8000007F800000,
                                                     0xFFFFFFFFFFFFFFFF};
        const std::uint64_t none = kNone[below(kNone.size())];
        std::memcpy(parts.data.data() + 8 * below(parts.data.size() / 8), &none, sizeof none);
        break;
      }
      case 7: {
        // Arrays without bytes, many or with extents that overflow together.
        std::string more;
        for (std::size_t i = 0; i < std::size_t{1} << below(17); ++i) {
          more += ",\"n" + std::to_string(i) + "\":{\"dtype\":\"F32\",\"shape\":" +
                  (below(2) == 0 ? "[0]" : "[0,4611686018427387904,4611686018427387904]") +
                  ",\"data_offsets\":[0,0]}";
        }
        insert(parts.header, more);
        break;
      }
      case 8: insert(parts.header, ",\"a\":" + json_value()); break;
      default:
        insert(parts.header, ",\"" + std::string(std::size_t{1} << below(20), 'n') +
                                 R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})");
    }
  }

  // Before the brace that ends the header.
  static void insert(std::string& header, const std::string& more) {
    const std::size_t end = header.rfind('}');
    if (end != header.npos) header.insert(end, more);
  }

  static std::string join(const Parts& parts) {
    std::string header = parts.header;
    set(header, "data_xxh3", hex(sum(parts.data)));
    set(header, "header_xxh3", std::string(16, '0'));
    set(header, "header_xxh3", hex(sum(header)));
    const std::uint64_t length = header.size();
    std::string file(8, '\0');
    std::memcpy(file.data(), &length, sizeof length);
    return file + header + parts.data;
  }

  std::mt19937_64 random_;
};

}  // namespace kindred::test
