#!/usr/bin/env python3
"""Outputs cost nobody anything: outputs_test.py KINDRED. Each command x option x kind of target, as root and as another
user, in a /dev of its own."""
import contextlib
import os
import shutil
import stat
import threading
from pathlib import Path

from place import expect, has_own_dev, own, run_checks


def table(place):
    """Option: the command that writes it, what it reads, another output of the same command."""
    data, model, e = place["data.h5"], place["run/model.kindred"], place["e.h5"]
    pairs, g, one = place["pairs.csv"], place["g.db"], place["pictures/class0/0.pgm"]
    verify = ["eval", "verify", e, "--pairs", pairs]
    return {
        "embed --out": (["embed", model, data, "--out", "OUT"], [model, data], None),
        "embed LIST --out": (["embed", model, place["list.txt"], "--out", "OUT"],
                             [model, place["list.txt"], place["listed.h5"]], None),
        "export OUT": (["export", model, "OUT"], [model], "--safetensors"),
        "export --safetensors": (["export", model, "--safetensors", "OUT"], [model], None),
        "convert OUT": (["convert", place["model.onnx"], "OUT"], [place["model.onnx"]], None),
        "find --html": (["find", one, "--in", g, "--html", "OUT"], [one, g], "--json"),
        "find --json": (["find", one, "--in", g, "--json", "OUT"], [one, g], "--html"),
        "identify --json": (["identify", one, "--in", g, "--json", "OUT"], [one, g], None),
        "compare --json": (["compare", model, one, one, "--json", "OUT"], [model, one], None),
        "gallery new --json": (["gallery", "new", "FRESH", model, one, "--json", "OUT"], [model, one, "FRESH"], None),
        "gallery list --json": (["gallery", "list", g, "--json", "OUT"], [g], None),
        "gallery info --json": (["gallery", "info", g, "--json", "OUT"], [g], None),
        "search --out": (["search", e, "--query", place["query.h5"], "--k", "2", "--out", "OUT"],
                         [e, place["query.h5"]], None),
        "loss --out": (["loss", e, "--loss", "triplet", "--out", "OUT"], [e], "--json"),
        "loss --json": (["loss", e, "--loss", "triplet", "--json", "OUT"], [e], "--out"),
        "eval retrieval --json": (["eval", "retrieval", e, "--json", "OUT"], [e], "--html"),
        "eval retrieval --html": (["eval", "retrieval", e, "--html", "OUT", "--pictures", data], [e, data], "--json"),
        "eval verify --roc": ([*verify, "--roc", "OUT"], [e, pairs], "--html"),
        "eval verify --json": ([*verify, "--json", "OUT"], [e, pairs], "--roc"),
        "eval verify --data --json": (["eval", "verify", model, "--data", data, "--pairs", pairs, "--json", "OUT"],
                                      [model, data, pairs], None),
        "eval cluster --out": (["eval", "cluster", e, "--out", "OUT"], [e], "--json"),
        "eval oneshot --json": (["eval", "oneshot", e, "--ways", "2", "--queries", "1", "--shots", "1", "--episodes", "5",
                                 "--json", "OUT"], [e], None),
        "inspect --json": (["inspect", data, "--json", "OUT"], [data], "--thumbnails"),
        "inspect --thumbnails": (["inspect", data, "--thumbnails", "OUT"], [data], "--json"),
        "import OUT": (["import", place["pictures"], "OUT"], [], "--json"),
        "import --preview": (["import", place["pictures"], "FRESH", "--preview", "OUT"],
                             [place["pictures/class0/1.pgm"]], "--json"),
        "import --json": (["import", place["pictures"], "FRESH", "--json", "OUT"],
                          [place["pictures/class1/1.pgm"], "FRESH"], "--preview"),
        "pack OUT": (["pack", data, "OUT"], [data], "--json"),
        "pack LIST OUT": (["pack", place["list.txt"], "OUT"], [place["list.txt"], place["listed.h5"]], None),
        "pack --json": (["pack", data, "FRESH", "--json", "OUT"], [data, "FRESH"], None),
        "train --json": (["train", place["recipe.toml"], "--out", "FRESH", "--json", "OUT"],
                         [place["recipe.toml"], data, "FRESH/model.kindred", "FRESH/metrics.jsonl",
                          "FRESH/report.html"], None),
        "report --out": (["report", place["run"], "--out", "OUT"],
                         [model, data, place["run/metrics.jsonl"], place["run/recipe.toml"]], None),
        "list --curves": (["list", "--curves", "OUT"], [], None),
        "bench --json": (["bench", "search", "--vectors", "50", "--dimension", "4", "--repeats", "1", "--compare",
                          place["bench.json"], "--json", "OUT"], [place["bench.json"]], None),
    }


