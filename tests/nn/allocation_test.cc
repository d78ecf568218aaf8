// Its own program: counting_new.cc replaces operator new.
#include <gtest/gtest.h>

#include "nn/network_harness.h"
#include "support/counting_new.h"

namespace kindred::test {
namespace {

TEST(Network, AllocatesNothingInAStepAfterTheFirst) {
  for (const char* model :
       {"width = 32\ndropout = 0.1", "architecture = 'mlp'\nhidden = [64]",
        "architecture = 'resnet'\nwidths = [16, 32]", "precision = 'auto'\nwidth = 32",
        "precision = 'auto'\narchitecture = 'resnet'\nwidths = [16, 32]",
        "[[model.layers]]\nkind = 'convolution'\nchannels = 16\n"
        "[[model.layers]]\nkind = 'convolution'\nchannels = 16\ngroups = 16\n"
        "[[model.layers]]\nkind = 'convolution'\nchannels = 16\ngroups = 16\nkernel = 28\n"
        "padding = 0\n[[model.layers]]\nkind = 'linear'\n"}) {
    NetworkHarness harness(architecture_of(model, {3, 28, 28}), 4, 16, 1, 2);
    harness.fill(1);
    const auto step = [&] {
      harness.forward();
      harness.backward();
      harness.network.update_running_statistics(harness.seen);
      harness.network.pack(harness.workers, harness.parameters);
    };
    step();
    const AllocationCount count;
    step();
    EXPECT_EQ(count.count(), 0U) << model;
  }
}

}  // namespace
}  // namespace kindred::test
