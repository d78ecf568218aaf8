#!/usr/bin/env python3
"""A thousand allocations (operator new) that fail, one by one, while data is imported and a training writes checkpoints,
from the first output that is begun, in the program and in the processes that parse for it. Of an import each throws; of a
training small ones find what the program keeps in reserve, as JSON's destructors need: allocations_test.py KINDRED FAILING_MEMORY [--long].

After each the command ends by itself, with exit code 71 or another documented one and one line that says why, or as if
nothing had been; each output is whole, the old one or the new; inputs are as they were; and the next start goes on."""
import argparse
import collections
import concurrent.futures
import os
import shutil
import sys
import tempfile
from pathlib import Path

from faulty import Place, RunFolder

ALLOCATIONS = 1000
DOCUMENTED = {0, 65, 66, 71, 73, 74}


class Tester:
    def __init__(self, kindred, library, folder):
        self.place, self.library = Place(kindred, folder), str(library)
        self.faults, self.codes = [], collections.Counter()

    def fault(self, *words):
        self.faults.append(" ".join(map(str, words)))
        print("FAULT", self.faults[-1], file=sys.stderr, flush=True)

    def go(self, words, which, hard=False):
        file = self.place.folder / "count"
        environment = {"LD_PRELOAD": self.library, "KINDRED_FAIL_MEMORY": str(which),
                       "KINDRED_FAIL_MEMORY_AFTER": ".partial", "KINDRED_FAIL_MEMORY_COUNT": str(file)}
        code, said = self.place.go(words, {**environment, "KINDRED_FAIL_MEMORY_HARD": "1"} if hard else environment)
        return code, said, int(file.read_text()) if file.exists() else 0

    def judge(self, what, code, said):
        self.codes[(what.split(",")[0], code)] += 1
        # HDF5 prints what it thinks of a failure while it is being told not to.
        said = "".join(line for line in said.splitlines(keepends=True) if not line.startswith(("HDF5-DIAG", "  ")))
        if code not in DOCUMENTED:
            self.fault(what, f"exit code {code}:", said)
        if code and (not said.startswith("kindred: ") or said.count("\n") != 1):
            self.fault(what, f"exit code {code}, not one message:", said)
        if not self.place.inputs_are_intact():
            self.fault(what, "an input is another")

    def test_import(self, count, part, parts):
        place, job = self.place, self.place.jobs[0]
        place.put(job.old)
        words = [word for word in job.words if word != "--json" and not word.endswith(".json")]
        all_of_them = self.go(words, 0)[2]
        for nth in range(1 + part, all_of_them + 1, max(1, all_of_them // count) * parts):
            what = f"import, allocation {nth} of {all_of_them}:"
            place.put(job.old)
            # In the end numbers become JSON, whose destructors need the reserve.
            code, said, _ = self.go(words, nth, hard=nth < all_of_them * 0.8)
            self.judge(what, code, said)
            found = place.written()
            for name in (name for name in job.outputs if not name.endswith(".json")):
                if found.get(name) not in ([job.new[name]] if code == 0 else [job.old[name], job.new[name]]):
                    self.fault(what, f"exit code {code},", name, "is damaged" if name in found else "is gone")
            if set(found) != set(job.outputs):
                code, said = place.go(job.words)
                if code or place.written() != job.new:
                    self.fault(what, f"the next start: exit code {code}, {sorted(place.written())}:", said)

    def test_training(self, count, part, parts):
        place, run = self.place, RunFolder(self.place.out / "run")
        place.clear()
        all_of_them = self.go(place.train, 0)[2]
        model, log = run.model(), run.log()
        for nth in range(1 + part, all_of_them + 1, max(1, all_of_them // count) * parts):
            what = f"train, allocation {nth} of {all_of_them}:"
            place.clear()
            code, said, _ = self.go(place.train, nth)
            self.judge(what, code, said if code else "")
            for name in run.acknowledged()[-1:]:
                if name not in run.checkpoints():
                    self.fault(what, name, "is acknowledged, and not there")
            if code:
                again, said = place.go(run.resume(place.train))
                if again:
                    self.fault(what, f"exit code {code}, resumed: {again}:", said)
            if run.model() != model or run.log() != log or run.left_over():
                self.fault(what, f"exit code {code}, another model or log, or left", run.left_over())

    def test(self, count, part, parts):
        self.test_import(count, part, parts)
        self.test_training(count, part, parts)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kindred", type=Path)
    parser.add_argument("library", type=Path)
    parser.add_argument("--long", action="store_true", help="ten times as many")
    parser.add_argument("--count", type=int, default=ALLOCATIONS, help="about how many")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    count = options.count * (10 if options.long else 1) // 2 + 1  # of each of the two
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # where syncing costs nothing
    base = Path(tempfile.mkdtemp(prefix="kindred-memory-", dir=memory))
    testers = [Tester(options.kindred.resolve(), options.library.resolve(), base / str(i)) for i in range(options.jobs)]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for one in [pool.submit(tester.test, count, i, options.jobs) for i, tester in enumerate(testers)]:
            one.result()
    codes = sum((tester.codes for tester in testers), collections.Counter())
    failures = [fault for tester in testers for fault in tester.faults]
    shutil.rmtree(base)
    for (name, code), number in sorted(codes.items(), key=str):
        print(f"allocations: {name}: exit code {code}: {number} times")
    print(f"allocations: {sum(codes.values())} failed, {len(failures)} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
