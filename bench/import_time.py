#!/usr/bin/env python3
"""How long `import kindred` takes beyond `import numpy`: one operation is a fresh process that imports.

Costs what the dynamic linker does with the extension and its libraries, and a few Python sources. Each is run in turn,
after a warm-up; prints medians and spreads, and a last line `beyond numpy: X ms`.
"""
import argparse
import statistics
import subprocess
import sys
import time

CASES = {"nothing": "", "numpy": "import numpy", "numpy, kindred": "import numpy, kindred", "kindred": "import kindred"}


def seconds(code):
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=21)
    options = parser.parse_args()
    times = {name: [] for name in CASES}
    for run in range(options.runs + 1):
        for name, code in CASES.items():
            taken = seconds(code)
            if run > 0:
                times[name].append(taken)
    for name, taken in times.items():
        taken.sort()
        print(f"{name:<16} {1e3 * statistics.median(taken):7.1f} ms ({1e3 * taken[0]:.1f} to {1e3 * taken[-1]:.1f})")
    beyond = statistics.median(times["numpy, kindred"]) - statistics.median(times["numpy"])
    print(f"beyond numpy: {1e3 * beyond:.1f} ms")


if __name__ == "__main__":
    main()
