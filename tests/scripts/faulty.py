"""Commands on little data whose system calls are made to fail or are written down, for the tests of what is lost then."""
import json
import os
import shutil
import subprocess
from pathlib import Path

WAIT = 120  # seconds, for what takes a fraction of one
RECIPE = """[data]
file = 'data.h5'
validation_classes = 2
[sampler]
classes = 4
samples_per_class = 2
[model]
architecture = 'mlp'
hidden = [8]
embedding = 4
slice = 4
[[loss]]
name = 'softmax'
[train]
epochs = 2
planned_steps = 4
checkpoint_every = 1
keep_checkpoints = 2
"""


def write_pictures(folder, classes, of_each):
    for c in range(classes):
        (folder / f"class{c}").mkdir(parents=True)
        for i in range(of_each):
            pixels = bytes((c * 31 + i * 7 + j) % 251 for j in range(64))
            (folder / f"class{c}" / f"{i}.pgm").write_bytes(b"P5 8 8 255 " + pixels)


def without_times(lines):
    """Of metrics.jsonl, what another run has as well."""
    found = [json.loads(line) for line in lines]
    for line in found:
        line.pop("train_seconds", None)
    return found


class Job:
    """A command that writes: its words, and what it writes, by the name in `out`."""

    def __init__(self, name, words, outputs, before):
        self.name, self.words, self.outputs = name, [str(word) for word in words], outputs
        self.before = [str(word) for word in before]  # writes older files of the same kinds there
        self.old, self.new = {}, {}


class Place:
    """Inputs of all kinds, a folder `out` for what is written, and the commands that write it."""

    def __init__(self, kindred, folder):
        self.kindred, self.folder = str(kindred), Path(folder).resolve()
        self.out = self.folder / "out"
        self.inputs = self.folder / "in"
        self.inputs.mkdir(parents=True)
        self.out.mkdir()
        self.make_inputs()
        self.jobs = self.make_jobs()
        self.train = [str(word) for word in ("train", self.inputs / "recipe.toml", "--out", self.out / "run", "--threads",
                                             "1", "--quiet")]
        self.before = self.input_state()

    def go(self, words, environment=None, wait=WAIT):
        try:
            result = subprocess.run([self.kindred, *words], capture_output=True, text=True, errors="replace", timeout=wait,
                                    env={**os.environ, **(environment or {})}, cwd=self.folder, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return "no end", f"not within {wait} seconds"
        return result.returncode, result.stderr

    def must(self, *words):
        code, said = self.go([str(word) for word in words])
        if code:
            raise SystemExit(f"{words}: exit code {code}: {said}")

    def make_inputs(self):
        here = self.inputs
        write_pictures(here / "pictures", 8, 4)
        write_pictures(here / "fewer", 6, 3)
        (here / "recipe.toml").write_text(RECIPE)
        for pictures, data in (("pictures", "data.h5"), ("fewer", "other.h5")):
            self.must("import", here / pictures, here / data, "--quiet")
        for run, more in (("run", ()), ("run2", ("--set", "seed=2"))):
            self.must("train", here / "recipe.toml", "--out", here / run, "--quiet", *more)
            self.must("embed", here / run / "model.kindred", here / "data.h5", "--out", here / f"{run}.h5", "--quiet")

    def make_jobs(self):
        here, out = self.inputs, self.out
        model, data, embedded = here / "run/model.kindred", here / "data.h5", here / "run.h5"
        common = ["--quiet", "--threads", "1"]
        tasks = [
            ("import", ["import", here / "pictures", out / "a.h5", "--json", out / "a.json", "--preview", out / "a.png"],
             ["import", here / "fewer", out / "a.h5", "--json", out / "a.json", "--preview", out / "a.png"]),
            ("pack", ["pack", data, out / "a.h5", "--json", out / "a.json"],
             ["pack", here / "other.h5", out / "a.h5", "--json", out / "a.json"]),
            ("embed", ["embed", model, data, "--out", out / "a.h5"],
             ["embed", model, here / "other.h5", "--out", out / "a.h5"]),
            ("search", ["search", embedded, "--k", "3", "--out", out / "a.h5"],
             ["search", embedded, "--k", "2", "--out", out / "a.h5"]),
            ("report", ["report", here / "run", "--out", out / "a.html"],
             ["report", here / "run2", "--out", out / "a.html"])]
        jobs = []
        for name, words, before in tasks:
            outputs = sorted(Path(word).name for word in map(str, words) if str(word).startswith(f"{out}/"))
            job = Job(name, [*words, *common], outputs, [*before, *common])
            for line, content in ((job.before, job.old), (job.words, job.new)):
                self.must(*line)
                content.update(self.written())
            self.clear()
            jobs.append(job)
        return jobs

    def written(self):
        return {path.name: path.read_bytes() for path in self.out.iterdir() if path.is_file()}

    def put(self, content):
        self.clear()
        for name, data in content.items():
            (self.out / name).write_bytes(data)

    def clear(self):
        for path in self.out.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def input_state(self):
        return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(self.inputs.rglob("*"))
                if path.is_file()}

    def inputs_are_intact(self):
        return self.input_state() == self.before


class RunFolder:
    """What a training run leaves."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def lines(self):
        path = self.folder / "metrics.jsonl"
        whole = path.read_bytes().split(b"\n")[:-1] if path.exists() else []  # the last piece is empty, or torn
        return whole[:next((i for i, line in enumerate(whole) if b"\0" in line), None)]  # a hole: nothing behind was synced

    def log(self):
        return without_times(self.lines())

    def acknowledged(self):
        """Names of checkpoints, the newest last."""
        return [line["checkpoint"] for line in self.log() if "checkpoint" in line]

    def checkpoints(self):
        return {f"checkpoints/{path.name}": path.read_bytes() for path in sorted(self.folder.glob("checkpoints/step-*.kindred"))}

    def model(self):
        path = self.folder / "model.kindred"
        return path.read_bytes() if path.exists() else None

    def resume(self, train):
        """The words that go on with it."""
        if self.acknowledged():  # recipe and step come from the checkpoint
            return ["train", "--out", str(self.folder), "--resume", "--threads", "1", "--quiet"]
        return [*train, "--resume"]

    def left_over(self):
        """Names that are none of a finished run's."""
        known = {"recipe.toml", "metrics.jsonl", "model.kindred", "report.html", "checkpoints"}
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*")
                      if path.name not in known and not path.match("checkpoints/step-*.kindred"))
