#!/usr/bin/python3
"""Images per second of the reference network: Kindred against dlib, in one run.

dlib gets the network's layers with its loss_metric and Adam, compiled for this CPU, and OpenBLAS on
all threads; Kindred trains as in bench/compare_pytorch.py. The two take turns. With --inference:
embedding batches of 128, dlib's batch norms folded into affine layers.

usage: compare_dlib.py [--kindred COMMAND] [--threads N] [--repeats N] [--steps N] [--inference] [--precision P]
needs: apt-get install --no-install-recommends libdlib-dev libopenblas0-openmp
"""
import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def output_of(command, environment=None):
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    if result.returncode:
        sys.exit(f"{' '.join(map(str, command))}: exit code {result.returncode}: {result.stderr}")
    return result.stdout


def build(folder):
    program = Path(folder) / "dlib_step"
    flags = output_of(["pkg-config", "--cflags", "--libs", "dlib-1"]).split()
    output_of(["g++", "-std=c++17", "-O3", "-march=native", "-DDLIB_USE_BLAS", "-DNDEBUG",
               Path(__file__).parent / "dlib_step.cc", "-o", program, *flags])
    return program


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].splitlines()[0])
    parser.add_argument("--kindred", default=str(ROOT / "build/release/bin/kindred"))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--inference", action="store_true")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    options = parser.parse_args()
    if options.repeats < 5:
        parser.error("--repeats: at least 5")

    what = "infer" if options.inference else "train"
    threads = str(options.threads)
    kindred = [*shlex.split(options.kindred), "bench", what, "--threads", threads, "--precision", options.precision,
               "--steps", str(10 * options.steps), "--repeats", "1", "--json", "-"]
    rates = {"dlib": [], "Kindred": []}
    with tempfile.TemporaryDirectory(prefix="compare-dlib-") as folder:
        dlib = [build(folder), what, str(options.steps)]
        environment = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        for _ in range(options.repeats):
            rates["dlib"].append(float(output_of(dlib, environment)))
            rates["Kindred"].append(json.loads(output_of(kindred))["images_per_second"])

    print(f"{'inference' if options.inference else 'training step'} in {options.precision} (dlib: float32), batch 128, "
          f"{threads} threads, {options.repeats} repeats")
    print(f"{'':12}{'images/s':>10}{'lowest':>10}{'highest':>10}")
    for name, values in rates.items():
        print(f"{name:12}{statistics.median(values):10.0f}{min(values):10.0f}{max(values):10.0f}")
    print(f"ratio: {statistics.median(rates['Kindred']) / statistics.median(rates['dlib']):.2f}")


if __name__ == "__main__":
    if "--help" in sys.argv or "-h" in sys.argv:
        sys.exit(print(__doc__))
    main()
