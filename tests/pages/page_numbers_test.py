#!/usr/bin/env python3
"""Compares what pages show with what the commands say: a run, embeddings, a list of pairs, all pairs. Both are read: the
page as a browser draws it, the command's JSON. Renders twice, and compares the bytes.

usage: page_numbers_test.py KINDRED RECIPE

Without a Chromium it says so and exits 77, which ctest shows as skipped.
"""
import json
import pathlib
import random
import tempfile

from browser import Browser, find_browser
from report_page import SHORT_OMNIGLOT, check, check_calm, check_width, data_of, finish, kindred, open_page, started_with, train

SHOWN = "Object.fromEntries([...document.querySelectorAll('td[data-metric]')].map((cell) => [cell.dataset.metric, cell.textContent]))"


def text_of(value):
    return f"{value:.4f}"


def check_numbers(browser, page, said, least):
    open_page(browser, page, quiet=True)
    check_calm(browser, page)
    shown = browser.value(SHOWN)
    compared = [name for name in shown if name in said]
    bare = browser.value("(document.querySelector('#numbers').innerText.match(/(?<![.\\d])\\d{5,}/g) || [])")
    check(not bare, f"{page.name}: numbers without commas: {bare}")
    check(len(compared) >= least, f"{page.name}: of {sorted(shown)} the command says {compared}")
    for name in compared:
        check(shown[name] == text_of(said[name]), f"{page.name}: {name} is {shown[name]}, the command says {said[name]}")


def check_histogram(page, said):
    pairs = data_of(page)["pairs"]
    check(sum(pairs["same"]) == pairs["same_total"] and sum(pairs["different"]) == pairs["different_total"],
          f"{page.name}: the histogram does not hold all pairs")
    if pairs["low"] == said["histogram"]["low"]:  # of lists the page has edges on round numbers
        check(pairs["same"] == said["histogram"]["same"] and pairs["different"] == said["histogram"]["different"],
              f"{page.name}: the histogram is not the command's")


def write_pairs(path, names, seed):
    choose = random.Random(seed)
    with open(path, "w") as file:
        for _ in range(400):
            a, b = choose.sample(names, 2)
            same = a.rsplit("/", 1)[0] == b.rsplit("/", 1)[0]
            other = choose.choice([name for name in names if name.rsplit("/", 1)[0] == a.rsplit("/", 1)[0] and name != a])
            file.write(f"{a},{b},{int(same)}\n{a},{other},1\n")


def main():
    program, recipe = started_with("page_numbers_test", __doc__)
    with tempfile.TemporaryDirectory(prefix="kindred_page_") as name, Browser(find_browser()) as browser:
        folder = pathlib.Path(name)
        page = train(program, recipe, folder / "run", **SHORT_OMNIGLOT)
        data = pathlib.Path(recipe).resolve().parent / "omniglot28.h5"
        test = folder / "test.h5"
        kindred(program, "embed", folder / "run" / "model.kindred", data, "--split", "test", "--out", test, "--quiet")
        said = json.loads(kindred(program, "eval", "retrieval", test, "--json", "-", "--quiet"))
        check_numbers(browser, page, said, 4)
        for threads in (1, 2):
            again = folder / f"again{threads}.html"
            kindred(program, "report", folder / "run", "--out", again, "--quiet", "--threads", threads)
            check(again.read_bytes() == page.read_bytes(), f"rendered again with {threads} threads, the page has other bytes")

        page = folder / "retrieval.html"
        pictures = ["--html", page, "--pictures", data, "--json", "-", "--quiet"]
        said = json.loads(kindred(program, "eval", "retrieval", test, *pictures))
        check_numbers(browser, page, said, 4)

        page = folder / "pairs.html"
        pictures[1] = page
        names = sorted(data_of(folder / "retrieval.html")["samples"]["names"])
        write_pairs(folder / "pairs.csv", names[:2000], 1)
        said = json.loads(kindred(program, "eval", "verify", test, "--pairs", folder / "pairs.csv", *pictures))
        check_numbers(browser, page, said, 5)
        check_histogram(page, said)
        base = browser.value("[...document.querySelectorAll('.bars li')].map((one) => one.textContent)")
        check(any(text_of(said["base_rate"]) in text for text in base), f"the base rate is not beside the accuracy: {base}")

        page = folder / "all.html"
        pictures[1] = page
        said = json.loads(kindred(program, "eval", "verify", test, "--all-pairs", *pictures))
        check_numbers(browser, page, said, 5)
        check_histogram(page, said)
        pairs = data_of(page)["pairs"]
        check(len(pairs["false_accepts"]) == 16 and len(pairs["false_rejects"]) == 16, "all pairs: the hardest are not named")
        check(browser.value("document.querySelectorAll('#pairs .ring').length") == 1, "all pairs: there is no ROC")
        check(browser.value("document.querySelectorAll('#pairs .picture.tile').length") == 0, "all pairs: pictures are missing")
        for far, tar in ((0.1, "tar@far=0.1"), (0.01, "tar@far=0.01")):
            most = int(far * pairs["different_total"])
            best = max(same for _, different, same in pairs["rates"] if different <= most)
            check(abs(best / pairs["same_total"] - said[tar]) < 1e-9, f"all pairs: the curve says {best}, the command {said[tar]}")
        for width in (1400, 390):
            browser.size(width, 900)
            browser.rest()
            check_width(browser, page, width)
    finish("page_numbers_test")


if __name__ == "__main__":
    main()