# What an option writes, by a word of its name in the table: a file of that kind.
KINDS = {"--json": "bench.json", "--preview": "picture.png", "--thumbnails": "picture.png", "--html": "page.html",
         "report --out": "page.html", "export OUT": "model.onnx", "--safetensors": "arrays.safetensors",
         "convert OUT": "converted.kindred", "import OUT": "old", "OUT": "old", "embed": "e.h5"}


def kind_of(name):
    return next((kind for word, kind in KINDS.items() if word in name), None)


class Row:
    """One option, and what becomes of a target of each kind."""

    def __init__(self, place, name, row):
        self.place, self.name = place, name
        self.arguments, self.inputs, self.other = row

    def fresh(self):
        self.place.fresh += 1
        return self.place[f"fresh-{self.place.fresh}"]

    def go(self, out, fresh=None, more=(), **keywords):
        fresh = fresh or self.fresh()
        line = [out if word == "OUT" else word.replace("FRESH", fresh) for word in self.arguments]
        return self.place.run(*line, *more, **keywords)

    def refused(self, kind, code, out, fresh=None, more=()):
        """Before anything is done: nothing is printed, no file is another."""
        before = self.place.state()
        result = self.go(out, fresh, more)
        expect(result.returncode == code, self.name, kind, f"exit code {result.returncode}, not {code}:", result.stderr)
        expect(not result.stdout, self.name, kind, "printed results:", result.stdout)
        expect(result.stderr.count("\n") == 1, self.name, kind, "one line says why:", result.stderr)
        after = self.place.state()
        changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
        folders = {path for path in changed if os.path.isdir(path)}  # a try leaves its mark on them
        expect(changed <= folders, self.name, kind, "changed", changed - folders)

    def done(self, kind, out, **keywords):
        result = self.go(out, **keywords)
        expect(result.returncode == 0, self.name, kind, f"exit code {result.returncode}:", result.stderr)
        return result

    def inputs_and_outputs(self):
        for target in self.inputs:
            fresh = self.fresh()
            target = target.replace("FRESH", fresh)
            self.refused("input", 64, target, fresh)
            if not os.path.exists(target):
                continue
            link, second = self.place["link"], self.place["second"]
            os.symlink(target, link)
            os.link(target, second)
            self.refused("link to input", 64, link)
            if target in self.arguments:  # of a file in a folder, its own name goes on
                self.refused("second name of input", 64, second)
            os.remove(link)
            os.remove(second)
        if self.other:
            self.refused("other output", 64, self.place["new"], more=[self.other, self.place["."] + "/../"
                         + self.place.folder.name + "/new"])
            self.refused("other output that exists", 64, self.place["old"], more=[self.other, self.place["old"]])

    def impossible(self):
        self.refused("folder", 73, self.place["pictures/class0"])
        self.refused("missing folder", 73, self.place["missing/new"])
        self.refused("folder that is a file", 73, self.place["recipe.toml/new"])

    def files(self):
        new = self.place["new"]
        self.done("new file", new)
        expect(os.path.exists(new) and os.path.getsize(new) > 0, self.name, "wrote nothing")
        with contextlib.suppress(FileNotFoundError):
            shutil.move(new, self.place["mine"])  # an older one of its kind, for what follows
        link, target = self.place["link"], self.place["target"]
        shutil.copy(self.place["mine"], target)
        os.chown(target, self.place.user, self.place.user)
        os.symlink("target", link)
        before = os.stat(target)
        self.done("link", link)
        expect(os.path.islink(link), self.name, "replaced a link")
        expect(os.stat(target).st_ino != before.st_ino, self.name, "did not replace what the link leads to")
        os.remove(link)
        os.remove(target)

    def others(self):
        """What is no such file stays, whatever it is called; an empty one is replaced."""
        target = self.place["target"]
        kinds = {"notes": b"what I must not forget\n", "table": b"1,2\n3,4\n", "zeros": bytes(5000), "one byte": b"x"}
        for other in sorted({*KINDS.values()} - {kind_of(self.name)}):
            kinds[other] = Path(self.place[other]).read_bytes()
        for kind, content in kinds.items():
            Path(target).write_bytes(content)
            os.chown(target, self.place.user, self.place.user)
            self.refused(f"{kind} of others", 64, target)
            expect(Path(target).read_bytes() == content, self.name, kind, "was replaced")
        Path(target).write_bytes(b"")
        os.chown(target, self.place.user, self.place.user)
        self.done("empty file", target)
        expect(os.path.getsize(target) > 0, self.name, "an empty file stayed")
        os.remove(target)
        self.refused("no name", 64, "")

    def read_only(self):
        """Root may; others find out before the work."""
        target, folder = self.place["target"], self.place.folder / "closed"
        shutil.copy(self.place["mine"], target)
        folder.mkdir()
        os.chmod(target, 0o444)
        os.chmod(folder, 0o555)
        own(self.place.folder, self.place.user)
        if self.place.user == 0:
            self.done("read-only file", target)
            self.done("file in a read-only folder", folder / "new")
        else:
            self.refused("read-only file", 73, target)
            self.refused("file in a read-only folder", 73, str(folder / "new"))
        os.remove(target)
        os.chmod(folder, 0o755)
        shutil.rmtree(folder)

    def pipes(self):
        pipe = self.place["pipe"]
        os.mkfifo(pipe)
        os.chown(pipe, self.place.user, self.place.user)
        got = []
        reader = threading.Thread(target=lambda: got.append(Path(pipe).read_bytes()), daemon=True)
        reader.start()
        self.done("pipe", pipe)
        reader.join(5)
        expect(got and got[0], self.name, "pipe: nothing came through it")
        expect(stat.S_ISFIFO(os.stat(pipe).st_mode), self.name, "replaced a pipe")
        if reader.is_alive():  # nobody wrote
            os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        os.remove(pipe)

    def devices(self):
        for device, code in (("null", 0), ("full", 74)):
            path = f"/dev/{device}"
            result = self.go(path)
            expect(result.returncode == code, self.name, path, f"exit code {result.returncode}:", result.stderr)
            expect(stat.S_ISCHR(os.stat(path).st_mode), self.name, "replaced", path)
        result = self.done("/dev/stdout", "/dev/stdout", text=False)
        expect(result.stdout, self.name, "/dev/stdout: nothing came")
        expect(os.path.islink("/dev/stdout"), self.name, "replaced /dev/stdout")
        # Standard output is a file: what is printed and what is written both go there.
        file = self.place["printed"]
        self.done("/dev/stdout to a file", "/dev/stdout", before=f"echo first >{file};", after=f">>{file}")
        with open(file, "rb") as printed:
            content = printed.read()
        expect(content.startswith(b"first\n") and len(content) > 6, self.name, "/dev/stdout to a file:", content[:80])
        os.remove(file)


