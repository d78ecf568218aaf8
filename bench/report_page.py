#!/usr/bin/env python3
"""Measures the report: how large its page of 13,180 samples is and when it is ready, and what `report --watch` costs a run.

usage: bench/report_page.py KINDRED page|watch [--repeats N] [--page FILE]

page   bytes, and the milliseconds from the navigation until all is drawn, in a headless Chromium: at most 15 MB, 2 s.
       The default recipe is trained for 12 steps (or FILE is looked at): how good it is changes neither.
watch  CPU seconds of a training of 150 steps with one evaluation and checkpoint, watched (a page that asks once a second)
       and alone, in turns: at most 3 % more, its own process counted as well; and the seconds from a line in metrics.jsonl
       until the step is said: at most 3.
Medians of N (9), with the least and the greatest.
"""
import argparse
import http.client
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "pages"))
from browser import Browser, find_browser  # noqa: E402

RECIPE = ROOT / "datasets" / "omniglot.toml"


def spread(values, unit):
    return f"{statistics.median(values):.2f} {unit} ({min(values):.2f} to {max(values):.2f}, {len(values)} times)"


def train(kindred, run, steps, *more):
    settings = ["train.epochs=1000", f"train.planned_steps={steps}", *more]
    return [kindred, "train", RECIPE, "--quiet", "--out", run, *(part for text in settings for part in ("--set", text))]


def measure_page(options, folder):
    page = options.page
    if not page:
        subprocess.run(train(options.kindred, folder / "run", 12, "train.evaluate_every=0"), check=True,
                       stdout=subprocess.DEVNULL)
        page = folder / "run" / "report.html"
    print(f"page: {page.stat().st_size / 1e6:.2f} MB")
    ready, work = [], []
    for _ in range(options.repeats):
        with Browser(find_browser()) as browser:
            browser.size(1400, 900)
            browser.open(page.resolve().as_uri())
            until = time.monotonic() + 60
            while time.monotonic() < until and not browser.value("document.documentElement.dataset.ready || ''"):
                time.sleep(0.02)
            ready.append(float(browser.value("document.documentElement.dataset.ready")) / 1000)
            work.append(browser.milliseconds_of_work() / 1000)
    print(f"ready: {spread(ready, 's')}")
    print(f"of its own work: {spread(work, 's')}")


class Page(threading.Thread):
    """Asks as the page does, and notes when each step was said."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.said, self.gallery, self.over = address, [], 0, False

    def run(self):
        while not self.over:
            try:
                connection = http.client.HTTPConnection(self.address, timeout=30)
                connection.request("GET", f"/live?have={self.gallery}")
                news = json.loads(connection.getresponse().read())
            except OSError:
                return
            self.said.append((news["step"], time.monotonic()))
            self.gallery = news["gallery"]
            time.sleep(1)


class Lines(threading.Thread):
    """Notes when each step's line was there."""

    def __init__(self, log):
        super().__init__(daemon=True)
        self.log, self.written, self.over = log, {}, False

    def run(self):
        place, rest = 0, b""
        while not self.over:
            if self.log.exists():
                with open(self.log, "rb") as file:
                    file.seek(place)
                    new = file.read()
                place += len(new)
                *lines, rest = (rest + new).split(b"\n")
                for line in lines:
                    record = json.loads(line)
                    if "loss" in record:
                        self.written.setdefault(record["step"], time.monotonic())
            time.sleep(0.02)


def watched_training(options, run, watch):
    """CPU seconds of the training and of the watching, and the delays of steps."""
    # An epoch of 137 steps; a run that stops before its planned end has no test and no page.
    settings = ["train.evaluate_every=1", "data.quarter_turns=false", "train.steps=150"]
    training = subprocess.Popen(train(options.kindred, run, 1000, *settings), stdout=subprocess.DEVNULL)
    lines = Lines(run / "metrics.jsonl")
    lines.start()
    watching = page = None
    if watch:
        while not lines.written:
            time.sleep(0.02)
        watching = subprocess.Popen([options.kindred, "report", run, "--watch", "--quiet", "--json", "-"],
                                    stdout=subprocess.PIPE, text=True)
        text = ""
        while not text.rstrip().endswith("}"):
            text += watching.stdout.readline()
        page = Page(json.loads(text)["address"])
        page.start()
    _, _, usage = os.wait4(training.pid, 0)
    own, delays = 0, []
    if watch:
        _, _, watch_usage = os.wait4(watching.pid, 0)
        own = watch_usage.ru_utime + watch_usage.ru_stime
        page.over = True
        for step, when in lines.written.items():
            heard = [then for said, then in page.said if said >= step]
            if heard and when >= page.said[0][1]:
                delays.append(max(0, heard[0] - when))
    lines.over = True
    return usage.ru_utime + usage.ru_stime, own, delays


def measure_watch(options, folder):
    alone, watched, own, delays = [], [], [], []
    for turn in range(options.repeats):
        alone.append(watched_training(options, folder / f"alone{turn}", False)[0])
        cpu, watching, late = watched_training(options, folder / f"watched{turn}", True)
        watched.append(cpu)
        own.append(watching)
        delays.append(max(late))
        print(f"turn {turn + 1}: alone {alone[-1]:.2f} s, watched {cpu:.2f} s, the watching {watching:.2f} s,"
              f" a step is said after {delays[-1]:.2f} s at most", flush=True)
    print(f"alone: {spread(alone, 's of CPU')}\nwatched: {spread(watched, 's of CPU')}\nthe watching: {spread(own, 's of CPU')}")
    base = statistics.median(alone)
    print(f"training costs {100 * (statistics.median(watched) / base - 1):+.1f} %, with the watching"
          f" {100 * (statistics.median(a + b for a, b in zip(watched, own)) / base - 1):+.1f} %")
    print(f"longest wait for a step: {spread(delays, 's')}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kindred", type=pathlib.Path)
    parser.add_argument("what", choices=("page", "watch"))
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--page", type=pathlib.Path)
    options = parser.parse_args()
    options.kindred = options.kindred.resolve()
    if options.what == "page" and not find_browser():
        sys.exit("bench/report_page.py: no Chromium is here")
    with tempfile.TemporaryDirectory(prefix="kindred_bench_") as name:
        (measure_page if options.what == "page" else measure_watch)(options, pathlib.Path(name))


if __name__ == "__main__":
    main()
