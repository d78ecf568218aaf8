#!/usr/bin/env python3
"""Weights by the names of torchvision, timm and insightface: names_test.py KINDRED. What PyTorch's module computes with
them, Kindred's architecture does; and a name that has no place is told."""
import json
import sys
from pathlib import Path

from foreign import Place, expect, expect_same, finish

import numpy

try:
    import torch
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)
import torch_networks

INSIGHTFACE = ((127.5,) * 3, (127.5,) * 3)


def write_safetensors(path, arrays):
    header, data = {}, b""
    for name, values in arrays.items():
        content = numpy.ascontiguousarray(values).tobytes()
        header[name] = {"dtype": "I64" if values.dtype == numpy.int64 else "F32", "shape": list(values.shape),
                        "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    Path(path).write_bytes(len(text).to_bytes(8, "little") + text + data)


def main():
    place = Place(sys.argv[1])
    for network, names in (("resnet18", "torchvision"), ("resnet50", "timm"), ("mobilenet_v2", "torchvision"),
                           ("iresnet18", "insightface")):
        side = torch_networks.NETWORKS[network][1]
        module = torch_networks.make(network, embedding=20)
        arrays = {name: values.numpy() for name, values in module.state_dict().items()}
        write_safetensors(place["weights.safetensors"], arrays)
        place.run("convert", place["weights.safetensors"], place["named.kindred"], "--names", names, "--quiet")
        images = numpy.random.default_rng(4).integers(0, 256, (3, side, side, 3), dtype=numpy.uint8)
        place.write_images("images.h5", images, [0, 1, 1])
        scaled = torch_networks.Scaled(module, *(INSIGHTFACE if names == "insightface" else ())).eval()
        with torch.no_grad():
            expected = scaled(torch.from_numpy(images.transpose(0, 3, 1, 2).astype("float32"))).numpy()
        expect_same(place.embed(place["named.kindred"], "images.h5"), expected, network, names)
    arrays["layer9.conv"] = numpy.zeros(3, "float32")
    write_safetensors(place["weights.safetensors"], arrays)
    said = place.run("convert", place["weights.safetensors"], place["named.kindred"], "--names", "insightface", code=65)
    expect("its array 'layer9.conv' has no place in a network of these names" in said, said)
    finish()


main()
