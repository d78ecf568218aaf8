#!/usr/bin/env python3
"""Kills a training run at random moments and checks that nothing acknowledged is ever lost.

A small run writes a checkpoint every 5 steps. It is killed by SIGKILL after a random time, again and
again, and resumed each time. After each kill:
  * every line of metrics.jsonl but a torn last one is whole, the steps count up from 1 without a gap,
    and each loss is, to the last digit, the one of a run that nobody killed;
  * the newest acknowledged checkpoint loads, and its resumption starts with the step after it.
A run that comes to its end must leave the model that the undisturbed run left, byte for byte.
Last, a full disk: the run stops with exit code 74, and the checkpoint before still resumes.

usage: kill9.py KINDRED [--kills N] [--seed N] [--keep]
"""
import argparse
import json
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CLASSES, SAMPLES, SIDE = 64, 20, 28
STEPS = 1000
RECIPE = """
seed = 1
[data]
file = "images.h5"
[sampler]
name = "pxk"
classes = 16
samples_per_class = 2
[augment]
rotate_degrees = 10
[model]
architecture = "conv4"
width = 8
embedding = 16
slice = 8
[[loss]]
name = "softmax"
[[loss]]
name = "triplet"
[[loss]]
name = "center"
weight = 0.01
[optimizer]
name = "adam"
schedule = "cosine"
[train]
planned_steps = %d
evaluate_every = 0
checkpoint_every = 5
""" % STEPS


class Fault(Exception):
    pass


class Run:
    """One run folder, and how its program ended."""

    def __init__(self, kindred, recipe, folder):
        self.kindred, self.recipe, self.folder = kindred, recipe, folder

    def command(self):
        if not self.folder.exists():
            return [self.kindred, "train", self.recipe, "--out", self.folder, "--quiet"]
        if self.acknowledged():  # recipe and step come from the checkpoint
            return [self.kindred, "train", "--out", self.folder, "--resume", "--quiet"]
        return [self.kindred, "train", self.recipe, "--out", self.folder, "--resume", "--quiet"]

    def go(self, seconds=None, written=None, file_limit=None):
        """Runs it, killing it after `seconds`, counted from the moment when metrics.jsonl has grown to
        `written` bytes if that is given; returns the exit code (-9: killed) and its words."""

        def limit_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as a full disk: an error, not a signal
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

        with subprocess.Popen([str(word) for word in self.command()], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True,
                              preexec_fn=limit_files if file_limit else None) as process:
            while written is not None and self.written() < written and process.poll() is None:
                time.sleep(0.001)
            try:
                words = process.communicate(timeout=seconds)[1]
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                words = process.communicate()[1]
        return process.returncode, words

    def written(self):
        path = self.folder / "metrics.jsonl"
        return path.stat().st_size if path.exists() else 0

    def lines(self):
        path = self.folder / "metrics.jsonl"
        if not path.exists():
            return []
        whole = path.read_bytes().split(b"\n")[:-1]  # the last piece is empty, or torn
        try:
            return [json.loads(line) for line in whole]
        except ValueError as error:
            raise Fault(f"{path}: a line in the middle is torn: {error}") from error

    def acknowledged(self):
        """The newest acknowledged checkpoint: (path, step), or None."""
        found = [line for line in self.lines() if "checkpoint" in line]
        return (self.folder / found[-1]["checkpoint"], found[-1]["step"]) if found else None

    def steps(self):
        return {line["step"]: line for line in self.lines() if "loss" in line}

    def check(self, reference):
        steps = [line["step"] for line in self.lines() if "loss" in line]
        if steps != list(range(1, len(steps) + 1)):
            raise Fault(f"{self.folder}: the steps of metrics.jsonl do not count up from 1")
        for step, line in self.steps().items():
            for key in ("loss", "gradient_norm", "embedding_norm"):
                if line[key] != reference[step][key]:
                    raise Fault(f"{self.folder}: step {step}: {key} is {line[key]}, "
                                f"undisturbed {reference[step][key]}")
        newest = self.acknowledged()
        if newest:
            path, step = newest
            result = subprocess.run([self.kindred, "inspect", path], capture_output=True, text=True)
            if result.returncode:
                raise Fault(f"{path} is acknowledged, but: {result.stderr}")
            if len(steps) < step:
                raise Fault(f"{path} is acknowledged, but metrics.jsonl ends with step {len(steps)}")
        return newest[1] if newest else 0


