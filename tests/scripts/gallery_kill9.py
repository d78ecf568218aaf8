#!/usr/bin/env python3
"""Kills `kindred gallery add` at random moments and checks that nothing acknowledged is ever lost.

2,000 small pictures are added to a gallery; the process is killed by SIGKILL after a random time, again and
again. After each kill:
  * PRAGMA integrity_check is ok, and no picture is there twice;
  * every picture has its embedding and its thumbnail, and every name its pictures;
  * at least as many pictures are there as were acknowledged on standard output;
  * `kindred gallery info` opens it.
`kindred gallery new` is killed too: there is a whole gallery, or none. Then two processes add at once, and lose
nothing; one waits for another that has the gallery locked; last, a disk that is full: the pictures before stay, and adding goes on.

usage: gallery_kill9.py KINDRED [--kills N] [--seed N] [--pictures N] [--keep]
"""
import argparse
import json
import os
import random
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CLASSES, SIDE = 40, 8
RECIPE = """
[data]
file = "data.h5"
[sampler]
classes = 8
samples_per_class = 2
[model]
architecture = "mlp"
hidden = [8]
embedding = 16
[[loss]]
name = "softmax"
[train]
epochs = 1
steps = 1
"""


class Fault(Exception):
    pass


class Place:
    def __init__(self, kindred, folder, pictures, chance):
        self.kindred, self.folder, self.count, self.chance = kindred, folder, pictures, chance
        self.pictures = folder / "pictures"
        self.model = folder / "run" / "model.kindred"
        for number in range(pictures):
            of_class = self.pictures / f"class{number % CLASSES}"
            of_class.mkdir(parents=True, exist_ok=True)
            pixels = bytes(chance.randrange(256) for _ in range(SIDE * SIDE))
            (of_class / f"{number}.pgm").write_bytes(b"P5 %d %d 255\n" % (SIDE, SIDE) + pixels)
        (folder / "recipe.toml").write_text(RECIPE)
        self.must("import", self.pictures, folder / "data.h5", "--quiet")
        self.must("train", folder / "recipe.toml", "--out", folder / "run", "--quiet")

    def must(self, *words):
        result = subprocess.run([self.kindred, *map(str, words)], capture_output=True, text=True)
        if result.returncode:
            raise Fault(f"{' '.join(map(str, words))}: exit code {result.returncode}: {result.stderr}")
        return result.stdout

    def start(self, *words, **more):
        return subprocess.Popen([self.kindred, *map(str, words), "--threads", "1"], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, **more)

    def killed(self, seconds, *words):
        """Runs it and kills it after so long; (exit code, what it acknowledged, its words)."""
        with self.start(*words) as process:
            try:
                out, err = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                out, err = process.communicate()
        added = [int(number) for number in re.findall(r"^\d+ of \d+ pictures done, (\d+) added$", out, re.M)]
        return process.returncode, max(added, default=0), err


def count_of(gallery):
    """How many pictures there are; fails where it is not whole."""
    base = sqlite3.connect(gallery)
    try:
        ask = lambda sql: base.execute(sql).fetchone()[0]
        found = ask("PRAGMA integrity_check")
        if found != "ok":
            raise Fault(f"{gallery}: integrity_check: {found}")
        pictures = ask("SELECT count(*) FROM pictures")
        for what, sql in {"different pictures": "SELECT count(DISTINCT digest) FROM pictures",
                          "embeddings": "SELECT count(*) FROM embeddings JOIN pictures ON id = picture",
                          "thumbnails": "SELECT count(*) FROM thumbnails JOIN pictures ON id = picture",
                          "pictures of a name that is there": "SELECT count(*) FROM pictures WHERE identity IS NULL "
                          "OR identity IN (SELECT id FROM identities)",
                          }.items():
            if ask(sql) != pictures:
                raise Fault(f"{gallery}: {pictures} pictures, but {ask(sql)} {what}")
        for table in ("embeddings", "thumbnails"):
            if ask(f"SELECT count(*) FROM {table}") != pictures:
                raise Fault(f"{gallery}: {table} of no picture")
        if ask("SELECT count(*) FROM identities i WHERE NOT EXISTS (SELECT 1 FROM pictures WHERE identity = i.id)"):
            raise Fault(f"{gallery}: a name without pictures")
    finally:
        base.close()
    for end in ("", "-wal", "-shm"):
        if os.path.exists(f"{gallery}{end}") and os.stat(f"{gallery}{end}").st_mode & 0o077:
            raise Fault(f"{gallery}{end}: others may read it")
    return pictures


