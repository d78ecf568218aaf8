#include "train/choose/network_choice.h"

#include <fmt/format.h>

#include <algorithm>

namespace kindred {
namespace {

std::string quoted_lines(const std::vector<std::string>& lines) {
  std::string text = "[";
  for (const std::string& line : lines) {
    text += fmt::format("{}\"{}\"", text.size() > 1 ? ",\n          " : "", line);
  }
  return text + "]";
}

NetworkChoice vectors_network() {
  return {{{"architecture", "\"mlp\""},
           {"hidden", "[512]"},
           {"residual", "true"},
           {"norm_last", "true"},
           {"embedding", "128"}},
          "a residual layer carries past what the vectors say already; the norm behind the last "
          "layer gives all numbers of an embedding equal weight"};
}

NetworkChoice drawings_network(const std::string& widths, const std::string& why) {
  return {{{"architecture", "\"conv4\""}, {"widths", widths}, {"embedding", "128"}}, why};
}

// Convolutions on halved and halved images, until 6 to 11 pixels a side are left, then the pool.
NetworkChoice photos_network(const Shape& shape, const std::vector<int>& widths, bool deep,
                             const std::string& why) {
  std::vector<std::string> lines;
  Index side = std::max(shape.height, shape.width);
  std::size_t stage = 0;
  const auto width = [&] { return widths[std::min(stage, widths.size() - 1)]; };
  for (; side > 11; side /= 2, ++stage) {
    lines.push_back(stage > 0 && deep ? fmt::format("residual {} pool", width())
                                      : fmt::format("conv {} norm relu pool", width()));
  }
  const int last = width();
  ++stage;
  lines.push_back(deep ? fmt::format("residual {} residual {}", last, width())
                       : fmt::format("conv {} norm relu conv {} norm relu", last, width()));
  lines.emplace_back("gem_pool linear 128");
  return {{{"layers", quoted_lines(lines)}}, why};
}

}  // namespace

std::vector<NetworkChoice> networks_for(const RecipeFacts& facts) {
  const Shape& shape = facts.shape;
  if (facts.element == Element::f32) return {vectors_network()};
  if (facts.drawn) {
    return {drawings_network("[32, 64, 96, 128]",
                             "four convolutions; where a stroke is matters, so the last image is "
                             "flattened, not pooled"),
            drawings_network("[16, 32, 48, 64]",
                             "four narrow convolutions, as the time allows; where a stroke is "
                             "matters, so the last image is flattened, not pooled")};
  }
  const std::string pooled =
      "; the pool behind them keeps what is seen, not where: things lie anywhere in photographs "
      "(aligned faces do not: \"flatten\" in place of \"gem_pool\")";
  return {photos_network(
              shape, {32, 64, 96, 128, 160}, false,
              "plain convolutions: on two cores many passes teach more than many layers" + pooled),
          photos_network(shape, {16, 32, 64, 96, 128}, false,
                         "narrow convolutions, as the time allows" + pooled)};
}

int networks_to_choose(const RecipeFacts& facts) {
  return static_cast<int>(networks_for(facts).size());
}

}  // namespace kindred
