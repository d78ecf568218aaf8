#include "curves/draw_curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace kindred::tools {
namespace {

// Lengths in tenths of a pixel: paths are whole numbers, and small.
constexpr int kStep = 30;  // between two points of a curve
constexpr int kPlotWidth = kStep * (kPoints - 1);
constexpr int kPlotHeight = 900;
constexpr int kPanelWidth = 2350;
constexpr int kPanelHeight = 1680;
constexpr int kPlotLeft = 360;
constexpr int kPlotTop = 420;
constexpr int kMargin = 160;
constexpr int kColumns = 4;
constexpr int kHeadingHeight = 780;
constexpr int kWidth = 2 * kMargin + kColumns * kPanelWidth;

constexpr const char* kStyle = R"(<style>
svg{font:110px system-ui,"Segoe UI",Helvetica,Arial,sans-serif}
.paper{fill:#fff}text{fill:#1f2328}.soft{fill:#59636e}
.grid{stroke:#d8dee4;stroke-width:8;fill:none}
.curve{fill:none;stroke-width:22;stroke-linejoin:round;stroke-linecap:round}
.own{stroke:#0a62c9}.other{stroke:#d1570f}
.name{font-weight:600;font-size:130px}.head{font-weight:600;font-size:190px}
.small{font-size:98px}.end{text-anchor:end}.mid{text-anchor:middle}
@media(prefers-color-scheme:dark){
.paper{fill:#0d1117}text{fill:#e6edf3}.soft{fill:#9198a1}.grid{stroke:#30363d}
.own{stroke:#58a6ff}.other{stroke:#f0883e}}
</style>
)";

struct Group {
  Scene scene;
  const char* title;
  const char* about;
  const char* own;    // the first curve
  const char* other;  // the second
  std::array<const char*, 3> ticks;
  const char* axis;
};

constexpr Group kGroups[] = {
    {Scene::targets,
     "By targets",
     "One number x and its target.",
     "target 1",
     "target 0",
     {"\u22123", "0", "3"},
     "x"},
    {Scene::classes,
     "By class weights, proxies or centers",
     "A unit embedding among ten unit class rows, eight of them at 90\u00b0.",
     "its own class's row turns away, another's at 90\u00b0",
     "another's turns away, its own at 60\u00b0",
     {"0\u00b0", "90\u00b0", "180\u00b0"},
     "angle between embedding and row"},
    {Scene::pairs,
     "By pairs and triplets of the batch",
     "Four unit embeddings: two kin, and two others that stand together, equally far from both.",
     "the kin turn from each other, the others at 90\u00b0",
     "the others turn away, the kin 60\u00b0 apart",
     {"0\u00b0", "90\u00b0", "180\u00b0"},
     "angle"},
};

/// The next of 1, 1.2, 1.5, 2, ... times a power of ten; a rounding error above one is still it.
double rounded_up(double value) {
  if (!(value > 1e-12)) return 1;
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double top : {1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0}) {
    if (value <= top * power * 1.0001) return top * power;
  }
  return 10 * power;
}

std::string text(int x, int y, const std::string& style, const std::string& words) {
  return fmt::format("<text x=\"{}\" y=\"{}\" class=\"{}\">{}</text>\n", x, y, style, words);
}

/// Values from 0 to `top` as a path from the point `first` of the plot on.
std::string path(const std::vector<double>& values, int first, double top, const char* style) {
  const auto height = [&](double value) {
    return static_cast<int>(std::lround(kPlotHeight * (1 - std::max(value, 0.0) / top)));
  };
  int before = height(values[0]);
  std::string steps = fmt::format("M{} {}l", first * kStep, before);
  for (std::size_t i = 1; i < values.size(); ++i) {
    const int now = height(values[i]);
    steps += fmt::format("{}{} {}", i == 1 ? "" : " ", kStep, now - before);
    before = now;
  }
  return fmt::format("<path class=\"curve {}\" d=\"{}\"/>\n", style, steps);
}

std::string panel(const LossCurves& loss, const Group& group) {
  double greatest = 0;
  for (const auto& curve : loss.curves) {
    greatest = std::max(greatest, *std::max_element(curve.begin(), curve.end()));
  }
  const double top = rounded_up(greatest);
  std::string out = text(0, -230, "name", loss.name) + text(0, -95, "soft small", loss.settings);
  out += fmt::format("<path class=\"grid\" d=\"M0 0h{0}M0 {1}h{0}M0 {2}h{0}M{3} 0v{2}\"/>\n",
                     kPlotWidth, kPlotHeight / 2, kPlotHeight, kPlotWidth / 2);
  for (int i = 0; i < 3; ++i) {
    out += text(-50, kPlotHeight * (2 - i) / 2 + 35, "soft small end",
                fmt::format("{:g}", top * i / 2));
    out += text(kPlotWidth * i / 2, kPlotHeight + 130, "soft small mid",
                group.ticks[static_cast<std::size_t>(i)]);
  }
  return out + path(loss.curves[1], loss.scene == Scene::pairs ? kFirstOfOthers : 0, top, "other") +
         path(loss.curves[0], 0, top, "own");
}

std::string heading(const Group& group, int y) {
  std::string out = text(kMargin, y + 260, "head", group.title) +
                    text(kMargin, y + 430, "soft",
                         fmt::format("{} Across: {}. Up: the loss.", group.about, group.axis));
  int x = kMargin;
  for (const auto& [style, words] :
       {std::pair{"own", group.own}, std::pair{"other", group.other}}) {
    out += fmt::format("<path class=\"curve {}\" d=\"M{} {}h200\"/>\n", style, x, y + 570);
    out += text(x + 260, y + 605, "", words);
    x += 3600;
  }
  return out;
}

}  // namespace

std::string draw_curves(const std::vector<LossCurves>& losses) {
  std::string body;
  int y = 0;
  for (const Group& group : kGroups) {
    body += heading(group, y);
    y += kHeadingHeight;
    int column = 0;
    for (const LossCurves& loss : losses) {
      if (loss.scene != group.scene) continue;
      if (column == kColumns) {
        column = 0;
        y += kPanelHeight;
      }
      body +=
          fmt::format("<g transform=\"translate({} {})\">\n{}</g>\n",
                      kMargin + column * kPanelWidth + kPlotLeft, y + kPlotTop, panel(loss, group));
      ++column;
    }
    y += kPanelHeight;
  }
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" "
      "viewBox=\"0 0 {} {}\" role=\"img\">\n<title>Every loss on a simple batch</title>\n{}"
      "<rect class=\"paper\" width=\"{}\" height=\"{}\"/>\n{}</svg>\n",
      kWidth / 10, y / 10, kWidth, y, kStyle, kWidth, y, body);
}

}  // namespace kindred::tools
