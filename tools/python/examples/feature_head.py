#!/usr/bin/env python3
"""A small head on the features of a foundation model: 20,000 vectors of 384 numbers, 500 classes.

Features of a network that was trained for something else hold what is asked for, but most of what sets them apart is
something else: here 24 directions tell the classes, and 360 are louder. The head, an MLP, learns which is which, on 400
of the classes; it is measured on the other 100.

usage: feature_head.py [STEPS]
"""
import sys
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

import kindred

CLASSES, EACH, DEPTH, TELLING = 500, 40, 384, 24

RECIPE = {
    "seed": 1,
    "sampler": {"name": "pxk", "classes": 64, "samples_per_class": 4},
    "model": {"architecture": "mlp", "hidden": [256], "embedding": 64, "slice": 32},
    "loss": [{"name": "supcon", "temperature": 0.1}],
    "optimizer": {"name": "adamw", "learning_rate": 2e-3},
    "train": {"evaluate_every": 0},
}


def make_features(seed: int = 1) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """What a foundation model might say of 20,000 pictures."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(CLASSES), EACH)
    telling = random.standard_normal((CLASSES, TELLING))[labels] + 0.5 * random.standard_normal((len(labels), TELLING))
    louder = 2.0 * random.standard_normal((len(labels), DEPTH - TELLING))
    mixed, _ = np.linalg.qr(random.standard_normal((DEPTH, DEPTH)))
    return (np.hstack([telling, louder]) @ mixed).astype(np.float32), labels


def main(steps: int) -> None:
    features, labels = make_features()
    known = labels < 400
    before = kindred.eval.retrieval(features[~known], labels[~known], recall_at=[1], map=False)

    data = kindred.Dataset.from_arrays(features[known], labels[known])  # read where they lie
    with tempfile.TemporaryDirectory() as folder:
        run = kindred.train(RECIPE, data=data, out=Path(folder) / "run",
                            settings={"train.planned_steps": steps, "train.steps": steps})
        model = run.load()

    embeddings = model.embed(features[~known])
    after = kindred.eval.retrieval(embeddings, labels[~known], recall_at=[1], map=False)
    print(f"of 100 classes that the head never saw: {'features':>12}{'head':>8}")
    for name in ("recall@1", "r_precision", "map@r"):
        print(f"{name:39} {before[name]:12.4f}{after[name]:8.4f}")
    clusters = kindred.eval.clustering(embeddings, labels[~known])
    print(clusters)
    assert after["map@r"] > 2 * before["map@r"]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
