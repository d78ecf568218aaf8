#!/usr/bin/env python3
"""Each system call by which a command writes fails, one after the other: faults_test.py KINDRED FAILING_CALLS [--long].

Calls of each kind are counted first. Then the command runs again for each of them, which fails with an error of the
device, a full disk, an interruption or a short write: once, some times, or from then on. After each of these runs
  * what was acknowledged is there: exit code 0, and each output is the one of an undisturbed run; or a checkpoint that
    metrics.jsonl names;
  * else the exit code is the documented one, one line says why, and each output is whole: the old one or the new;
  * a next start leaves nothing but the outputs, and training goes on to the same model, bit for bit.
Inputs, and what processes that parse them do, fail in the same way afterwards. Without --long a sample is taken, other
faults of each call in turn."""
import argparse
import collections
import concurrent.futures
import errno
import os
import shutil
import sys
import tempfile
from pathlib import Path

from faulty import Place, RunFolder

LIBRARY_CALLS = ("open", "write", "pwrite", "writev", "fsync", "fsync_folder", "close", "rename", "ftruncate", "fallocate",
                 "mmap", "link", "unlink", "mkdir")
READING_CALLS = ("open", "read", "close", "mmap")
RETRIED = {"open", "write", "pwrite", "writev", "fsync", "fsync_folder", "ftruncate", "fallocate"}
NOTICED = ("does not read back", "cannot be opened", "not closed on the disk")  # of what was written
DOCUMENTED = {0, 65, 66, 71, 73, 74}


def hows(call):
    found = ["EIO", "ENOSPC", "EINTR", "EIO:on", "ENOSPC:on", "EINTR:x5"]
    if call in ("write", "pwrite", "writev"):
        found += ["short", "short:x5"]
    if call == "open":
        found += ["EMFILE", "ENFILE:on"]
    if call == "mmap":
        found = ["ENOMEM", "ENOMEM:on"]
    return found


def codes(call, how):
    """The exit codes that are documented for the fault, if it matters at all."""
    how = how.split(":")[0]
    if how in ("EMFILE", "ENFILE", "ENOMEM"):
        return {0, 71}
    if how == "short" or (how == "EINTR" and call in RETRIED) or call == "unlink":
        return {0}
    if how == "EINTR" and call == "close":
        return {0, 74}  # HDF5 takes it for a failure
    return {0, 73, 74} if call in ("open", "mkdir", "link") else {0, 74}


def arrays_of(checkpoint):
    """What is behind its header, which tells the recipe."""
    return checkpoint[8 + int.from_bytes(checkpoint[:8], "little"):]


