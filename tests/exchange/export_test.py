#!/usr/bin/env python3
"""ONNX Runtime computes what Kindred does: export_test.py KINDRED. Networks of every kind of layer and every
architecture are trained for a few steps, exported, checked by onnx.checker, and compared at batches of 1, 3 and 128, as
bytes and floats, in both layouts; then taken in again, bit for bit."""
import json
import re
import subprocess
import sys

from foreign import Place, difference, expect, expect_same, finish, metadata, names_of, run_onnx

import numpy
import onnx

BATCHES = (1, 3, 128)
HEAD = """[data]
file = 'NAME.h5'
[sampler]
classes = 4
samples_per_class = 4
[[loss]]
name = 'softmax'
[train]
epochs = 1
steps = 3
[model]
slice = 8
"""


def layer(kind, **settings):
    return {"kind": kind, **settings}


def toml(layers, path="model.layers"):
    lines = []
    for each in layers:
        lines.append(f"[[{path}]]")
        lines += [f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}"
                  for key, value in each.items() if key not in ("body", "shortcut", "branches")]
        for key in ("body", "shortcut"):
            lines += toml(each.get(key, []), f"{path}.{key}")
        for branch in each.get("branches", []):
            lines.append(f"[[{path}.branches]]")
            lines += toml(branch, f"{path}.branches.layers")
    return lines


CONVOLUTION = layer("convolution", channels=8, kernel=3, padding=1)
NORM = layer("batch_norm")
END = [layer("flatten"), layer("linear", features=6)]

