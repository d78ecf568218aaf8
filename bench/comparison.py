"""What compare_pytorch.py and compare_dlib.py share: running `kindred bench`, and the table in the end."""
import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


# What caps a peer's libraries at the level that KINDRED_MAX_ISA caps Kindred at: ATen's own kernels, its oneDNN, BLAS
# and FAISS.
CAPS = {"v2": {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "OPENBLAS_CORETYPE": "Nehalem",
               "FAISS_OPT_LEVEL": "generic"},
        "v3": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "OPENBLAS_CORETYPE": "Haswell",
               "FAISS_OPT_LEVEL": "avx2"},
        "v4": {"ATEN_CPU_CAPABILITY": "avx512", "ONEDNN_MAX_CPU_ISA": "AVX512_CORE", "OPENBLAS_CORETYPE": "SkylakeX",
               "FAISS_OPT_LEVEL": "avx512"}}


def start_again_with(settings):
    """This very script with what is missing of these environment variables, and with the caps of --isa: libraries read
    them when they are loaded."""
    isa = next((after for word, after in zip(sys.argv, sys.argv[1:]) if word == "--isa"), None)
    wanted = {name: value for name, value in settings.items() if name not in os.environ} | CAPS.get(isa, {})
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **wanted})


def own_environment(isa, without=()):
    """What Kindred runs in: the caller's environment without a peer's settings, capped to the level."""
    peers = {*without, *CAPS["v3"]}
    environment = {name: value for name, value in os.environ.items() if name not in peers}
    return {**environment, "KINDRED_MAX_ISA": isa} if isa else environment


def repeats(word):
    if int(word) < 5:
        raise argparse.ArgumentTypeError("at least 5")
    return int(word)


def parser(documentation):
    """The options of every comparison; --help prints the whole documentation."""
    if "--help" in sys.argv or "-h" in sys.argv:
        sys.exit(print(documentation))
    options = argparse.ArgumentParser(usage=documentation.split("usage: ")[1].splitlines()[0])
    options.add_argument("--kindred", type=shlex.split, default=[str(ROOT / "build/release/bin/kindred")])
    options.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options.add_argument("--repeats", type=repeats, default=5)
    options.add_argument("--isa", choices=tuple(CAPS), help="cap both programs to this level of instruction sets")
    options.add_argument("--inference", action="store_true")
    options.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    return options


def output_of(command, environment=None):
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    if result.returncode:
        sys.exit(f"{' '.join(map(str, command))}: exit code {result.returncode}: {result.stderr}")
    return result.stdout


def measure_kindred(options, steps, more=(), environment=None):
    """Images per second of one run of `kindred bench`."""
    command = [*options.kindred, "bench", "infer" if options.inference else "train", "--threads", str(options.threads),
               "--precision", options.precision, "--steps", str(steps), "--repeats", "1", "--json", "-", *more]
    return json.loads(output_of(command, environment))["images_per_second"]


def take_turns(options, peer, measure_peer, measure_ours):
    """So that a change of the machine's mood hits both."""
    rates = {peer: [], "Kindred": []}
    for _ in range(options.repeats):
        rates[peer].append(measure_peer())
        rates["Kindred"].append(measure_ours())
    return rates


def print_rates(title, rates):
    print(title)
    print(f"{'':24}{'images/s':>10}{'lowest':>10}{'highest':>10}")
    for name, values in rates.items():
        print(f"{name:24}{statistics.median(values):10.0f}{min(values):10.0f}{max(values):10.0f}")
    peer, ours = map(statistics.median, rates.values())
    print(f"ratio: {ours / peer:.2f}")
