#include "inspect/draw_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "count_text.h"
#include "kindred/core/text.h"

namespace kindred::tools {
namespace {

// Pixels.
constexpr int kRow = 26;
constexpr int kBox = 20;  // height of a layer's box
constexpr int kLeft = 24;
constexpr int kIndent = 18;
constexpr int kTop = 92;
constexpr int kLabel = 300;   // where the boxes of the operations' share begin
constexpr int kWidest = 190;  // a layer with all operations
constexpr int kShape = 640;   // right ends of the columns
constexpr int kNumbers = 740;
constexpr int kFlops = 830;
constexpr int kSheetWidth = kFlops + kLeft;

constexpr const char* kStyle = R"(<style>
svg{font:12px system-ui,"Segoe UI",Helvetica,Arial,sans-serif}
.paper{fill:#fff}text{fill:#1f2328}.soft{fill:#59636e}.line{stroke:#8c959f;fill:none}
.head{font-weight:600;font-size:16px}.end{text-anchor:end}
.product{fill:#0a62c9}.norm{fill:#9a6700}.shape{fill:#1a7f37}.other{fill:#6e7781}
.share{fill:#0a62c9;opacity:.28}
@media(prefers-color-scheme:dark){
.paper{fill:#0d1117}text{fill:#e6edf3}.soft{fill:#9198a1}.line{stroke:#6e7681}
.product{fill:#58a6ff}.norm{fill:#d29922}.shape{fill:#3fb950}.other{fill:#8b949e}
.share{fill:#58a6ff}}
</style>
)";

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : printable(text)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

/// Colours by what a layer does: weights, statistics, another shape, or only numbers.
const char* colour_of(const OutlineRow& row) {
  if (row.flops > 0) return "product";
  if (row.parameters > 0 || row.kind.find("norm") != row.kind.npos) return "norm";
  if (row.kind.find("pool") != row.kind.npos || row.kind == "flatten") return "shape";
  return "other";
}

std::string text_at(int x, int y, const std::string& classes, const std::string& text) {
  return fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\">{}</text>\n", classes, x, y,
                     escaped(text));
}

/// The rows inside of a block: from behind `at` to the first that is not deeper.
std::size_t end_of_block(const std::vector<OutlineRow>& rows, std::size_t at) {
  std::size_t end = at + 1;
  while (end < rows.size() && rows[end].depth > rows[at].depth) ++end;
  return end;
}

}  // namespace

std::string draw_network(const Outline& outline, const std::string& title) {
  const int rows = static_cast<int>(outline.rows.size());
  const int height = kTop + (rows + 2) * kRow + kLeft;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" role=\"img\" aria-label=\"{2}\">\n{3}"
      "<rect class=\"paper\" width=\"{0}\" height=\"{1}\"/>\n",
      kSheetWidth, height, escaped("network of " + title), kStyle);
  svg += text_at(kLeft, 30, "head", title);
  svg += text_at(kLeft, 50, "soft",
                 fmt::format("{} parameters, {} FLOPs a sample forward",
                             count_text(outline.parameters), count_text(outline.flops)));
  svg += text_at(kLeft, 76, "soft", "layer");
  svg += text_at(kLabel, 76, "soft", "share of the operations");
  svg += text_at(kShape, 76, "soft end", "height x width x channels");
  svg += text_at(kNumbers, 76, "soft end", "parameters");
  svg += text_at(kFlops, 76, "soft end", "FLOPs");
  svg += text_at(kLeft, kTop + 14, "", "samples");
  svg += text_at(kShape, kTop + 14, "end", shape_text(outline.src));
  for (std::size_t i = 0; i < outline.rows.size(); ++i) {
    const OutlineRow& row = outline.rows[i];
    const int y = kTop + (static_cast<int>(i) + 1) * kRow;
    const int x = kLeft + static_cast<int>(row.depth) * kIndent;
    svg +=
        fmt::format("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"6\" height=\"{}\" rx=\"2\"/>\n",
                    colour_of(row), x, y, kBox);
    const std::string what = row.settings.empty() ? row.kind : row.kind + " " + row.settings;
    svg += text_at(x + 14, y + 14, "", what);
    // A bracket around what is inside of a block: the input is carried past it.
    if (const std::size_t end = end_of_block(outline.rows, i); end > i + 1) {
      const int bottom = kTop + static_cast<int>(end) * kRow + kBox;
      svg += fmt::format("<path class=\"line\" d=\"M{0} {1}v{2}h6\"/>\n", x + 3, y + kBox,
                         bottom - y - kBox);
    }
    if (row.flops > 0) {
      const double share = row.flops / outline.flops;
      svg +=
          fmt::format("<rect class=\"share\" x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\"/>\n",
                      kLabel, y + 2, std::max(1.0, share * kWidest), kBox - 4);
      svg += text_at(kLabel + static_cast<int>(share * kWidest) + 6, y + 14, "soft",
                     fmt::format("{:.1f} %", 100 * share));
      svg += text_at(kFlops, y + 14, "end", count_text(row.flops));
    }
    svg += text_at(kShape, y + 14, "end", shape_text(row.dst));
    if (row.parameters > 0) svg += text_at(kNumbers, y + 14, "end", count_text(row.parameters));
  }
  return svg + "</svg>\n";
}

}  // namespace kindred::tools
