#!/usr/bin/env python3
"""How long `import kindred` takes beyond `import numpy`: one operation is a fresh process that imports.

Costs what the dynamic linker does with the extension and its libraries, and a few Python sources. Each is run in turn,
after a warm-up; prints medians and spreads of the time that passed, and medians of the CPU's, which another process on
the machine changes less; and a last line `beyond numpy: X ms`.
"""
import argparse
import resource
import statistics
import subprocess
import sys
import time

CASES = {"nothing": "", "numpy": "import numpy", "numpy, kindred": "import numpy, kindred", "kindred": "import kindred"}


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def seconds(code):
    """Passed, and of the CPU."""
    start, cpu = time.perf_counter(), cpu_seconds()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start, cpu_seconds() - cpu


def medians(taken):
    return [1e3 * statistics.median(times) for times in zip(*taken)]


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
        passed, cpu = medians(taken)
        print(f"{name:<16} {passed:7.1f} ms ({1e3 * min(taken)[0]:.1f} to {1e3 * max(taken)[0]:.1f}), CPU {cpu:.1f} ms")
    (passed, cpu), (numpy, numpy_cpu) = medians(times["numpy, kindred"]), medians(times["numpy"])
    print(f"beyond numpy: {passed - numpy:.1f} ms, CPU {cpu - numpy_cpu:.1f} ms")


if __name__ == "__main__":
    main()
