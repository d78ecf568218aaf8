#pragma once
#include <string>
#include <vector>

#include "kindred/core/recipe.h"
#include "kindred/core/shape.h"
#include "kindred/nn/layer_spec.h"

namespace kindred {

/// Reads `neck` and `embedding` of [model] and adds what makes an embedding of the last image:
///   pool       its mean; linear
///   gem        its generalised mean with a trained power (Radenovic et al. 2019); linear
///   flatten    norm, all of it, linear, norm: "E" of Deng et al. 2019, section 3.2.2
///   depthwise  a depthwise convolution as large as the image, norm; linear, norm
///              (Chen et al. 2018, "MobileFaceNets")
///   bnneck     its mean, linear, norm (Luo et al. 2019, "Bag of tricks")
/// `layers` are those before it, of an input `src`; `neck` is the default; `dropout` stands before
/// the linear layer where it is above 0.
void add_neck(Section model, std::string neck, double dropout, const Shape& src,
              std::vector<LayerSpec>& layers);

}  // namespace kindred
