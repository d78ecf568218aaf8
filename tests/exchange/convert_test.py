#!/usr/bin/env python3
"""Networks of PyTorch, taken in: convert_test.py KINDRED. ResNet-18 and -50, MobileNet V2, MobileFaceNet and IResNet-18
are exported by both of PyTorch's exporters, folded and not; converted, Kindred's embeddings are ONNX Runtime's."""
import sys
import warnings

from foreign import Place, expect, expect_same, finish, run_onnx

import numpy

try:
    import torch
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)
import torch_networks


def main():
    warnings.filterwarnings("ignore")
    place = Place(sys.argv[1])
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    for name, (_, side) in torch_networks.NETWORKS.items():
        if only not in name:
            continue
        images = numpy.random.default_rng(3).integers(0, 256, (5, side, side, 3), dtype=numpy.uint8)
        place.write_images("images.h5", images, numpy.arange(5) % 2)
        inputs = images.transpose(0, 3, 1, 2).astype("float32")
        network = torch_networks.Scaled(torch_networks.make(name)).eval()
        for exporter in ("new", "old"):
            for folded in (True, False):
                graph = place[f"{name}-{exporter}-{folded}.onnx"]
                torch_networks.export(network, graph, side, exporter, folded)
                place.run("convert", graph, place["converted.kindred"], "--quiet")
                found = place.embed(place["converted.kindred"], "images.h5")
                expect_same(found, run_onnx(graph, inputs), name, exporter, "folded" if folded else "unfolded")
    finish()


main()
