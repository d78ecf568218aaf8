#include "nn/contract/registry.h"
#include "nn/contract/settings.h"
#include "nn/layers/relayout.h"

// An image as one vector, channel by channel, rows within (the order of PyTorch). Before a linear
// layer it costs nothing (the two are compiled as one); elsewhere it is a copy into that order.

namespace kindred {

extern const LayerKind kFlatten;
const LayerKind kFlatten{
    "flatten", "an image as one vector, channel by channel", read_settings<NoSettings>,
    [](const LayerSpec&, const Shape& src) {
      return Shape{src.size(), 1, 1};
    },
    [](const FusedSpec& spec, const Source& src, Compiler& compiler) -> std::unique_ptr<Layer> {
      const Shape dst{src.shape.size(), 1, 1};
      return std::make_unique<Relayout>(
          spec.name(), spec.kind(), compiler.engine(), src.shape, src.desc,
          with_layout(src.desc, FormatTag::nchw), dst,
          tensor(compiler.slice(), dst, FormatTag::nhwc, type_of(src.desc)));
    }};

}  // namespace kindred
