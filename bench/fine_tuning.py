#!/usr/bin/env python3
"""What it is worth to start from weights.

conv4 is trained on the characters of every other alphabet of Omniglot. Then ten alphabets that it
never saw are learned from half of their characters, for the same number of steps from those weights
and from noise, and judged by recall@1 among their other characters. Prints a row a seed.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent


def write_part(path, source, chosen):
    """Samples of the classes in `chosen` (class -> split), renumbered."""
    labels = source["labels"][:]
    classes = sorted(chosen)
    new = {c: i for i, c in enumerate(classes)}
    rows = np.flatnonzero(np.isin(labels, classes))
    with h5py.File(path, "w") as out:
        out["images"] = source["images"][:][rows]
        out["labels"] = np.array([new[c] for c in labels[rows]], dtype=np.int64)
        out["split"] = np.array([chosen[c] for c in labels[rows]], dtype=np.uint8)
        out["class_names"] = source["class_names"][:][classes]


def parts(source):
    """The classes of each half: {class: 0}, and of ten alphabets {class: 0 or 2}."""
    alphabets = {}
    for number, name in enumerate(source["class_names"][:]):
        alphabets.setdefault(name.decode().split("/")[0], []).append(number)
    names = sorted(alphabets)
    first = {c: 0 for name in names[::2] for c in alphabets[name]}
    second = {}
    for name in names[1::2][:10]:
        for i, c in enumerate(alphabets[name]):
            second[c] = 2 if i % 2 else 0
    return first, second


RECIPE = """
seed = {seed}
[data]
file = "{data}"
[sampler]
name = "pxk"
classes = 32
samples_per_class = 4
[augment]
rotate_degrees = 10
scale = 0.1
shift = 0.05
[[loss]]
name = "softmax"
[[loss]]
name = "triplet"
[optimizer]
name = "adamw"
learning_rate = {rate}
schedule = "cosine"
warm_up = 0.05
[train]
epochs = 100000
planned_steps = {steps}
evaluate_every = 0
{more}
"""


def train(kindred, folder, name, threads, **recipe):
    path = folder / f"{name}.toml"
    path.write_text(RECIPE.format(**recipe))
    begin = time.monotonic()
    subprocess.run([kindred, "train", path, "--out", folder / name, "--quiet", "--threads", str(threads)],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return folder / name / "model.kindred", time.monotonic() - begin


def recall(kindred, model, data):
    done = subprocess.run([kindred, "eval", "retrieval", data, "--model", model, "--split", "test", "--json", "-"],
                          check=True, capture_output=True, text=True)
    return json.loads(done.stdout)["recall@1"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kindred", default="build/release/bin/kindred")
    parser.add_argument("--data", default=HERE.parent / "datasets/omniglot28.h5", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pretraining", type=int, default=2000, help="steps on the first half (default 2000)")
    parser.add_argument("--steps", type=int, default=1500, help="steps on the ten alphabets (default 1500)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, h5py.File(options.data) as source:
        folder = pathlib.Path(temporary)
        first, second = parts(source)
        write_part(folder / "first.h5", source, first)
        write_part(folder / "second.h5", source, second)
        print(f"{len(first)} characters, then {list(second.values()).count(0)} to learn and "
              f"{list(second.values()).count(2)} to tell apart")
        print("| seed | from weights | from noise | seconds each |\n| --- | --- | --- | --- |")
        better = 0
        for seed in options.seeds:
            common = {"seed": seed, "data": folder / "second.h5", "steps": options.steps}
            weights, _ = train(options.kindred, folder, f"first{seed}", options.threads, seed=seed,
                               data=folder / "first.h5", steps=options.pretraining, rate=2e-3, more="")
            tuned, took = train(options.kindred, folder, f"tuned{seed}", options.threads, rate=1e-3,
                                more=f'initial = "{weights}"', **common)
            fresh, also = train(options.kindred, folder, f"fresh{seed}", options.threads, rate=2e-3, more="", **common)
            values = [recall(options.kindred, model, folder / "second.h5") for model in (tuned, fresh)]
            better += values[0] > values[1]
            print(f"| {seed} | {values[0]:.4f} | {values[1]:.4f} | {took:.0f}, {also:.0f} |", flush=True)
        print(f"from weights is better in {better} of {len(options.seeds)}")
    return 0 if better == len(options.seeds) else 1


if __name__ == "__main__":
    sys.exit(main())
