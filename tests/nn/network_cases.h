#pragma once
// The networks that network_cases_test.cc checks: every shipped architecture and every kind of
// layer.
#include <ostream>
#include <string>
#include <vector>

#include "kindred/core/shape.h"

namespace kindred::test {

struct NamedNetwork {
  std::string name;
  std::string model;
  Shape src;
};
inline void PrintTo(const NamedNetwork& of, std::ostream* out) { *out << of.name; }

inline const std::vector<NamedNetwork> kNetworks{
    {"conv4", "width = 64\npool_last = true", {1, 28, 28}},
    {"conv4_wide_end", "dropout = 0.2\nembedding = 40", {3, 28, 28}},
    {"conv4_direct", "convolution = 'direct'\nwidth = 32", {1, 28, 28}},
    {"conv4_odd", "width = 20\nembedding = 9", {2, 19, 23}},
    {"mlp", "architecture = 'mlp'\nhidden = [96, 64]", {784, 1, 1}},
    {"mlp_image", "architecture = 'mlp'\nhidden = [50]\nbatch_norm = false", {3, 9, 7}},
    {"linear", "architecture = 'mlp'\nhidden = []\nembedding = 1", {1, 1, 1}},
    {"resnet", "architecture = 'resnet'\nembedding = 64", {3, 32, 32}},
    {"resnet_odd",
     "architecture = 'resnet'\nwidths = [16, 24]\nblocks = 2\nstem_stride = 2",
     {1, 27, 21}},
    {"layers",
     "[[model.layers]]\nkind = 'convolution'\nchannels = 16\n"
     "[[model.layers]]\nkind = 'relu'\n"
     "[[model.layers]]\nkind = 'average_pool'\n"
     "[[model.layers]]\nkind = 'batch_norm'\n"
     "[[model.layers]]\nkind = 'residual'\n"
     "[[model.layers.body]]\nkind = 'convolution'\nchannels = 16\ngroups = 2\n"
     "[[model.layers]]\nkind = 'flatten'\n"
     "[[model.layers]]\nkind = 'batch_norm'\n"
     "[[model.layers]]\nkind = 'linear'\nfeatures = 12\n",
     {3, 12, 10}},
    // No norm behind the depthwise convolutions: it would take the scale of the norm before them
    // away again, channel by channel, and of that one's gradient only rounding errors would be
    // left.
    {"depthwise",
     "[[model.layers]]\nkind = 'convolution'\nchannels = 16\nstride = 2\n"
     "[[model.layers]]\nkind = 'batch_norm'\n"
     "[[model.layers]]\nkind = 'relu'\n"
     "[[model.layers]]\nkind = 'convolution'\nchannels = 16\ngroups = 16\n"
     "[[model.layers]]\nkind = 'relu'\n"
     "[[model.layers]]\nkind = 'residual'\nrelu = false\n"
     "[[model.layers.body]]\nkind = 'convolution'\nchannels = 32\nkernel = 1\npadding = 0\n"
     "[[model.layers.body]]\nkind = 'batch_norm'\n"
     "[[model.layers.body]]\nkind = 'relu'\n"
     "[[model.layers.body]]\nkind = 'convolution'\nchannels = 32\ngroups = 32\n"
     "[[model.layers.body]]\nkind = 'relu'\n"
     "[[model.layers.body]]\nkind = 'convolution'\nchannels = 16\nkernel = 1\npadding = 0\n"
     "[[model.layers.body]]\nkind = 'batch_norm'\n"
     "[[model.layers]]\nkind = 'convolution'\nchannels = 16\ngroups = 16\nstride = 2\n"
     "[[model.layers]]\nkind = 'convolution'\nchannels = 16\ngroups = 16\nkernel = 7\n"
     "padding = 0\n"
     "[[model.layers]]\nkind = 'linear'\nfeatures = 12\n",
     {3, 28, 28}},
    {"ends_in_a_relu",
     "[[model.layers]]\nkind = 'linear'\nfeatures = 10\n[[model.layers]]\nkind = 'relu'\n",
     {30, 1, 1}},
    {"activations",
     "[[model.layers]]\nkind = 'convolution'\nchannels = 16\n"
     "[[model.layers]]\nkind = 'batch_norm'\n"
     "[[model.layers]]\nkind = 'prelu'\n"
     "[[model.layers]]\nkind = 'convolution'\nchannels = 32\n"
     "[[model.layers]]\nkind = 'batch_norm'\n"
     "[[model.layers]]\nkind = 'relu6'\n"
     "[[model.layers]]\nkind = 'convolution'\nchannels = 24\nkernel = 1\npadding = 0\n"
     "[[model.layers]]\nkind = 'batch_norm'\n"
     "[[model.layers]]\nkind = 'prelu'\n"
     "[[model.layers]]\nkind = 'convolution'\nchannels = 32\n"
     "[[model.layers]]\nkind = 'batch_norm'\n"
     "[[model.layers]]\nkind = 'swish'\n"
     "[[model.layers]]\nkind = 'convolution'\nchannels = 20\nstride = 2\n"
     "[[model.layers]]\nkind = 'batch_norm'\n"
     "[[model.layers]]\nkind = 'hard_swish'\n"
     "[[model.layers]]\nkind = 'convolution'\nchannels = 16\n"
     "[[model.layers]]\nkind = 'prelu'\n"
     "[[model.layers]]\nkind = 'flatten'\n"
     "[[model.layers]]\nkind = 'linear'\nfeatures = 40\n"
     "[[model.layers]]\nkind = 'batch_norm'\n"
     "[[model.layers]]\nkind = 'prelu'\n"
     "[[model.layers]]\nkind = 'linear'\nfeatures = 12\n"
     "[[model.layers]]\nkind = 'l2_normalize'\n",
     {1, 14, 12}},
    {"first_layers_swish",
     "[[model.layers]]\nkind = 'convolution'\nchannels = 16\nstride = 2\n"
     "[[model.layers]]\nkind = 'batch_norm'\n"
     "[[model.layers]]\nkind = 'swish'\n"
     "[[model.layers]]\nkind = 'convolution'\nchannels = 16\n"
     "[[model.layers]]\nkind = 'prelu'\n"
     "[[model.layers]]\nkind = 'max_pool'\n"
     "[[model.layers]]\nkind = 'batch_norm'\n"
     "[[model.layers]]\nkind = 'prelu'\n"
     "[[model.layers]]\nkind = 'flatten'\n"
     "[[model.layers]]\nkind = 'linear'\nfeatures = 12\n",
     {3, 17, 16}},
    {"block_prelu",
     "[[model.layers]]\nkind = 'convolution'\nchannels = 16\n"
     "[[model.layers]]\nkind = 'batch_norm'\n"
     "[[model.layers]]\nkind = 'prelu'\n"
     "[[model.layers]]\nkind = 'max_pool'\n"
     "[[model.layers]]\nkind = 'flatten'\n"
     "[[model.layers]]\nkind = 'linear'\nfeatures = 12\n",
     {1, 12, 12}},
    {"branches_and_gates",
     "[[model.layers]]\nkind = 'convolution'\nchannels = 16\n"
     "[[model.layers]]\nkind = 'instance_norm'\n"
     "[[model.layers]]\nkind = 'relu'\n"
     "[[model.layers]]\nkind = 'concatenate'\n"
     "[[model.layers.branches]]\n"
     "[[model.layers.branches.layers]]\nkind = 'convolution'\nchannels = 16\n"
     "[[model.layers.branches.layers]]\nkind = 'batch_norm'\n"
     "[[model.layers.branches.layers]]\nkind = 'relu6'\n"
     "[[model.layers.branches]]\n"
     "[[model.layers.branches]]\n"
     "[[model.layers.branches.layers]]\nkind = 'average_pool'\nkernel = 3\nstride = 1\n"
     "padding = 1\n"
     "[[model.layers]]\nkind = 'residual'\nrelu = false\n"
     "[[model.layers.body]]\nkind = 'convolution'\nchannels = 48\nkernel = 1\npadding = 0\n"
     "[[model.layers.body]]\nkind = 'batch_norm'\n"
     "[[model.layers.body]]\nkind = 'squeeze_excite'\nchannels = 6\n"
     "[[model.layers]]\nkind = 'squeeze_excite'\nchannels = 5\nhard = true\n"
     "[[model.layers]]\nkind = 'gem_pool'\n"
     "[[model.layers]]\nkind = 'linear'\nfeatures = 20\n"
     "[[model.layers]]\nkind = 'layer_norm'\n"
     "[[model.layers]]\nkind = 'swish'\n"
     "[[model.layers]]\nkind = 'linear'\nfeatures = 12\n",
     {3, 10, 9}},
    {"ends_in_a_pool",
     "[[model.layers]]\nkind = 'convolution'\nchannels = 32\n"
     "[[model.layers]]\nkind = 'global_average_pool'\n",
     {3, 12, 10}},
};

}  // namespace kindred::test
