#!/usr/bin/env python3
"""Omniglot from end to end: train, embed characters of alphabets that no training saw, and measure.

usage: omniglot.py [FOLDER WITH omniglot28.h5 AND omniglot.toml] [STEPS]
"""
import sys
import tempfile
from pathlib import Path

import kindred


def main(datasets: Path, steps: int) -> None:
    recipe = datasets / "omniglot.toml"
    with tempfile.TemporaryDirectory() as folder:
        # 150 steps are a few seconds; the recipe as it stands takes minutes, and is better by far.
        run = kindred.train(recipe, out=Path(folder) / "run", settings={
            "train.planned_steps": steps, "train.steps": steps, "train.evaluate_every": 0})
        model = run.load()

    data = kindred.Dataset(datasets / "omniglot28.h5")
    assert data.labels is not None
    test = data.samples_of("test")
    embeddings = model.embed(data.read(test))
    result = kindred.eval.retrieval(embeddings, data.labels[test], recall_at=[1, 10])
    print(result)

    # 20 characters, of which one picture each is known.
    print(kindred.eval.oneshot(embeddings, data.labels[test], ways=20, episodes=200))

    # Who stands next to the first picture?
    indices, scores = kindred.neighbors(embeddings[:1], embeddings, k=5)
    for index, score in zip(indices[0], scores[0]):
        print(f"{score:.3f}  {data.class_names[int(data.labels[test][index])]}")
    assert result["recall@1"] > 0.5, "chance is 0.002"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[3] / "datasets",
         int(sys.argv[2]) if len(sys.argv) > 2 else 150)