def make_data(kindred, folder, chance):
    """Noisy pictures of made-up classes, a quarter of them for the test: an evaluation of a moment."""
    for name in range(CLASSES):
        of_class = folder / "images" / str(name)
        of_class.mkdir(parents=True)
        mean = [chance.randrange(40, 216) for _ in range(SIDE * SIDE)]
        for sample in range(SAMPLES):
            pixels = bytes(value + chance.randrange(-40, 40) for value in mean)
            (of_class / f"{sample}.pgm").write_bytes(b"P5 %d %d 255\n" % (SIDE, SIDE) + pixels)
    subprocess.run([kindred, "import", folder / "images", folder / "images.h5", "--split", "classes",
                    "--test", "0.25", "--quiet"], check=True, stdout=subprocess.DEVNULL)


def kill_and_resume(make_run, undisturbed, seconds, kills, chance):
    reference = undisturbed.steps()
    model = (undisturbed.folder / "model.kindred").read_bytes()
    run = make_run()
    all_written = undisturbed.written()
    killed = finished = 0
    while killed < kills:
        # One in three at any moment, start and end included; the others among the steps.
        if len(run.steps()) == STEPS:
            code, words = run.go()  # was killed in the end, after its last step
        elif chance.random() < 1 / 3:
            code, words = run.go(chance.uniform(0, seconds))
        else:
            # By the file's size, not by the clock: a machine that others use has no steady speed.
            moment = chance.uniform(run.written(), all_written)
            code, words = run.go(chance.uniform(0, 0.02), written=moment)
        step = run.check(reference)
        if code == -signal.SIGKILL:
            killed += 1
            print(f"  kill {killed}: {len(run.steps())} steps written, checkpoint of step {step} is good")
            continue
        if code:
            raise Fault(f"{run.folder}: exit code {code}: {words}")
        finished += finish(run, model)
        run = make_run()
    code, words = run.go()
    if code:
        raise Fault(f"{run.folder}: exit code {code}: {words}")
    run.check(reference)
    finished += finish(run, model)
    print(f"kill9: {killed} kills; {finished} resumed runs ended with the model of the undisturbed one")


def finish(run, model):
    if (run.folder / "model.kindred").read_bytes() != model:
        raise Fault(f"{run.folder}/model.kindred is not, byte for byte, what an undisturbed run leaves")
    if len(run.steps()) != STEPS:
        raise Fault(f"{run.folder}: ended after {len(run.steps())} of {STEPS} steps")
    shutil.rmtree(run.folder)
    return 1


def fill_the_disk(make_run, undisturbed):
    """A disk that takes metrics.jsonl (small in the first steps) but not the next checkpoint."""
    for _ in range(100):
        run = make_run()
        run.go(0, written=6 * undisturbed.written() // STEPS)
        if run.acknowledged() and run.written() < run.acknowledged()[0].stat().st_size // 2:
            break
        shutil.rmtree(run.folder, ignore_errors=True)
    else:
        raise Fault("full disk: no run could be killed between its first and its last checkpoint")
    path, _ = run.acknowledged()
    before = run.check(undisturbed.steps())
    code, words = run.go(file_limit=path.stat().st_size - 1)
    if code != 74 or ".kindred" not in words:
        raise Fault(f"{run.folder}: full disk: expected exit code 74 and the checkpoint's name, found {code}: {words}")
    if run.check(undisturbed.steps()) != before or list(run.folder.rglob("*.partial")):
        raise Fault(f"{run.folder}: full disk: the checkpoint of step {before} is not as it was")
    code, words = run.go()
    if code:
        raise Fault(f"{run.folder}: after the full disk: exit code {code}: {words}")
    finish(run, (undisturbed.folder / "model.kindred").read_bytes())
    print(f"kill9: a full disk left the checkpoint of step {before} good, and it resumed")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.rsplit("usage: ", 1)[1].strip())
    parser.add_argument("kindred", type=Path)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="leave the run folders")
    options = parser.parse_args()

    base = Path(tempfile.mkdtemp(prefix="kindred-kill9-"))
    kindred = options.kindred.resolve()
    chance = random.Random(options.seed)
    make_data(kindred, base / "data", chance)
    recipe = base / "data" / "recipe.toml"
    recipe.write_text(RECIPE)
    count = iter(range(1, 1 << 30))

    def make_run():
        return Run(kindred, recipe, base / f"run-{next(count)}")

    try:
        undisturbed = make_run()
        start = time.monotonic()
        code, words = undisturbed.go()
        seconds = time.monotonic() - start
        if code:
            raise Fault(f"the undisturbed run ended with exit code {code}: {words}")
        undisturbed.check(undisturbed.steps())
        print(f"kill9: {STEPS} steps undisturbed in {seconds:.1f} s")
        kill_and_resume(make_run, undisturbed, seconds, options.kills, chance)
        fill_the_disk(make_run, undisturbed)
    except Fault as fault:
        sys.exit(f"kill9: {fault}\nkill9: the run folders are left in {base}")
    if options.keep:
        print(f"kill9: the run folders are in {base}")
    else:
        shutil.rmtree(base)


if __name__ == "__main__":
    main()
