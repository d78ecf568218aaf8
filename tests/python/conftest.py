"""What the tests of the Python package share. PYTHONPATH names the build's package, KINDRED_PROGRAM its program."""
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

import kindred

RECIPE = """
seed = 3
[data]
file = "data.npz"
validation_classes = 4
[sampler]
classes = 8
samples_per_class = 2
[model]
architecture = "conv4"
widths = [8, 8, 8, 16]
embedding = 20
slice = 8
[[loss]]
name = "triplet"
mining = "hard"
[[loss]]
name = "softmax"
[optimizer]
name = "adam"
[train]
planned_steps = 50
"""


def pictures(seed=1, classes=20, each=8, side=16):
    """Blots that are alike within a class: uint8 [N, side, side, 1], with int64 labels [N]."""
    random = np.random.default_rng(seed)
    shapes = random.integers(0, 200, (classes, side, side))
    images = np.repeat(shapes, each, axis=0) + random.integers(0, 56, (classes * each, side, side))
    return images.astype(np.uint8)[..., None], np.repeat(np.arange(classes), each)


def program(*arguments, **options):
    """Runs the command line; what it printed. A sanitizer that is preloaded is Python's: the program has its own."""
    options.setdefault("env", {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"})
    path = os.environ.get("KINDRED_PROGRAM") or Path(kindred.__file__).parents[2] / "bin" / "kindred"
    result = subprocess.run([str(path), *map(str, arguments)], capture_output=True, text=True, timeout=300, **options)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """A folder with a data set, data.npz, a recipe for it, and what the command line trained by that: line/."""
    folder = tmp_path_factory.mktemp("place")
    images, labels = pictures()
    np.savez(folder / "data.npz", images=images, labels=labels)
    (folder / "recipe.toml").write_text(RECIPE)
    program("train", folder / "recipe.toml", "--out", folder / "line", "--threads", "2", "--quiet")
    return folder


@pytest.fixture(scope="session")
def model(place):
    return kindred.load(place / "line" / "model.kindred", threads=2)
