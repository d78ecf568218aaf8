#!/usr/bin/python3
"""Images per second of the reference network: Kindred against dlib, in one run.

dlib gets the network's layers with its loss_metric and Adam, compiled for this CPU, and OpenBLAS on
all threads; Kindred trains as in bench/compare_pytorch.py. The two take turns. With --inference:
embedding batches of 128, dlib's batch norms folded into affine layers.

usage: compare_dlib.py [--kindred COMMAND] [--threads N] [--repeats N] [--steps N] [--inference] [--precision P]
needs: apt-get install --no-install-recommends libdlib-dev libopenblas0-openmp
"""
import os
import tempfile
from pathlib import Path

from comparison import measure_kindred, output_of, parser, print_rates, take_turns


def build(folder):
    program = Path(folder) / "dlib_step"
    flags = output_of(["pkg-config", "--cflags", "--libs", "dlib-1"]).split()
    output_of(["g++", "-std=c++17", "-O3", "-march=native", "-DDLIB_USE_BLAS", "-DNDEBUG",
               Path(__file__).parent / "dlib_step.cc", "-o", program, *flags])
    return program


def main():
    arguments = parser(__doc__)
    arguments.add_argument("--steps", type=int, default=10)
    options = arguments.parse_args()
    threads = str(options.threads)
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    with tempfile.TemporaryDirectory(prefix="compare-dlib-") as folder:
        dlib = [build(folder), "infer" if options.inference else "train", str(options.steps)]
        rates = take_turns(options, "dlib", lambda: float(output_of(dlib, environment)),
                           lambda: measure_kindred(options, 10 * options.steps))
    print_rates(f"{'inference' if options.inference else 'training step'} in {options.precision} (dlib: float32), "
                f"batch 128, {threads} threads, {options.repeats} repeats", rates)


if __name__ == "__main__":
    main()
