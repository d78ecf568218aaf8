#!/usr/bin/env python3
"""Several processes at once on one output, one run folder and one free name: together_test.py KINDRED. One of them writes
it, or one after the other, whole; who comes second says who holds it, before the work (73); nothing is lost or left."""
import fcntl
import os
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from faulty import Place, RunFolder

COUNTS = (2, 3, 8)
faults = []


def fault(*words):
    faults.append(" ".join(map(str, words)))
    print("FAULT", faults[-1], file=sys.stderr)


def go_together(place, lines):
    """Exit codes and messages of commands that are started at once."""
    running = [subprocess.Popen([place.kindred, *line], cwd=place.folder, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for line in lines]
    said = [process.communicate()[1] for process in running]
    return [(process.returncode, words) for process, words in zip(running, said)]


def check_losers(name, found, inputs):
    if not any(code == 0 for code, _ in found):
        fault(name, "nobody wrote it:", found)
    for code, said in found:
        if code and (code != 73 or not re.search(r"another process \((pid \d+ on .+|not known which)\) is writing it", said)
                     or said.count("\n") != 1):
            fault(name, f"exit code {code}:", said)
    if not inputs:
        fault(name, "an input is another")


def jobs_at_once(place):
    for job in place.jobs:
        for count in COUNTS:
            place.put(job.old)
            check_losers(f"{count} x {job.name}:", go_together(place, [job.words] * count), place.inputs_are_intact())
            if place.written() != job.new:
                fault(f"{count} x {job.name}:", "another output, or more:", sorted(place.written()))
    place.clear()


def held_by(path):
    """A lock as another process holds it."""
    file = open(path, "w")
    file.write(f"pid {os.getpid()} on {socket.gethostname()}\n")
    file.flush()
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def outputs_that_are_held(place):
    """Each output of a command, the others being free."""
    here, data, embedded = place.inputs, place.inputs / "data.h5", place.inputs / "run.h5"
    out = str(place.out / "a")
    lines = [*(job.words for job in place.jobs), ["loss", embedded, "--loss", "triplet", "--out", out],
             ["eval", "cluster", embedded, "--out", out], ["eval", "retrieval", embedded, "--json", out],
             ["eval", "retrieval", embedded, "--html", out], ["inspect", data, "--thumbnails", out],
             ["list", "--curves", out], ["report", here / "run"]]
    for line in [[str(word) for word in line] for line in lines]:
        outputs = [word for word in line if word.startswith(str(place.out))] or [str(here / "run/report.html")]
        for output in outputs:
            place.clear()
            before = place.input_state()
            with held_by(output + ".lock"):
                code, said = place.go(line)
            os.remove(output + ".lock")
            if code != 73 or f"another process (pid {os.getpid()} on {socket.gethostname()})" not in said:
                fault(f"{line[:2]}: {output} is held by another process: exit code {code}:", said)
            if place.written() or place.input_state() != before:
                fault(f"{line[:2]}: {output} is held by another process: wrote", sorted(place.written()))
        long = str(place.out / ("n" * 250))  # as long as a file may be called, but for what is put behind it
        if len(outputs) == 1 and outputs[0].startswith(str(place.out)):
            code, said = place.go([long if word == outputs[0] else word for word in line])
            if code:
                fault(f"{line[:2]}: a long name: exit code {code}:", said)
            if list(place.written()) != [Path(long).name]:
                fault(f"{line[:2]}: a long name: left", [name[-20:] for name in place.written()])


def runs_at_once(place):
    run = RunFolder(place.out / "run")
    place.clear()
    place.must(*place.train)
    model, log = run.model(), run.log()
    for count in COUNTS:
        place.clear()
        found = go_together(place, [place.train] * count)
        for code, said in found:
            if code and (code != 73 or "another process (pid " not in said and "holds a run already" not in said):
                fault(f"{count} x train: exit code {code}:", said)
        if sum(code == 0 for code, _ in found) != 1 or run.model() != model or run.log() != log or run.left_over():
            fault(f"{count} x train:", [code for code, _ in found], run.left_over())
        found = go_together(place, [run.resume(place.train)] * count)
        check_losers(f"{count} x train --resume:", found, place.inputs_are_intact())
        if run.model() != model or run.log() != log or run.left_over():
            fault(f"{count} x train --resume: another model or log, or left", run.left_over())


def runs_without_a_name(place):
    """Each gets a folder of its own."""
    place.clear()
    words = ["train", str(place.inputs / "recipe.toml"), "--quiet", "--threads", "1"]
    place.must(*place.train)
    model = RunFolder(place.out / "run").model()
    runs, made = place.folder / "runs", 0
    for count in COUNTS:
        found = go_together(place, [words] * count)
        made += count
        if any(code for code, _ in found):
            fault(f"{count} x train without --out:", found)
    names = {"recipe", *(f"recipe-{i}" for i in range(2, made + 1))}
    if {path.name for path in runs.iterdir()} != names:
        fault("train without --out: made", sorted(path.name for path in runs.iterdir()))
    for path in runs.iterdir():
        if RunFolder(path).model() != model or RunFolder(path).left_over():
            fault(path.name, "another model, or left", RunFolder(path).left_over())


def main():
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="kindred-together-", dir=memory) as folder:
        place = Place(Path(sys.argv[1]).resolve(), Path(folder) / "place")
        for part in (jobs_at_once, outputs_that_are_held, runs_at_once, runs_without_a_name):
            part(place)
    print(f"together: {len(faults)} faults")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