class Tester:
    def __init__(self, kindred, library, folder):
        self.place = Place(kindred, folder)
        self.library = str(library)
        self.faults, self.counts = [], collections.Counter()
        self.reference = None

    def environment(self, plan, reading):
        found = {"LD_PRELOAD": self.library, "KINDRED_FAIL": plan,
                 "KINDRED_FAIL_UNDER": str(self.place.folder if reading else self.place.out)}
        return {**found, "KINDRED_FAIL_READS": "1"} if reading else found

    def count(self, words, reading):
        file = self.place.folder / "counts"
        code, said = self.place.go(words, {**self.environment("", reading), "KINDRED_FAIL_COUNT": str(file)})
        if code:
            raise SystemExit(f"{words}: exit code {code} with nothing failing: {said}")
        return {call: int(number) for call, number in map(str.split, file.read_text().splitlines())}

    def fault(self, what, *words):
        self.faults.append(" ".join(map(str, (what, *words))))
        print("FAULT", self.faults[-1], file=sys.stderr, flush=True)

    def plans(self, job, reading):
        """All faults of a command: (call, nth, how)."""
        words = job.words if job else self.place.train
        if job:
            self.place.put(job.old)
        counts = self.count(words, reading)
        self.place.clear()
        return [(call, nth, how) for call in (READING_CALLS if reading else LIBRARY_CALLS)
                for nth in range(1, counts.get(call, 0) + 1) for how in hows(call)
                if not (reading and how.startswith("ENOSPC"))]  # which reading does not meet

    def judge(self, name, plan, code, said, reading):
        """Exit code and message."""
        call, nth, how = plan
        self.counts[(name, call)] += 1
        what = f"{name}, {call} {nth} {how}{' of reading' if reading else ''}:"
        allowed = DOCUMENTED if reading else codes(call, how)
        if reading and "so it is not replaced" in said:
            allowed = {64}  # what cannot be read is taken for somebody else's, and stays
        if code not in allowed:
            self.fault(what, f"exit code {code}, not one of {sorted(allowed)}:", said)
        if code and (not said.startswith("kindred: ") or said.count("\n") != 1):
            self.fault(what, "not one message:", said)
        if code == 74 and how.startswith("ENOSPC") and not reading and "free some space" not in said:
            self.fault(what, "no advice for a full disk:", said)
        reasons = [os.strerror(getattr(errno, how.split(":")[0]))] if how.startswith("E") else []
        if code and not reading and not any(reason in said for reason in [*reasons, *NOTICED]):
            self.fault(what, "no reason:", said)
        if not self.place.inputs_are_intact():
            self.fault(what, "an input is another")
            raise SystemExit(1)
        return what

    def disturb(self, job, plan, reading):
        place = self.place
        place.put(job.old)
        code, said = place.go(job.words, self.environment(":".join(map(str, plan)), reading))
        what = self.judge(job.name, plan, code, said, reading)
        found = place.written()
        if code == 0 and reading and b'"unreadable":0' not in found.get("a.json", b'"unreadable":0').replace(b" ", b""):
            return  # images of an import that could not be read are left out, and listed
        for name in job.outputs:
            if code == 0 and found.get(name) != job.new[name]:
                self.fault(what, name, "is not what was acknowledged")
            if found.get(name) not in (job.old[name], job.new[name]):
                self.fault(what, name, "is neither the old nor the new")
        if set(found) == set(job.outputs):
            return
        if plan[0] != "unlink" and not reading:
            self.fault(what, "left", sorted(set(found) - set(job.outputs)))
        code, said = place.go(job.words)
        if code or place.written() != job.new:
            self.fault(what, f"the next start: exit code {code}, {sorted(place.written())}:", said)

    def disturb_training(self, plan, reading):
        place, run = self.place, RunFolder(self.place.out / "run")
        place.clear()
        code, said = place.go(place.train, self.environment(":".join(map(str, plan)), reading))
        quiet = said if code else ""  # a page that cannot be written is a note
        what = self.judge("train", plan, code, quiet, reading)
        for name in run.acknowledged()[-1:]:
            found = run.checkpoints().get(name)
            if found is None or arrays_of(found) != self.reference["checkpoints"][name]:
                self.fault(what, name, "is acknowledged, and", "not there" if found is None else "another")
        if code == 0:
            if run.model() != self.reference["model"] or run.log() != self.reference["log"]:
                self.fault(what, "exit code 0, and another model or log")
            if not (run.folder / "report.html").exists() and "report.html could not be written" not in said:
                self.fault(what, "no page, and no word of it:", said)
        if code == 0 and not run.left_over():
            return
        code, said = place.go(run.resume(place.train))
        if code or run.model() != self.reference["model"] or run.log() != self.reference["log"]:
            self.fault(what, f"resumed: exit code {code}, another model or log:", said)
        if run.left_over():
            self.fault(what, "resumed: left", run.left_over())

    def refer(self):
        run = RunFolder(self.place.out / "run")
        self.place.must(*self.place.train)
        every = {}
        for step in range(1, 5):  # all of them: a run keeps the newest
            self.place.clear()
            self.place.must(*self.place.train, "--set", f"train.steps={step}")
            every.update({name: arrays_of(content) for name, content in run.checkpoints().items()})
        self.place.clear()
        self.place.must(*self.place.train)
        self.reference = {"model": run.model(), "log": run.log(), "checkpoints": every}
        self.place.clear()

    def test(self, names, part, parts, every):
        """Of the faults of those commands every so-manieth, and of these one of `parts` parts."""
        self.refer()
        for reading in (False, True):
            for job in [None, *self.place.jobs]:
                if names and (job.name if job else "train") not in names:
                    continue
                chosen = self.plans(job, reading)[:: every * (4 if reading else 1)]
                for plan in chosen[part::parts]:
                    self.disturb(job, plan, reading) if job else self.disturb_training(plan, reading)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kindred", type=Path)
    parser.add_argument("library", type=Path)
    parser.add_argument("--long", action="store_true", help="every fault, not one of seven")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[], help="these commands")
    options = parser.parse_args()
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # where syncing costs nothing
    base = Path(tempfile.mkdtemp(prefix="kindred-faults-", dir=memory))
    testers = [Tester(options.kindred.resolve(), options.library.resolve(), base / str(i)) for i in range(options.jobs)]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        # Seven is no divisor of the ways to fail: other ones come with each call.
        running = [pool.submit(tester.test, options.only, i, options.jobs, 1 if options.long else 7)
                   for i, tester in enumerate(testers)]
        for one in running:
            one.result()
    counts = sum((tester.counts for tester in testers), collections.Counter())
    for name in dict.fromkeys(name for name, _ in counts):
        calls = ", ".join(f"{call} {number}" for (of, call), number in counts.items() if of == name)
        print(f"faults: {name}: {calls}")
    failures = [fault for tester in testers for fault in tester.faults]
    shutil.rmtree(base)
    print(f"faults: {sum(counts.values())} injected, {len(failures)} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
