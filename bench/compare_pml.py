#!/usr/bin/env python3
"""Kindred's Python package against pytorch-metric-learning in the same process: the evaluator, and each loss both have.

Evaluator: one operation ranks 10,000 (then 60,000) embeddings of 128 numbers among themselves, classes of 20 and of 100
rows, and 100 classes, and takes precision_at_1, r_precision, mean_average_precision_at_r and mean_reciprocal_rank, theirs with k="max_bin_count"
(FAISS, IndexFlatL2), ours by kindred.torch.AccuracyCalculator with the same arguments. Values must agree to 1e-6.
With --whole theirs is also asked with k=None, its default, which ranks everything and needs N² labels.

Losses: one operation is forward and backward of a batch of 128, 512 and 2,048 × 128, 1,000 classes, 4 rows a class.

The two take turns; the figure is the ratio of medians. What one of them runs out of memory for is printed.

usage: compare_pml.py [--threads 2] [--repeats 5] [--only evaluator|losses] [--rows 10000,60000] [--whole]
needs: PYTHONPATH=build/release/python, and in a virtual environment: pip install -r bench/pml_requirements.txt
"""
import argparse
import gc
import math
import os
import resource
import statistics
import sys
import time
import warnings
from pathlib import Path

METRICS = ("precision_at_1", "r_precision", "mean_average_precision_at_r", "mean_reciprocal_rank")
BATCHES = (128, 512, 2048)
SLOW = 3  # seconds of theirs at 512, after which 2,048 is not tried: 16 times the pairs
CLASSES, DEPTH = 1000, 128
GIGABYTE = 1 << 30


def main():
    options = parse()
    limit_memory(options.memory)
    torch.set_num_threads(options.threads)
    faiss.omp_set_num_threads(options.threads)
    print(f"pytorch-metric-learning {pytorch_metric_learning.__version__}, torch {torch.__version__}, FAISS "
          f"{faiss.__version__}, Kindred {kindred.__version__}; {options.threads} threads, median of {options.repeats}")
    if options.only in (None, "evaluator"):
        evaluators(options)
    if options.only in (None, "losses"):
        compare_losses(options)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", choices=("evaluator", "losses"))
    parser.add_argument("--rows", default="10000,60000")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--cases", help="names of losses, between semicolons (default: all)")
    parser.add_argument("--memory", type=float, default=0, help="gigabytes that the process may take (0: no limit)")
    return parser.parse_args()


