#!/usr/bin/python3
"""Training on a data set eight times the memory it is given: peak resident memory, and images/s against the same data
in memory.

The set is 28x28 grey drawings of 964 classes in random order, deflated in chunks of 64 KiB; `kindred pack` makes the
packed one of it. Each measurement is a process of its own, `kindred bench train` on the reference network with
`data.memory` set: the packed set in memory, the packed set streamed, the deflated set streamed, in turns, so that a
change of the machine's mood hits all. Peak memory is the process's ru_maxrss. `--cold` drops the file from the
system's cache before each (what is read then comes from the disk). At last one whole `kindred train` with an
evaluation on the test split, streamed.

usage: streaming.py [--kindred PATH] [--budget MiB] [--times 8] [--repeats 3] [--steps 60] [--threads 2] [--folder DIR]
                    [--cold]
needs: apt-get install --no-install-recommends python3-h5py python3-numpy
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
CLASSES = 964
SIDE = 28
CHUNK = 83
PIECE = 200 * CHUNK


def drawings(random, labels):
    """Strokes on black, each class its own, moved and roughened: compresses about as drawings do."""
    images = PATTERNS[labels]
    images = np.roll(images, (int(random.integers(-2, 3)), int(random.integers(-2, 3))), (1, 2))
    return images * (random.random(images.shape, dtype=np.float32) > 0.15)


def patterns():
    random = np.random.default_rng(7)
    result = np.zeros((CLASSES, SIDE, SIDE), np.uint8)
    for image in result:
        for _ in range(4):
            y, x = random.integers(4, SIDE - 4, 2)
            for _ in range(14):
                image[y, x] = random.integers(128, 256)
                y, x = np.clip([y, x] + random.integers(-1, 2, 2), 0, SIDE - 1)
    return result


PATTERNS = patterns()


def write_set(path, count):
    random = np.random.default_rng(1)
    labels = random.permutation(np.arange(count) % CLASSES).astype(np.int64)
    split = np.zeros(count, np.uint8)
    split[random.integers(0, count, 4000)] = 2
    with h5py.File(path, "w") as file:
        images = file.create_dataset("images", (count, SIDE, SIDE, 1), np.uint8, chunks=(CHUNK, SIDE, SIDE, 1),
                                     compression="gzip", compression_opts=1)
        for first in range(0, count, PIECE):
            own = labels[first:first + PIECE]
            images[first:first + len(own)] = drawings(random, own)[..., None]
        file["labels"] = labels
        file["split"] = split


def run(arguments, **options):
    """The finished process and its peak resident memory in MiB."""
    process = subprocess.Popen([str(a) for a in arguments], stdout=subprocess.PIPE, text=True, **options)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(str(a) for a in arguments)}: exit status {status}")
    return out, usage.ru_maxrss / 1024


def forget(path):
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure(arguments, data, memory):
    if arguments.cold:
        forget(data)
    out, peak = run([arguments.kindred, "bench", "train", "--data", data, "--threads", arguments.threads, "--steps",
                     arguments.steps, "--repeats", 3, "--set", f"data.memory='{memory}'", "--json", "-"])
    found = json.loads(out)
    return found["images_per_second"], peak, found["shares"]["wait_for_data"]


RECIPE = """
[data]
file = "{file}"
memory = "{memory}MiB"
[sampler]
classes = 32
samples_per_class = 4
[model]
architecture = "conv4"
pool_last = true
[[loss]]
name = "softmax"
[[loss]]
name = "triplet"
mining = "hard"
[[loss]]
name = "center"
weight = 0.01
[train]
epochs = 1
planned_steps = {steps}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kindred", default=ROOT / "build/release/bin/kindred")
    parser.add_argument("--budget", type=int, default=512)
    parser.add_argument("--times", type=float, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder")
    parser.add_argument("--cold", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.folder or temporary)
        deflated, packed = folder / "deflated.h5", folder / "packed.h5"
        count = int(arguments.times * arguments.budget * 2**20 / SIDE**2)
        if not deflated.exists():
            print(f"writing {count} images, {count * SIDE**2 / 2**20:.0f} MiB", file=sys.stderr)
            write_set(deflated, count)
        if not packed.exists():
            start = time.perf_counter()
            _, peak = run([arguments.kindred, "pack", deflated, packed, "--quiet", "--threads", arguments.threads])
            print(f"kindred pack: {time.perf_counter() - start:.1f} s, {peak:.0f} MiB at most")
        budget = f"{arguments.budget}MiB"
        ways = {"packed, in memory": (packed, f"{2 * arguments.times * arguments.budget:.0f}MiB"),
                "packed, streamed": (packed, budget), "deflated, streamed": (deflated, budget)}
        rates = {way: [] for way in ways}
        peaks = {way: 0 for way in ways}
        waits = {way: [] for way in ways}
        for _ in range(arguments.repeats):
            for way, (data, memory) in ways.items():
                rate, peak, wait = measure(arguments, data, memory)
                rates[way].append(rate)
                waits[way].append(wait)
                peaks[way] = max(peaks[way], peak)
        whole = statistics.median(rates["packed, in memory"])
        print("| data | images/s, median (lowest to highest) | share | waiting for data | peak memory, MiB |")
        print("| --- | --- | --- | --- | --- |")
        for way in ways:
            median = statistics.median(rates[way])
            print(f"| {way} | {median:,.0f} ({min(rates[way]):,.0f} to {max(rates[way]):,.0f}) | {median / whole:.2f} | "
                  f"{statistics.median(waits[way]) * 100:.1f} % | {peaks[way]:.0f} |")
        recipe = folder / "recipe.toml"
        recipe.write_text(RECIPE.format(file=packed, memory=arguments.budget, steps=4 * arguments.steps))
        _, peak = run([arguments.kindred, "train", recipe, "--out", Path(temporary) / "run", "--threads",
                       arguments.threads, "--quiet"])
        print(f"kindred train with its evaluation: {peak:.0f} MiB at most")
        share = statistics.median(rates["packed, streamed"]) / whole
        print(f"memory over budget: {max(peaks['packed, streamed'], peaks['deflated, streamed'], peak) / arguments.budget:.2f}")
        print(f"ratio: {share:.3f}")


if __name__ == "__main__":
    main()