def check_table(place):
    for name, row in table(place).items():
        row = Row(place, name, row)
        row.inputs_and_outputs()
        row.impossible()
        row.files()
        row.others()
        row.read_only()
        row.pipes()
        if has_own_dev():
            row.devices()
        left = [path for path in place.folder.rglob("*.partial")]
        expect(not left, name, "left", left)


def check_training(place):
    """What a run writes is none of what it reads."""
    shutil.copytree(place["run"], place["again"])
    os.remove(place["again/metrics.jsonl"])
    shutil.copy(place["recipe.toml"], place["again/recipe.toml"])
    own(place.folder, place.user)
    for kind, line in (
            ("recipe", ["train", place["again/recipe.toml"], "--set", f"data.file={place['data.h5']}", "--out",
                        place["again"]]),
            ("weights", ["train", place["recipe.toml"], "--set", f"train.initial={place['again/model.kindred']}", "--out",
                         place["again"]])):
        before = place.state()
        result = place.run(*line, "--quiet")
        expect(result.returncode == 64, "train over its", kind, result.returncode, result.stderr)
        expect(place.state() == before, "train over its", kind, "changed something")
    result = place.run("train", place["recipe.toml"], "--out", place["data.h5"])
    expect(result.returncode == 73, "train into a file:", result.returncode, result.stderr)
    result = place.run("train", place["run/recipe.toml"], "--out", place["run"], "--resume", "--json",
                       place["run/numbers.json"], "--quiet")
    expect(result.returncode == 0, "a run that goes on by its own recipe:", result.stderr)
    result = place.run("train", place["recipe.toml"], "--out", place["there"], "--json", place["there/numbers.json"],
                       "--quiet")
    expect(result.returncode == 0 and os.path.exists(place["there/numbers.json"]), "numbers in the run folder:",
           result.stderr)


if __name__ == "__main__":
    run_checks("outputs", [check_table, check_training])
