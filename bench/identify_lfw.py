#!/usr/bin/env python3
"""Open-set identification on faces that the model never saw: is the false accept rate what was asked for?

Of PICTURES (class folders in a folder or an archive, as LFW's), people with at least --least pictures take part who are
not among the model's training people (--not-people, a list of names; LFW's peopleDevTrain.txt). Half of each one's
pictures are enrolled; the other halves are queries that should be known. --strangers of the others, one picture each,
are queries that should not. For each rate: `kindred gallery calibrate --far RATE`, then `kindred identify`.

The table: the rate asked, that seen among strangers (wrongly given a name), and the share of known queries that were
given their right name. Whether the rate seen is within the 99 % interval of the rate asked counts both errors: the
strangers' own (a binomial share) and the threshold's, which was chosen by as many pictures as were enrolled, but not
more independent ones than there are people.

usage: identify_lfw.py KINDRED MODEL PICTURES [--not-people LIST] [--least 5] [--strangers 500] [--far 0.01 0.1]
"""
import argparse
import json
import math
import random
import subprocess
import tempfile
import zipfile
from pathlib import Path

IMAGES = (".jpg", ".jpeg", ".png", ".pgm", ".ppm", ".bmp", ".webp")


def run(*words):
    result = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(f"{' '.join(map(str, words))}: exit code {result.returncode}: {result.stderr}")
    return result.stdout


def unpack(pictures, folder):
    if pictures.is_dir():
        return pictures
    with zipfile.ZipFile(pictures) as archive:
        archive.extractall(folder)
    return folder


def people_in(folder):
    people = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in IMAGES:
            people.setdefault(path.parent.name, []).append(path)
    return people


def names_in(path):
    """First words of the lines; counts stand alone on theirs."""
    return {line.split()[0] for line in path.read_text().splitlines() if line.split() and not line.strip().isdigit()}


def link_all(paths, folder):
    for path in paths:
        target = folder / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(path.resolve())


def identify(kindred, gallery, folder, by):
    answers = json.loads(run(kindred, "identify", folder, "--in", gallery, "--by", by, "--json", "-", "--quiet"))
    return [(Path(answer["query"]).parent.name, answer["identity"]) for answer in answers if "error" not in answer]


def half_width(rate, strangers, calibrating):
    """Of the 99 % interval about the rate asked: both shares are binomial."""
    return 2.576 * math.sqrt(rate * (1 - rate) * (1 / strangers + 1 / calibrating))


def main():
    parser = argparse.ArgumentParser(usage=__doc__.rsplit("usage: ", 1)[1].strip())
    parser.add_argument("kindred", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--not-people", type=Path)
    parser.add_argument("--least", type=int, default=5)
    parser.add_argument("--strangers", type=int, default=500)
    parser.add_argument("--far", type=float, nargs="+", default=[0.01, 0.1])
    parser.add_argument("--by", choices=("best", "centroid"), default="best")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="kindred-identify-") as temporary:
        base = Path(temporary)
        people = people_in(unpack(options.pictures, base / "unpacked"))
        seen = names_in(options.not_people) if options.not_people else set()
        unseen = {name: paths for name, paths in people.items() if name not in seen}
        known = sorted(name for name, paths in unseen.items() if len(paths) >= options.least)
        others = sorted(set(unseen) - set(known))
        strangers = chance.sample(others, min(options.strangers, len(others)))
        if not known or not strangers:
            raise SystemExit(f"{len(known)} people with {options.least} pictures and {len(strangers)} strangers: too few")
        enrolled = queries = 0
        for name in known:
            paths = chance.sample(unseen[name], len(unseen[name]))
            half = len(paths) // 2
            link_all(paths[:half], base / "enrolled")
            link_all(paths[half:], base / "known")
            enrolled, queries = enrolled + half, queries + len(paths) - half
        link_all([chance.choice(unseen[name]) for name in strangers], base / "strangers")
        gallery = base / "g.db"
        run(options.kindred, "gallery", "new", gallery, options.model, base / "enrolled", "--quiet", "--no-thumbnails")
        print(f"{len(known)} people enrolled with {enrolled} pictures; {queries} queries of them, "
              f"{len(strangers)} strangers; by {options.by}")
        print("FAR asked  FAR seen  99 % interval      within  identified")
        for rate in options.far:
            run(options.kindred, "gallery", "calibrate", gallery, "--far", rate, "--quiet")
            wrong = [who for _, who in identify(options.kindred, gallery, base / "strangers", options.by)]
            right = identify(options.kindred, gallery, base / "known", options.by)
            found = sum(who is not None for who in wrong) / len(wrong)
            width = half_width(rate, len(wrong), min(enrolled, len(known)))
            identified = sum(name == who for name, who in right) / len(right)
            within = "yes" if abs(found - rate) <= width else "no"
            print(f"{rate:9g}  {found:8.4f}  {max(0, rate - width):.4f} to {rate + width:.4f}  {within:>6}  {identified:10.4f}")


if __name__ == "__main__":
    main()
