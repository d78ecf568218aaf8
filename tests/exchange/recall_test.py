#!/usr/bin/env python3
"""A model of Omniglot as ONNX Runtime computes it: recall_test.py KINDRED. After a short training recall@1 on the
characters that training never saw is the same, to the last digit printed, through ONNX Runtime and through Kindred."""
import re
import shutil
import subprocess
import sys
from pathlib import Path

from foreign import Place, expect, finish, run_onnx

import h5py
import numpy

OMNIGLOT = str(Path(__file__).resolve().parents[2] / "datasets/omniglot28.h5")
RECIPE = """[data]
file = '{}'
[sampler]
classes = 32
samples_per_class = 2
[model]
architecture = 'conv4'
width = 24
embedding = 64
[[loss]]
name = 'softmax'
[train]
epochs = 1
steps = 150
evaluate_every = 0
"""


def recall(place, embeddings):
    text = subprocess.run([place.program, "eval", "retrieval", embeddings], capture_output=True, text=True, check=True)
    return re.search(r"recall@1 +([0-9.]+)", text.stdout)[1]


def main():
    place = Place(sys.argv[1])
    model = place.train("omniglot", RECIPE.format(OMNIGLOT))
    place.run("embed", model, OMNIGLOT, "--split", "test", "--out", place["ours.h5"], "--quiet")
    place.run("export", model, place["model.onnx"], "--quiet")
    with h5py.File(OMNIGLOT) as data:
        images = data["images"][:][data["split"][:] == 2]
    images = images.reshape(len(images), 28, 28, 1)
    theirs = numpy.concatenate([run_onnx(place["model.onnx"], images[i:i + 128]) for i in range(0, len(images), 128)])
    shutil.copy(place["ours.h5"], place["theirs.h5"])
    with h5py.File(place["theirs.h5"], "r+") as file:
        expect(file["embeddings"].shape == theirs.shape, file["embeddings"].shape, theirs.shape)
        file["embeddings"][:] = theirs
    ours, theirs = recall(place, place["ours.h5"]), recall(place, place["theirs.h5"])
    print(f"recall@1 of {len(images)} drawings: Kindred {ours}, ONNX Runtime {theirs}")
    expect(ours == theirs, ours, theirs)
    finish()


main()