def kill_adding(place, kills):
    number = killed = whole = 0
    start = time.monotonic()
    timed = place.folder / "timed.db"
    place.must("gallery", "new", timed, place.model, place.pictures, "--threads", "1")
    seconds = time.monotonic() - start
    if count_of(timed) != place.count:
        raise Fault(f"{timed}: not all pictures were added")
    print(f"gallery_kill9: {place.count} pictures undisturbed in {seconds:.1f} s")
    gallery, before = None, 0
    while killed < kills:
        if gallery is None:
            number += 1
            gallery, before = place.folder / f"g{number}.db", 0
            words = ("gallery", "new", gallery, place.model, place.pictures)
        elif before == 0 and not gallery.exists():
            words = ("gallery", "new", gallery, place.model, place.pictures)
        else:
            words = ("gallery", "add", gallery, place.pictures)
        code, acknowledged, err = place.killed(place.chance.uniform(0, seconds), *words)
        if code not in (0, -signal.SIGKILL):
            raise Fault(f"{' '.join(map(str, words))}: exit code {code}: {err}")
        killed += code != 0
        if not gallery.exists():
            if acknowledged:
                raise Fault(f"{gallery}: {acknowledged} pictures were acknowledged, and it is not there")
            print(f"  kill {killed}: there is no gallery yet")
            continue
        now = count_of(gallery)
        if now < before + acknowledged:
            raise Fault(f"{gallery}: {before} pictures and {acknowledged} acknowledged, but {now} are there")
        place.must("gallery", "info", gallery)
        if code:
            print(f"  kill {killed}: {acknowledged} acknowledged, {now} of {place.count} are there")
        before = now
        if code and place.chance.random() < 0.5:  # most of a gallery's moments are its first
            gallery.unlink()
            for end in ("-wal", "-shm"):
                Path(f"{gallery}{end}").unlink(missing_ok=True)
            gallery = None
            continue
        if code == 0:
            if now != place.count:
                raise Fault(f"{gallery}: ended with {now} of {place.count}")
            whole += 1
            gallery.unlink()
            gallery = None
    if gallery is not None and gallery.exists():
        place.must("gallery", "add", gallery, place.pictures)
        if count_of(gallery) != place.count:
            raise Fault(f"{gallery}: ended with fewer than all pictures")
        whole += 1
    left = list(place.folder.glob("*.partial*"))
    if len(left) > 1:  # one of a `new` that was killed goes when the next one begins
        raise Fault(f"left behind: {left}")
    print(f"gallery_kill9: {killed} kills; {whole} galleries were whole in the end")


def add_at_once(place):
    gallery = place.folder / "both.db"
    place.must("gallery", "new", gallery, place.model)
    classes = sorted(place.pictures.iterdir())
    parts = {"first": classes[:2 * CLASSES // 3], "second": classes[CLASSES // 3:]}  # a third is in both
    for name, folders in parts.items():
        for folder in folders:
            shutil.copytree(folder, place.folder / name / folder.name)
    processes = [place.start("gallery", "add", gallery, place.folder / name, "--json", "-") for name in parts]
    added = 0
    for process in processes:
        out, err = process.communicate()
        if process.returncode:
            raise Fault(f"{gallery}: adding at once: exit code {process.returncode}: {err}")
        added += json.loads(out)["added"]
    if count_of(gallery) != place.count or added != place.count:
        raise Fault(f"{gallery}: {count_of(gallery)} of {place.count} pictures, {added} said to be added")
    print("gallery_kill9: two that added at once lost nothing, and added nothing twice")


def wait_for_others(place):
    gallery = place.folder / "locked.db"
    place.must("gallery", "new", gallery, place.model, place.pictures / "class0")
    other = sqlite3.connect(gallery, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    words = ("gallery", "add", gallery, place.pictures / "class1")
    code, _, err = place.killed(60, *words, "--wait", "0")
    if code != 73 or "another process keeps it locked" not in err:
        raise Fault(f"{gallery}: locked: expected exit code 73 and why, found {code}: {err}")
    place.must("gallery", "list", gallery)  # who reads does not wait
    with place.start(*words) as process:
        time.sleep(0.5)
        other.execute("COMMIT")
        _, err = process.communicate()
    other.close()
    if process.returncode or count_of(gallery) != 2 * place.count // CLASSES:
        raise Fault(f"{gallery}: did not wait for who had it locked: {err}")
    print("gallery_kill9: who adds waits for others, and says so where that takes too long")


def fill_the_disk(place):
    gallery = place.folder / "full.db"
    place.must("gallery", "new", gallery, place.model, place.pictures / "class0")
    before = count_of(gallery)

    def limit_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as a full disk: an error, not a signal
        most = gallery.stat().st_size + (64 << 10)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    with place.start("gallery", "add", gallery, place.pictures, preexec_fn=limit_files) as process:
        _, err = process.communicate()
    if process.returncode != 74 or "full.db" not in err:
        raise Fault(f"{gallery}: full disk: expected exit code 74 and the file's name, found {process.returncode}: {err}")
    if count_of(gallery) < before:
        raise Fault(f"{gallery}: full disk: pictures are lost")
    place.must("gallery", "add", gallery, place.pictures)
    if count_of(gallery) != place.count:
        raise Fault(f"{gallery}: adding did not go on after the full disk")
    print("gallery_kill9: a full disk left the gallery good, and adding went on")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.rsplit("usage: ", 1)[1].strip())
    parser.add_argument("kindred", type=Path)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--keep", action="store_true", help="leave the galleries")
    options = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="kindred-gallery-"))
    try:
        place = Place(options.kindred.resolve(), base, options.pictures, random.Random(options.seed))
        kill_adding(place, options.kills)
        add_at_once(place)
        wait_for_others(place)
        fill_the_disk(place)
    except Fault as fault:
        sys.exit(f"gallery_kill9: {fault}\ngallery_kill9: the galleries are left in {base}")
    if options.keep:
        print(f"gallery_kill9: the galleries are in {base}")
    else:
        shutil.rmtree(base)


if __name__ == "__main__":
    main()
