#!/usr/bin/env python3
"""What was taken in is trained as PyTorch trains it: training_test.py KINDRED [NETWORK]. 20 steps of SGD on a batch that is
the whole data set, of one slice, so that batch norms see the same; the losses agree to 1e-3. The mobile networks are not
among them: a norm behind a depthwise convolution leaves next to nothing of the gradient of the norm before it, rounding
errors instead, as much in PyTorch's float32 against its own float64 as in ours, and after some steps the losses part."""
import copy
import json
import sys
import warnings
from pathlib import Path

from foreign import Place, expect, finish

import numpy

try:
    import torch
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)
import torch_networks

CLASSES, EACH, STEPS = 4, 2, 20
TEMPERATURE = 0.5  # the loss does not fall to rounding
RECIPE = f"""[data]
file = 'images.h5'
[sampler]
classes = {CLASSES}
samples_per_class = {EACH}
[[loss]]
name = 'supcon'
temperature = {TEMPERATURE}
[optimizer]
name = 'sgd'
learning_rate = 1e-3
momentum = 0.9
schedule = 'constant'
[train]
initial = 'converted.kindred'
epochs = {STEPS}
evaluate_every = 0
"""


def supcon(embeddings, labels):
    """Khosla et al. 2020, equation (2), with the mean over the anchors."""
    units = torch.nn.functional.normalize(embeddings)
    scores = units @ units.T / TEMPERATURE
    others = ~torch.eye(len(labels), dtype=torch.bool)
    kin = (labels[:, None] == labels[None, :]) & others
    logs = scores - torch.logsumexp(scores.masked_fill(~others, -torch.inf), dim=1, keepdim=True)
    return -(logs * kin).sum(dim=1).div(kin.sum(dim=1)).mean()


def parts_of(path):
    """The header and the data of a model's file."""
    content = Path(path).read_bytes()
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8:8 + length]), content[8 + length:]


def recipe_of(path):
    return parts_of(path)[0]["__metadata__"]["recipe"]


def scaling_of(path):
    header, data = parts_of(path)
    return {name: numpy.frombuffer(data[slice(*header[name]["data_offsets"])], "<f4")
            for name in ("input.mean", "input.scale")}


def torch_losses(network, images, labels, scaling):
    inputs = torch.from_numpy((images.astype("float32") - scaling["input.mean"]) * scaling["input.scale"])
    inputs = inputs.permute(0, 3, 1, 2).contiguous()
    network = copy.deepcopy(network).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = supcon(network(inputs), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def main():
    warnings.filterwarnings("ignore")
    torch.set_num_threads(2)
    place = Place(sys.argv[1])
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    for name in torch_networks.NETWORKS:
        if only not in name or name.startswith("mobile"):
            continue
        side = {"mobilefacenet": 112, "iresnet18": 112}.get(name, 224)
        labels = numpy.repeat(numpy.arange(CLASSES), EACH)
        images = numpy.random.default_rng(5).integers(0, 256, (len(labels), side, side, 3), dtype=numpy.uint8)
        place.write_images("images.h5", images, labels)
        network = torch_networks.make(name)
        for module in network.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        torch_networks.export(network, place["network.onnx"], side, "old", False)
        place.run("convert", place["network.onnx"], place["converted.kindred"], "--quiet")
        recipe = recipe_of(place["converted.kindred"]).replace("[model]\n", "[model]\nlanes = 1\n", 1)
        recipe = recipe.replace("slice = 16", f"slice = {len(labels)}").replace('convolution = "auto"',
                                                                               'convolution = "direct"')
        trained = place.train("run-" + name, recipe + RECIPE)
        lines = [json.loads(line) for line in Path(place[f"run-{name}/metrics.jsonl"]).read_text().splitlines()]
        ours = [line["loss"] for line in lines if "loss" in line and "step" in line][:STEPS]
        theirs = torch_losses(network, images, torch.from_numpy(labels), scaling_of(trained))
        share = max(abs(a - b) / abs(b) for a, b in zip(ours, theirs))
        print(f"{name}: losses {theirs[0]:.4f} -> {theirs[-1]:.4f}, largest difference {share:.1e} of it", flush=True)
        expect(len(ours) == STEPS and abs(ours[0] - theirs[0]) <= 1e-4 * theirs[0] and share <= 1e-3,
               name, ours, theirs)
    finish()


main()
