#!/usr/bin/env python3
"""Commands work where no /proc is mounted: without_proc_test.py KINDRED. Exit 77 where none can be taken away."""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

DATASETS = Path(__file__).resolve().parent.parent.parent / "datasets"


def without_proc(*command):
    # A file system of its own over /proc, empty, in a mount namespace of its own.
    script = 'mount -t tmpfs none /proc && exec "$@"'
    return subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", *map(str, command)],
                          capture_output=True, text=True)


def main():
    kindred = Path(sys.argv[1]).resolve()
    if without_proc("true").returncode != 0:
        print("skipped: no mount namespace may be made here")
        sys.exit(77)
    if without_proc("test", "-e", "/proc/self").returncode == 0:
        sys.exit("/proc is still there")
    with tempfile.TemporaryDirectory(prefix="kindred-") as name:
        folder = Path(name)
        run = folder / "run"
        steps = [
            ["inspect", "omniglot"],  # a recipe that lies beside the program
            ["train", DATASETS / "omniglot.toml", "--out", run, "--set", "train.steps=2", "--quiet"],
            ["embed", run / "model.kindred", DATASETS / "omniglot28.h5", "--split", "test", "--out", folder / "e.h5",
             "--quiet"],
            ["eval", "retrieval", folder / "e.h5", "--json", folder / "e.json", "--quiet"],
        ]
        for step in steps:
            result = without_proc(kindred, *step)
            if result.returncode != 0:
                sys.exit(f"kindred {step[0]} without /proc: exit {result.returncode}\n{result.stderr}")
        recall = json.loads((folder / "e.json").read_text())["recall@1"]
        if not 0 < recall < 1:
            sys.exit(f"recall@1 is {recall}")


if __name__ == "__main__":
    main()
