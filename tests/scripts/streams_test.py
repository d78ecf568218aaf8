#!/usr/bin/env python3
"""Inputs that nobody writes, and results that nobody takes: streams_test.py KINDRED. As root and as another user."""
import contextlib
import os
import shutil
from pathlib import Path

from place import expect, has_own_dev, run_checks


def check_inputs_that_wait(place):
    """Nobody writes into this pipe: who opens it to read waits for ever."""
    for name in ("pipe", "pipe.zip", "pipe.h5", "pipe.npy", "pipe.txt", "pipe.toml", "pipe.csv"):
        pipe = place[name]
        os.mkfifo(pipe)
        for line in (["import", pipe, place["new"]], ["import", place["pictures"], pipe, place["new"]],
                     ["import", place["pictures"], place["new"], "--format", "csv", pipe, place["new"]],
                     ["inspect", pipe], ["pack", pipe, place["new"]], ["train", pipe, "--out", place["new"]],
                     ["embed", pipe, place["data.h5"], "--out", place["new"]],
                     ["embed", place["run/model.kindred"], pipe, "--out", place["new"]],
                     ["eval", "retrieval", pipe], ["eval", "verify", place["e.h5"], "--pairs", pipe],
                     ["search", pipe, "--out", place["new"]], ["loss", pipe, "--loss", "triplet"],
                     ["loss", place["e.h5"], "--loss", "triplet", "--targets", pipe]):
            result = place.run(*line)
            expect(result.returncode in (64, 65, 66), *line, f"exit code {result.returncode}:", result.stderr)
            with contextlib.suppress(FileNotFoundError):
                os.remove(place["new"])
        os.remove(pipe)


def check_printed(place):
    """Results that do not arrive are exit code 74, wherever they are printed."""
    if not has_own_dev():
        return
    e, data = place["e.h5"], place["data.h5"]
    lines = [["--version"], ["--help"], ["embed", "--help"], ["list"], ["list", "losses"],
             ["documents", "--completion", "bash"], ["inspect", data], ["inspect", data, "--json", "-"],
             ["eval", "retrieval", e], ["eval", "retrieval", e, "--json", "-"], ["eval", "verify", e, "--all-pairs"],
             ["eval", "cluster", e], ["eval", "oneshot", e, "--ways", "2", "--queries", "1"],
             ["loss", e, "--loss", "triplet"], ["pack", data, place["new"]],
             ["import", place["pictures"], place["new"]],
             ["train", place["recipe.toml"], "--out", place["new"]],
             ["bench", "search", "--vectors", "50", "--dimension", "4", "--repeats", "1"]]
    for line in lines:
        for kind, keywords in (("full", {"after": ">/dev/full"}), ("closed", {"after": ">&-"})):
            result = place.run(*line, **keywords)
            expect(result.returncode == 74, *line, kind, f"exit code {result.returncode}:", result.stderr)
            expect("standard output: writing failed" in result.stderr, *line, kind, result.stderr)
            shutil.rmtree(place["new"], ignore_errors=True)
            with contextlib.suppress(FileNotFoundError):
                os.remove(place["new"])
    # Without standard streams no file gets their numbers, and what is printed.
    for closed in ("<&- >&- 2>&-", ">&- 2>&-"):
        place.run("search", e, "--k", "2", "--out", place["new"], after=closed)
        whole = place.run("inspect", place["new"])
        expect(whole.returncode in (0, 65), "search", closed, whole.stderr)
        expect(Path(place["new"]).read_bytes()[:4] == b"\x89HDF", "search", closed, "is no HDF5 file")
        os.remove(place["new"])
    before = Path(e).read_bytes()
    result = place.run("eval", "retrieval", e, after=f">>{e}")
    expect(result.returncode == 64, "results appended to what is read:", result.returncode, result.stderr)
    expect(Path(e).read_bytes() == before, "results appended to what is read")


if __name__ == "__main__":
    run_checks("streams", [check_inputs_that_wait, check_printed])
