#!/usr/bin/env python3
"""A cold `kindred find` in a gallery of many pictures: made of random embeddings by SQLite, in the tables that
src/gallery/gallery_schema.cc has; the model is a small one that this trains.

What is measured: the whole command, from its start to the printed answer: the model is read and compiled, all
embeddings are read, checked and scanned. Before each run the file is taken out of the page cache, unless --warm.

usage: gallery_scale.py KINDRED [--pictures 1000000] [--dimension 128] [--repeats 5] [--warm] [--keep FOLDER]
"""
import argparse
import os
import random
import shutil
import sqlite3
import statistics
import struct
import subprocess
import tempfile
import time
from pathlib import Path

RECIPE = """
[data]
file = "data.h5"
[sampler]
classes = 4
samples_per_class = 2
[model]
architecture = "mlp"
hidden = [8]
embedding = %d
slice = 8
[[loss]]
name = "softmax"
[train]
epochs = 1
steps = 1
"""


def run(*words):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True).stdout


def make_model(kindred, folder, dimension):
    chance = random.Random(1)
    for number in range(16):
        path = folder / "pictures" / f"class{number % 4}" / f"{number}.pgm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"P5 8 8 255\n" + bytes(chance.randrange(256) for _ in range(64)))
    (folder / "recipe.toml").write_text(RECIPE % dimension)
    run(kindred, "import", folder / "pictures", folder / "data.h5", "--quiet")
    run(kindred, "train", folder / "recipe.toml", "--out", folder / "run", "--quiet")


def fill(gallery, pictures, dimension):
    chance = random.Random(2)
    pool = [chance.gauss(0, 1) for _ in range(1 << 20)]
    base = sqlite3.connect(gallery)
    base.execute("PRAGMA synchronous = OFF")
    base.executemany("INSERT INTO identities VALUES (?, ?)", ((i, f"person {i}") for i in range(1, pictures // 10 + 2)))
    base.executemany("INSERT INTO pictures VALUES (?, ?, ?, 100, 100, ?)",
                     ((i, f"photos/album {i // 1000}/{i}.jpg", f"{i:064x}", i // 10 + 1) for i in range(1, pictures + 1)))

    def vectors():
        for i in range(1, pictures + 1):
            at = chance.randrange(len(pool) - dimension)
            yield i, struct.pack(f"<{dimension}f", *pool[at:at + dimension])

    base.executemany("INSERT INTO embeddings VALUES (?, ?)", vectors())
    base.execute("UPDATE meta SET value = '1' WHERE key = 'additions'")
    base.commit()
    base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    base.close()


def forget(path):
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.rsplit("usage: ", 1)[1].strip())
    parser.add_argument("kindred", type=Path)
    parser.add_argument("--pictures", type=int, default=1_000_000)
    parser.add_argument("--dimension", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--warm", action="store_true", help="leave the file in the page cache")
    parser.add_argument("--keep", type=Path, help="make the gallery here, or use the one that is here")
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="kindred-scale-"))
    gallery = folder / "g.db"
    kindred = options.kindred.resolve()
    if not gallery.exists():
        folder.mkdir(parents=True, exist_ok=True)
        make_model(kindred, folder, options.dimension)
        run(kindred, "gallery", "new", gallery, folder / "run/model.kindred", "--quiet")
        fill(gallery, options.pictures, options.dimension)
    query = folder / "pictures/class0/0.pgm"
    seconds = []
    for _ in range(options.repeats + 1):
        if not options.warm:
            forget(gallery)
        start = time.monotonic()
        run(kindred, "find", query, "--in", gallery, "--quiet", "--threads", options.threads)
        seconds.append(time.monotonic() - start)
    rest = seconds[1:]
    print(f"find in {options.pictures:,} x {options.dimension}, {gallery.stat().st_size / 1e6:.0f} MB, "
          f"{options.threads} threads, {'warm' if options.warm else 'cold'}: {statistics.median(rest):.2f} s (median of {len(rest)}, "
          f"{min(rest):.2f} to {max(rest):.2f})")
    if not options.keep:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
