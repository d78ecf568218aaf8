#!/usr/bin/python3
"""Losses on Omniglot with equal budget: one table, in Markdown, on standard output.

Every row trains the default recipe, datasets/omniglot.toml, with other [[loss]] tables in it: the same images, network,
optimizer and number of steps. Rows are ordered by map@r on the validation alphabets, which no training saw; the figures
on the test alphabets and on the published one-shot runs stand beside and choose nothing. Seconds are those of the
training steps: let nothing else run.

usage: compare_losses.py [--kindred PATH] [--threads N] [--only "NAME;..."] [--out FOLDER] [--set KEY=VALUE ...]
"""
import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECIPE = ROOT / "datasets/omniglot.toml"
TABLES = re.compile(r"\[\[loss\]\].*?(?=\n\[optimizer\])", re.DOTALL)

# Settings: the defaults, which are the papers', but for margins and scales made for faces, and for proxies, whose own
# learning rate their papers raise as well.
SOFTMAX = {"name": "softmax"}
HARD = {"name": "triplet", "mining": "hard"}
CENTER = {"name": "center", "weight": 0.01}
SUPCON = {"name": "supcon"}
COSFACE = {"name": "cosface", "scale": 24, "margin": 0.2, "learning_rate_factor": 10}
LOSSES = {
    "softmax + triplet + center": [SOFTMAX, HARD, CENTER],
    "softmax": [SOFTMAX],
    "triplet, hard": [HARD],
    "SupCon": [SUPCON],
    "multi-similarity": [{"name": "multi_similarity", "mining": "multi_similarity"}],
    "circle": [{"name": "circle"}],
    "ArcFace": [{"name": "arcface", "scale": 24, "margin": 0.2, "learning_rate_factor": 10}],
    "CosFace": [COSFACE],
    "CosFace + SupCon": [COSFACE, SUPCON],
    "Proxy-Anchor": [{"name": "proxy_anchor", "learning_rate_factor": 100}],
}


def toml(tables):
    text = lambda value: f'"{value}"' if isinstance(value, str) else value
    return "\n".join("[[loss]]\n" + "".join(f"{key} = {text(value)}\n" for key, value in table.items())
                     for table in tables)


def write_recipe(path, tables):
    recipe = RECIPE.read_text().replace('"omniglot28.h5"', f'"{ROOT}/datasets/omniglot28.h5"')
    path.write_text(TABLES.sub(lambda _: toml(tables), recipe, count=1))


def train(options, folder, name, tables):
    """One row: validation map@r, test recall@1 and map@r, one-shot error, seconds of steps."""
    run = folder / re.sub(r"\W+", "_", name)
    recipe = run.with_suffix(".toml")
    write_recipe(recipe, tables)
    call = lambda *arguments: subprocess.run([options.kindred, *arguments, "--threads", str(options.threads)], check=True,
                                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True).stdout
    call("train", recipe, "--out", run, "--quiet", *(word for value in options.set for word in ("--set", value)))
    call("embed", run / "model.kindred", ROOT / "datasets/omniglot_oneshot.h5", "--out", run / "oneshot.h5", "--quiet")
    oneshot = json.loads(call("eval", "oneshot", run / "oneshot.h5", "--json", "-"))
    evaluations = [line for line in map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
                   if "split" in line]
    validation = max(line["map@r"] for line in evaluations if line["split"] == "validation")
    test = next(line for line in evaluations if line["split"] == "test")
    return validation, test["recall@1"], test["map@r"], oneshot["error"], test["train_seconds"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kindred", default=ROOT / "build/release/bin/kindred")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", help="names of rows, between semicolons")
    parser.add_argument("--out", help="folder of the runs (default: removed at the end)")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="changes every recipe")
    options = parser.parse_args()
    names = options.only.split(";") if options.only else list(LOSSES)
    for name in names:
        if name not in LOSSES:
            parser.error(f"--only: no row '{name}'; there are: {'; '.join(LOSSES)}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.out or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        rows = []
        for name in names:
            rows.append((name, *train(options, folder, name, LOSSES[name])))
            print(name, *(f"{number:.4f}" for number in rows[-1][1:]), file=sys.stderr, flush=True)
    print("| recipe | map@r, validation | recall@1 | map@r | one-shot error | seconds |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, validation, recall, map_at_r, error, seconds in sorted(rows, key=lambda row: -row[1]):
        print(f"| {name} | {validation:.3f} | {recall:.3f} | {map_at_r:.3f} | {100 * error:.1f} % | {seconds:.0f} |")


if __name__ == "__main__":
    main()
