#!/usr/bin/env python3
"""What was taken in is trained as PyTorch trains it: training_test.py KINDRED [NETWORK]. 20 steps of SGD on a batch that is
the whole data set, of one slice, so that batch norms see the same; the losses agree to 1e-3. Each network begins with
weights that PyTorch trained for some steps. One begins with random ones, too: of the others, PyTorch's own losses in
float32 then part from its float64 by 1e-2 and more within 14 steps, as ours do."""
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
MOST_BEFORE, LOSS_BEFORE = 30, 0.5  # of PyTorch's steps; the loss falls from about 1.9 to 0.35
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


def make_images(labels, side):
    """Soft fields of colour, one a class, with some of its own in each image."""
    random = numpy.random.default_rng(5)
    classes = random.normal(size=(CLASSES, 7, 7, 3))
    fields = classes[labels] + 0.5 * random.normal(size=(len(labels), 7, 7, 3))
    fields = fields.repeat(side // 7, axis=1).repeat(side // 7, axis=2)
    return numpy.clip(128 + 48 * fields, 0, 255).astype(numpy.uint8)


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


def inputs_of(images, scaling):
    inputs = torch.from_numpy((images.astype("float32") - scaling["input.mean"]) * scaling["input.scale"])
    return inputs.permute(0, 3, 1, 2).contiguous()


def train_in_torch(network, optimizer, inputs, labels, steps, enough=0):
    """In place, until the loss is `enough`; the losses."""
    network.train()
    losses = []
    while len(losses) < steps and not (losses and losses[-1] <= enough):
        optimizer.zero_grad()
        loss = supcon(network(inputs), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def network_of(name, images, labels, trained):
    """What PyTorch has to begin with."""
    network = torch_networks.make(name)
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if trained and isinstance(module, torch.nn.Conv2d):  # filters of one length, whatever their groups
            torch.nn.init.kaiming_normal_(module.weight, mode="fan_in")
    if trained:
        scaling = {"input.mean": numpy.float32(128), "input.scale": numpy.float32(1 / 64)}
        train_in_torch(network, torch.optim.Adam(network.parameters(), lr=1e-3), inputs_of(images, scaling), labels,
                       MOST_BEFORE, LOSS_BEFORE)
    return network.eval()


def compare(place, name, trained):
    side = torch_networks.NETWORKS[name][1]
    labels = numpy.repeat(numpy.arange(CLASSES), EACH)
    images = make_images(labels, side)
    place.write_images("images.h5", images, labels)
    network = network_of(name, images, torch.from_numpy(labels), trained)
    torch_networks.export(network, place["network.onnx"], side, "old", False)
    place.run("convert", place["network.onnx"], place["converted.kindred"], "--quiet")
    recipe = recipe_of(place["converted.kindred"]).replace("[model]\n", "[model]\nlanes = 1\n", 1)
    recipe = recipe.replace("slice = 16", f"slice = {len(labels)}").replace('convolution = "auto"',
                                                                           'convolution = "direct"')
    run = f"run-{name}-{trained}"
    model = place.train(run, recipe + RECIPE)
    lines = [json.loads(line) for line in Path(place[f"{run}/metrics.jsonl"]).read_text().splitlines()]
    ours = [line["loss"] for line in lines if "loss" in line and "step" in line][:STEPS]
    network = copy.deepcopy(network)
    theirs = train_in_torch(network, torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9),
                            inputs_of(images, scaling_of(model)), torch.from_numpy(labels), STEPS)
    share = max(abs(a - b) / abs(b) for a, b in zip(ours, theirs))
    print(f"{name}, {'trained' if trained else 'random'} weights: losses {theirs[0]:.4f} -> {theirs[-1]:.4f}, "
          f"largest difference {share:.1e} of it", flush=True)
    expect(len(ours) == STEPS and abs(ours[0] - theirs[0]) <= 1e-4 * theirs[0] and share <= 1e-3, name, ours, theirs)
    expect(theirs[-1] < 0.99 * theirs[0], name, "nothing was learned", theirs)


def main():
    warnings.filterwarnings("ignore")
    torch.set_num_threads(2)
    place = Place(sys.argv[1])
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    for name in torch_networks.NETWORKS:
        if only not in name:
            continue
        compare(place, name, True)
        if name == "iresnet18":
            compare(place, name, False)
    finish()


main()
