#!/usr/bin/env python3
"""Power that goes off at any moment: power_loss_test.py KINDRED RECORDED_CALLS [--long].

What train, import, pack and embed write is written down and played back: after each call, with what was not synced lost,
torn or in another order (lossy_disk.py). Whatever the disk holds then,
  * a final name has the whole old file or the whole new one, and once the command has ended the new one;
  * each checkpoint is there that metrics.jsonl had named and synced, and can be read;
  * the next start works and leaves nothing else: training goes on to the same model and log as if nothing had been.
Without --long fewer losses by chance are tried."""
import argparse
import collections
import concurrent.futures
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

from faulty import Place, RunFolder
from lossy_disk import LossyDisk, put_state, read_record

LEAST_STATES = 2000


class Tester:
    def __init__(self, kindred, library, folder):
        self.place = Place(kindred, folder)
        self.library = str(library)
        self.faults, self.states, self.different = [], collections.Counter(), collections.Counter()

    def fault(self, *words):
        self.faults.append(" ".join(map(str, words)))
        print("FAULT", self.faults[-1], file=sys.stderr, flush=True)

    def record(self, words, before):
        """What a command does to `out`, which holds `before`."""
        place, file = self.place, self.place.folder / "record"
        file.unlink(missing_ok=True)
        place.put(before)
        code, said = place.go(words, {"LD_PRELOAD": self.library, "KINDRED_RECORD": str(file),
                                      "KINDRED_RECORD_UNDER": str(place.out)})
        if code:
            raise SystemExit(f"{words}: exit code {code}: {said}")
        return LossyDisk(before, read_record(file))

    def play(self, name, disk, random_ones, part, parts, check):
        """check(state, operations done) for all states that differ, of each so-manieth prefix."""
        seen = set()
        for length in range(part, len(disk.operations) + 1, parts):
            for kind, state in disk.states(length, random.Random(length), random_ones):
                self.states[name] += 1
                ended = length == len(disk.operations)
                key = (hash(frozenset(state.items())), ended)
                if key in seen:
                    continue
                seen.add(key)
                self.different[name] += 1
                self.place.clear()
                put_state(self.place.out, state)
                check(f"{name}, {kind} lost after {length} of {len(disk.operations)} calls:", state, length)

    def test_job(self, job, *how):
        disk = self.record(job.words, job.old)

        def check(what, state, length):
            wanted = [job.new] if length == len(disk.operations) else [job.old, job.new]
            for name in job.outputs:
                if state.get(name) not in [content[name] for content in wanted]:
                    self.fault(what, name, "is damaged" if name in state else "is lost")
            code, said = self.place.go(job.words)
            if code or self.place.written() != job.new:
                self.fault(what, f"the next start: exit code {code}, {sorted(self.place.written())}:", said)

        self.play(job.name, disk, *how, check)

    def test_training(self, *how):
        place, run = self.place, RunFolder(self.place.out / "run")
        disk = self.record(place.train, {})
        model, log = run.model(), run.log()
        sound = self.whole_files(disk)
        acknowledged = self.acknowledged(disk)

        def check(what, state, length):
            for name, content in state.items():
                if name in sound and content not in sound[name]:
                    self.fault(what, name, "is damaged")
            named = run.acknowledged()
            for name, since in acknowledged.items():
                if since < length and name not in named:
                    self.fault(what, name, "was acknowledged, and is forgotten")
            newest = max((name for name, since in acknowledged.items() if since < length), default=None)
            if newest and newest not in run.checkpoints():
                self.fault(what, newest, "was acknowledged, and is lost")
            if length == len(disk.operations) and run.model() != model:
                self.fault(what, "the model of a run that had ended")
            code, said = place.go(run.resume(place.train))
            if code or run.model() != model or run.log() != log:
                self.fault(what, f"resumed: exit code {code}, or another model or log:", said)
            if run.left_over():
                self.fault(what, "resumed: left", run.left_over())

        self.play("train", disk, *how, check)

    @staticmethod
    def whole_files(disk):
        """The contents that each final name may have: all that it had with nothing lost, as it got it by a rename."""
        found = collections.defaultdict(list)
        for length, (what, fields, _) in enumerate(disk.operations, 1):
            if what == "rename":
                found[fields[1]].append(disk.state(length, lambda i: True)[fields[1]])
        found.pop("run/metrics.jsonl", None)  # is appended to
        return found

    @staticmethod
    def acknowledged(disk):
        """Checkpoints, and the operation by which the line that names each is on the disk."""
        found = {}
        for i, (what, fields, data) in enumerate(disk.operations):
            if what == "write" and b'"checkpoint":"' in data:
                name = data.split(b'"checkpoint":"')[1].split(b'"')[0].decode()
                found[name] = disk.synced_at[i]
        if len(found) < 2:
            raise SystemExit(f"power_loss: {len(found)} checkpoints: the test tests nothing")
        return found

    def test(self, only, *how):
        if not only or "train" in only:
            self.test_training(*how)
        for job in self.place.jobs:
            if job.name in (only or ("import", "pack", "embed")):
                self.test_job(job, *how)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kindred", type=Path)
    parser.add_argument("library", type=Path)
    parser.add_argument("--long", action="store_true", help="more losses by chance")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[], help="these commands")
    options = parser.parse_args()
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # where syncing costs nothing
    base = Path(tempfile.mkdtemp(prefix="kindred-power-", dir=memory))
    testers = [Tester(options.kindred.resolve(), options.library.resolve(), base / str(i)) for i in range(options.jobs)]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        running = [pool.submit(tester.test, options.only, 20 if options.long else 5, i, options.jobs)
                   for i, tester in enumerate(testers)]
        for one in running:
            one.result()
    states = sum((tester.states for tester in testers), collections.Counter())
    different = sum((tester.different for tester in testers), collections.Counter())
    failures = [fault for tester in testers for fault in tester.faults]
    shutil.rmtree(base)
    for name, number in states.items():
        print(f"power_loss: {name}: {number} states, {different[name]} of them different")
    print(f"power_loss: {sum(states.values())} states, {len(failures)} failures")
    if not options.only and sum(states.values()) < LEAST_STATES:
        failures.append("too few states")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
