#!/usr/bin/python3
"""Exact nearest neighbours: `kindred search` against FAISS IndexFlatIP (Debian's, OpenBLAS), in one run.

One operation is the search of 60,000 vectors of 128 numbers in themselves, by inner product: 0.92 TFLOP
of products whatever k is; what is selected from them grows with k. Kindred multiplies each pair of rows once,
for both, and needs half of them: --apart searches for as many other vectors, where neither can. The vectors are
unit rows about 3,000 centres, made here. The two programs take turns, so that a change of the machine's mood hits both. Their
neighbours must agree but where two scores differ by less than 1e-6.

--isa v3 caps both programs to AVX2.

usage: compare_faiss.py [--kindred PATH] [--threads N] [--rows N] [--k 1,10,100,1000] [--repeats N] [--apart] [--isa v2|v3|v4]
needs: apt-get install --no-install-recommends python3-faiss python3-h5py python3-numpy libopenblas0-openmp
"""
import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import comparison

ROOT = comparison.ROOT
DIMENSION = 128
TIE = 1e-6


def make_vectors(rows, seed):
    random = np.random.default_rng(seed)
    centres = random.standard_normal((max(1, rows // 20), DIMENSION), dtype=np.float32)
    vectors = centres[np.arange(rows) % len(centres)] + random.standard_normal((rows, DIMENSION), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def search_kindred(kindred, folder, k, threads, isa):
    """Seconds of the search, without reading and writing; neighbours and scores."""
    out = folder / "neighbors.h5"
    done = subprocess.run([kindred, "search", folder / "gallery.h5", "--query", folder / "queries.h5", "--k", str(k),
                           "--similarity", "inner_product", "--threads", str(threads), "--out", out],
                          check=True, stderr=subprocess.PIPE, text=True, env=comparison.own_environment(isa))
    seconds = float(re.search(r"([0-9.]+) s, [0-9.]+ GFLOP/s", done.stderr).group(1))
    with h5py.File(out) as file:
        return seconds, file["neighbors"][:], file["scores"][:]


def search_faiss(index, queries, k):
    start = time.perf_counter()
    scores, neighbors = index.search(queries, k)
    return time.perf_counter() - start, neighbors, scores


def disagreements(ours, our_scores, theirs, their_scores):
    """Places where the neighbours differ and the scores too, by more than a tie."""
    return int(np.count_nonzero((ours != theirs) & (np.abs(our_scores - their_scores) > TIE)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kindred", default=ROOT / "build/release/bin/kindred")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, default=60000)
    parser.add_argument("--k", default="10,1,100,1000", help="the first gives the last line's ratio")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--apart", action="store_true", help="search for other vectors than the gallery's")
    parser.add_argument("--isa", choices=tuple(comparison.CAPS))
    options = parser.parse_args()
    faiss.omp_set_num_threads(options.threads)

    vectors = make_vectors(options.rows, 1)
    queries = make_vectors(options.rows, 2) if options.apart else vectors
    index = faiss.IndexFlatIP(DIMENSION)
    index.add(vectors)
    flops = 2.0 * options.rows * options.rows * DIMENSION
    ratios = {}
    print(f"{options.rows:,} vectors of {DIMENSION} in {'as many others' if options.apart else 'themselves'}, {options.threads} threads, median of {options.repeats}; "
          f"FAISS {faiss.__version__}" + (f", both capped to {options.isa}" if options.isa else ""))
    print(f"{'k':>6} {'FAISS':>18} {'Kindred':>18} {'ratio':>7}  disagreements")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file_name, rows in (("gallery.h5", vectors), ("queries.h5", queries)):
            with h5py.File(folder / file_name, "w") as file:
                file["embeddings"] = rows
                file["labels"] = np.zeros(options.rows, dtype=np.int64)
        for k in (int(word) for word in options.k.split(",")):
            times = {"FAISS": [], "Kindred": []}
            for _ in range(options.repeats):
                seconds, ours, our_scores = search_kindred(options.kindred, folder, k, options.threads, options.isa)
                times["Kindred"].append(seconds)
                seconds, theirs, their_scores = search_faiss(index, queries, k)
                times["FAISS"].append(seconds)
            median = {who: statistics.median(values) for who, values in times.items()}
            ratios[k] = median["FAISS"] / median["Kindred"]
            cells = [f"{median[who]:6.2f} s {flops / median[who] * 1e-9:5.0f} GF/s" for who in ("FAISS", "Kindred")]
            wrong = disagreements(ours, our_scores, theirs, their_scores)
            print(f"{k:>6} {cells[0]:>18} {cells[1]:>18} {ratios[k]:>7.2f}  {wrong}", flush=True)
            if wrong:
                sys.exit(f"{wrong} neighbours differ by more than {TIE} in score")
    print(f"ratio: {next(iter(ratios.values())):.2f}")


if __name__ == "__main__":
    comparison.start_again_with({"OMP_WAIT_POLICY": "PASSIVE"})
    try:
        import faiss
        import h5py
        import numpy as np
    except ImportError as error:
        sys.exit(f"{error}; {__doc__.splitlines()[-1]}")
    main()