# What each kind of layer is tried as, three ways or more: the layers before END. [N, F]: vectors.
LAYERS = {
    "convolution": [[layer("convolution", channels=8, kernel=3, padding=1)],
                    [layer("convolution", channels=5, kernel=5, stride=2, padding=0)],
                    [layer("convolution", channels=6, kernel=1, stride=1, padding=0, bias=False)],
                    [CONVOLUTION, layer("convolution", channels=12, kernel=3, padding=1, groups=4)],
                    [CONVOLUTION, layer("convolution", channels=8, kernel=5, padding=2, groups=8, bias=False), NORM],
                    [layer("convolution", channels=4, kernel=3, padding=2, dilation=2), layer("relu")]],
    "linear": [[layer("flatten"), layer("linear", features=9)],
               [layer("flatten"), layer("linear", features=33, bias=False), layer("relu")],
               [layer("flatten"), layer("linear", features=7), layer("batch_norm"), layer("relu")]],
    "batch_norm": [[CONVOLUTION, NORM], [layer("batch_norm"), CONVOLUTION],
                   [CONVOLUTION, layer("relu"), layer("batch_norm", epsilon=0.001)]],
    "relu": [[CONVOLUTION, layer("relu")], [layer("relu"), CONVOLUTION], [CONVOLUTION, NORM, layer("relu")]],
    "max_pool": [[CONVOLUTION, layer("max_pool")], [CONVOLUTION, layer("max_pool", kernel=3, stride=2, padding=1)],
                 [CONVOLUTION, NORM, layer("relu"), layer("max_pool")]],
    "average_pool": [[CONVOLUTION, layer("average_pool")],
                     [CONVOLUTION, layer("average_pool", kernel=3, stride=2, padding=1)],
                     [CONVOLUTION, layer("average_pool", kernel=4, stride=3)]],
    "global_average_pool": [[CONVOLUTION, layer("global_average_pool")],
                            [CONVOLUTION, NORM, layer("relu"), layer("global_average_pool")],
                            [layer("global_average_pool")]],
    "flatten": [[], [CONVOLUTION], [CONVOLUTION, layer("global_average_pool")]],
    "dropout": [[CONVOLUTION, layer("dropout", rate=0.2)], [layer("dropout")],
                [layer("flatten"), layer("dropout", rate=0.9)]],
    "residual": [[CONVOLUTION, layer("residual", body=[CONVOLUTION, NORM, layer("relu"), CONVOLUTION, NORM])],
                 [layer("residual", body=[CONVOLUTION, NORM], shortcut=[layer("convolution", channels=8, kernel=1,
                                                                             padding=0), NORM])],
                 [CONVOLUTION, layer("residual", relu=False, body=[layer("residual", body=[CONVOLUTION])])],
                 [layer("flatten"), layer("linear", features=12), layer("residual", body=[layer("linear", features=12)])]],
    "relu6": [[CONVOLUTION, layer("relu6")], [CONVOLUTION, NORM, layer("relu6")], [layer("flatten"), layer("relu6")]],
    "prelu": [[CONVOLUTION, layer("prelu")], [CONVOLUTION, NORM, layer("prelu", slope=0.1)],
              [layer("flatten"), layer("linear", features=9), layer("prelu")]],
    "hard_swish": [[CONVOLUTION, layer("hard_swish")], [CONVOLUTION, NORM, layer("hard_swish")], [layer("hard_swish")]],
    "swish": [[CONVOLUTION, layer("swish")], [CONVOLUTION, NORM, layer("swish")], [layer("flatten"), layer("swish")]],
    "squeeze_excite": [[CONVOLUTION, layer("squeeze_excite", channels=3)],
                       [CONVOLUTION, NORM, layer("relu"), layer("squeeze_excite", channels=5, hard=True)],
                       [layer("residual", relu=False, body=[layer("squeeze_excite", channels=2)])]],
    "instance_norm": [[CONVOLUTION, layer("instance_norm")], [CONVOLUTION, layer("instance_norm", epsilon=0.01), layer("relu")],
                      [layer("instance_norm")]],
    "layer_norm": [[layer("flatten"), layer("linear", features=9), layer("layer_norm")], [layer("flatten"), layer("layer_norm")],
                   [CONVOLUTION, layer("global_average_pool"), layer("layer_norm", epsilon=0.001), layer("relu")]],
    "l2_normalize": [[layer("flatten"), layer("l2_normalize")], [layer("flatten"), layer("linear", features=9), layer("l2_normalize")],
                     [CONVOLUTION, layer("global_average_pool"), layer("l2_normalize")]],
    "gem_pool": [[CONVOLUTION, layer("gem_pool")], [CONVOLUTION, NORM, layer("relu"), layer("gem_pool", power=2.5)],
                 [CONVOLUTION, layer("gem_pool", epsilon=0.001)]],
    "concatenate": [[layer("concatenate", branches=[[CONVOLUTION], [layer("relu")]])],
                    [CONVOLUTION, layer("concatenate", branches=[[CONVOLUTION, NORM, layer("relu")], [CONVOLUTION], [
                        layer("residual", body=[CONVOLUTION])]])],
                    [layer("flatten"), layer("concatenate", branches=[[layer("linear", features=4)], [
                        layer("linear", features=5), layer("relu")]])]],
}

ARCHITECTURES = {
    "conv4": "width = 16", "mlp": "hidden = [32]", "resnet": "widths = [16, 24]", "resnet18": "width = 0.25",
    "resnet34": "width = 0.25", "resnet50": "width = 0.25", "mobilenet_v2": "width = 0.25",
    "mobilefacenet": "width = 0.25\nneck = 'pool'", "iresnet18": "width = 0.25", "iresnet50": "width = 0.25",
}


def registered(place, what):
    """Names of the registry: `kindred list` has each on a line, two blanks before it."""
    text = subprocess.run([place.program, "list", what], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^  (\w+):", text, re.M)) - {"layers"}


def samples(count, shape, seed=1):
    return numpy.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=numpy.uint8)


def check_export(place, name, model, data, images):
    """The exported graph's embeddings against Kindred's; then the graph taken in again."""
    ours = place.embed(model, data)
    for options, inputs in (
            (["--input", "uint8"], images),
            (["--input", "float32", "--layout", "nchw", "--opset", "21"], images.transpose(0, 3, 1, 2).astype("float32"))):
        graph = place[name + ".onnx"]
        place.run("export", model, graph, *options, "--quiet")
        onnx.checker.check_model(graph, full_check=True)
        for batch in BATCHES:
            expect_same(run_onnx(graph, inputs[:batch]), ours[:batch], name, *options, "batch", batch)
        back = place[name + "-back.kindred"]
        place.run("convert", graph, back, "--quiet")
        again = place.embed(back, data)
        expect(numpy.array_equal(again, ours), name, *options, "not bit-equal once taken in again:",
               difference(again, ours))
    texts = metadata(graph)
    expect(names_of(graph) == [f"class {i}" for i in range(8)], name, "class names", names_of(graph))
    expect(texts["kindred.size"] == "[{},{},{}]".format(*images.shape[1:]), name, texts["kindred.size"])
    expect("[[loss]]" in texts["kindred.recipe"] and len(texts["kindred.fingerprint"]) == 16, name, texts)