def limit_memory(gigabytes):
    if gigabytes > 0:
        size = int(gigabytes * GIGABYTE)
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def make_embeddings(rows, rows_a_class, seed=1):
    """Unit rows about a center a class: of 10,000 a map@r of 0.66 (classes of 20) and 0.80 (classes of 100)."""
    random = np.random.default_rng(seed)
    labels = np.arange(rows) % (rows // rows_a_class)
    centers = random.standard_normal((rows // rows_a_class, DEPTH))
    embeddings = 0.7 * centers[labels] + random.standard_normal((rows, DEPTH))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    return torch.from_numpy(embeddings.astype(np.float32)), torch.from_numpy(labels)


def seconds_of(run):
    """(seconds, result); seconds of the clock."""
    gc.collect()
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


def with_cpu(run, taken):
    """The same run, which adds its seconds of CPU to `taken`."""
    def measured():
        start = time.process_time()
        result = run()
        taken.append(time.process_time() - start)
        return result
    return measured


def turns(ours, theirs, repeats):
    """Seconds of both, median, and their results; `theirs` may run out of memory: then its message stands there."""
    times, results = ([], []), [None, None]
    for _ in range(repeats):
        for side, run in enumerate((theirs, ours)):
            if isinstance(results[side], str):
                continue
            try:
                seconds, results[side] = seconds_of(run)
                times[side].append(seconds)
            except (MemoryError, RuntimeError) as error:
                if side == 1 or "alloc" not in str(error).lower():
                    raise
                results[side] = str(error).strip().splitlines()[0]
    return [statistics.median(seconds) if seconds else math.nan for seconds in times], results


def evaluators(options):
    print(f"\n{'evaluator':46}{'theirs':>10}{'ours':>10}{'ratio':>8}{'of CPU':>8}  farthest value")
    for rows in map(int, options.rows.split(",")):
        for rows_a_class in sorted({20, 100, rows // 100}):
            for k in ("max_bin_count", None) if options.whole else ("max_bin_count",):
                evaluator(options, rows, rows_a_class, k)


def evaluator(options, rows, rows_a_class, k):
    embeddings, labels = make_embeddings(rows, rows_a_class)
    theirs = PmlCalculator(include=METRICS, k=k, device=torch.device("cpu"))
    ours = kindred.torch.AccuracyCalculator(include=METRICS, k=k, threads=options.threads)
    their_cpu, our_cpu = [], []
    (their_seconds, our_seconds), (their_values, our_values) = turns(
        with_cpu(lambda: ours.get_accuracy(embeddings, labels), our_cpu),
        with_cpu(lambda: theirs.get_accuracy(embeddings, labels), their_cpu), options.repeats)
    name = f"{rows:,} rows, {rows_a_class} a class, k={k}"
    if isinstance(their_values, str):
        print(f"{name:46}{'-':>10}{our_seconds:9.2f}s{'-':>8}{'-':>8}  theirs: {their_values}", flush=True)
        return
    farthest = max(abs(their_values[name] - our_values[name]) for name in METRICS)
    cpu = statistics.median(their_cpu) / statistics.median(our_cpu)
    print(f"{name:46}{their_seconds:9.2f}s{our_seconds:9.2f}s{their_seconds / our_seconds:8.2f}{cpu:8.2f}  {farthest:.1e}",
          flush=True)
    if farthest > 1e-6:
        sys.exit(f"values differ: theirs {their_values}, ours {our_values}")


def compare_losses(options):
    print(f"\n{'forward and backward, ms':26}" + "".join(f"{f'B={batch}: theirs':>16}{'ours':>9}{'ratio':>7}"
                                                         for batch in BATCHES))
    ratios = []
    asked = options.cases.split(";") if options.cases else [case.name for case in pml_losses.CASES]
    for case in (case for case in pml_losses.CASES if case.name in asked):
        cells, seconds = "", 0
        for batch in BATCHES:
            theirs, ours = one_loss(options, case, batch, seconds < SLOW)
            seconds = 0 if isinstance(theirs, str) else theirs
            if isinstance(theirs, str):
                cells += f"{theirs[:15]:>16}{1e3 * ours:9.2f}{'-':>7}"
                continue
            ratios.append((theirs / ours, case.name, batch))
            cells += f"{1e3 * theirs:16.2f}{1e3 * ours:9.2f}{theirs / ours:7.1f}"
        print(f"{case.name:26}{cells}", flush=True)
    for ratio, name, batch in sorted(ratios):
        if ratio < 0.95:
            print(f"slower: {name}, B = {batch}: {ratio:.2f}")
    for case in pml_losses.CASES:
        if case.differs:
            print(f"not the same: {case.name}: {case.differs}")
        if case.lone_rows:
            print(f"not the same where a class has one row: {case.name}: {case.lone_rows}")
    mean = math.exp(sum(math.log(ratio) for ratio, _, _ in ratios) / len(ratios))
    print(f"lowest: {min(ratios)[0]:.2f} ({min(ratios)[1]}, B = {min(ratios)[2]})")
    print(f"ratio: {mean:.2f}")


def one_loss(options, case, batch, try_theirs):
    """Seconds of one step: theirs (or why there is none), ours."""
    random = torch.Generator().manual_seed(batch)
    embeddings = torch.randn(batch, DEPTH, generator=random)
    labels = torch.arange(batch) // 4 * (CLASSES // (batch // 4))
    ours, theirs, weights = case.make(CLASSES, DEPTH)
    ours.threads = options.threads

    def step(loss, parameters):
        leaf = embeddings.clone().requires_grad_()
        for parameter in parameters:
            parameter.grad = None
        loss(leaf, labels).backward()

    def many(loss, parameters, count):
        for _ in range(count):
            step(loss, parameters)
    counts = []
    slowest, reason = 0, "too slow"
    for loss, parameters in ((theirs, [weights] if weights is not None else []), (ours, list(ours.parameters()))):
        if loss is theirs and not try_theirs:
            counts.append(0)
            continue
        try:
            seconds, _ = seconds_of(lambda: step(loss, parameters))  # a first one, which is not counted
            if seconds < 10:
                seconds, _ = seconds_of(lambda: step(loss, parameters))
        except (MemoryError, RuntimeError) as error:
            if loss is ours or "alloc" not in str(error).lower():
                raise
            counts.append(0)
            reason = "out of memory"
            continue
        counts.append(max(1, min(200, int(0.1 / seconds))))
        slowest = max(slowest, seconds)
    (their_seconds, our_seconds), _ = turns(
        lambda: many(ours, list(ours.parameters()), counts[1]),
        (lambda: many(theirs, [weights] if weights is not None else [], counts[0])) if counts[0] else lambda: None,
        options.repeats if slowest < 10 else 1)
    return (their_seconds / counts[0] if counts[0] else reason), our_seconds / counts[1]


if __name__ == "__main__":
    # Both wait for work without turning: a thread that spins takes the other's core.
    if os.environ.get("OMP_WAIT_POLICY") != "PASSIVE":
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"})
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    try:
        import faiss
        import numpy as np
        import pytorch_metric_learning
        import torch
        from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator as PmlCalculator

        import kindred
        import kindred.torch
        import pml_losses
    except ImportError as error:
        sys.exit(f"{error}; {__doc__.splitlines()[-1]}")
    warnings.simplefilter("ignore")  # theirs, of PyTorch's and NumPy's coming changes
    main()