def check_normalized(place, model, images, data):
    graph = place["normalized.onnx"]
    place.run("export", model, graph, "--normalize", "--quiet")
    ours = place.embed(model, data)
    expect_same(run_onnx(graph, images), ours / numpy.linalg.norm(ours, axis=1, keepdims=True), "normalized")


def check_vectors(place):
    vectors = numpy.random.default_rng(2).normal(size=(128, 20)).astype("float32")
    place.write_images("vectors.h5", vectors, numpy.arange(128) % 8)
    model = place.train("vectors", HEAD.replace("NAME", "vectors") + "architecture = 'mlp'\nhidden = [16, 12]\nembedding = 5\n")
    ours = place.embed(model, "vectors.h5")
    place.run("export", model, place["vectors.onnx"], "--quiet")
    onnx.checker.check_model(place["vectors.onnx"], full_check=True)
    for batch in BATCHES:
        expect_same(run_onnx(place["vectors.onnx"], vectors[:batch]), ours[:batch], "vectors, batch", batch)
    place.run("convert", place["vectors.onnx"], place["back.kindred"], "--quiet")
    expect(numpy.array_equal(place.embed(place["back.kindred"], "vectors.h5"), ours), "vectors: not bit-equal")


def check_arrays(place, model):
    """safetensors and .npy hold the same arrays, by name."""
    place.run("export", model, "--safetensors", place["arrays.safetensors"], "--npy", place["arrays"], "--quiet")
    content = open(place["arrays.safetensors"], "rb").read()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8:8 + length])
    texts = header.pop("__metadata__")
    expect(texts["kindred.architecture"] == "conv4", texts)
    for name, entry in header.items():
        first, last = (8 + length + offset for offset in entry["data_offsets"])
        values = numpy.frombuffer(content[first:last], "<f4").reshape(entry["shape"])
        expect(numpy.array_equal(numpy.load(place[f"arrays/{name}.npy"]), values), name)
    expect("blocks.0.norm.running_mean" in header and not any(name.startswith("loss") for name in header), header.keys())


def main():
    place = Place(sys.argv[1])
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    images = {(14, 14, 1): samples(128, (14, 14, 1)), (15, 12, 3): samples(128, (15, 12, 3))}
    for shape, values in images.items():
        place.write_images(f"images{shape[2]}.h5", values, numpy.arange(128) % 8)
    for what, known in (("layers", LAYERS), ("architectures", ARCHITECTURES)):
        missing = registered(place, what) - known.keys()
        expect(not missing, "nothing is tried for", what, missing)
    for kind, cases in LAYERS.items():
        for number, layers in enumerate(cases):
            shape = list(images)[number % 2]
            name = f"{kind}{number}"
            if only in name:
                recipe = HEAD.replace("NAME", f"images{shape[2]}") + "\n".join(toml([*layers, *END]))
                check_export(place, name, place.train(name, recipe), f"images{shape[2]}.h5", images[shape])
    for architecture, settings in ARCHITECTURES.items():
        if only in architecture:
            recipe = HEAD.replace("NAME", "images1") + f"architecture = '{architecture}'\nembedding = 10\n{settings}\n"
            model = place.train(architecture, recipe)
            check_export(place, architecture, model, "images1.h5", images[14, 14, 1])
            if architecture == "conv4":
                check_normalized(place, model, images[14, 14, 1], "images1.h5")
                check_arrays(place, model)
    if only in "vectors":
        check_vectors(place)
    finish()


main()
