#!/usr/bin/env python3
"""Opens the page of `kindred find --html` in a headless Chromium: a phone's width and a wide one, light and dark.

usage: found_page_test.py KINDRED [--screenshots FOLDER]

Without a Chromium it says so and exits 77, which ctest shows as skipped.
"""
import argparse
import pathlib
import random
import subprocess
import sys
import tempfile

from browser import Browser, find_browser

RECIPE = """
[data]
file = "data.h5"
[sampler]
classes = 4
samples_per_class = 4
[model]
architecture = "mlp"
hidden = [8]
embedding = 8
slice = 16
[[loss]]
name = "softmax"
[train]
epochs = 1
steps = 2
"""
NAME = "<i>Ada</i> & a name that is long enough to need a second line on a phone"
LIGHTNESS = "getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).slice(0, 3).reduce((a, b) => +a + +b)"

faults = []


def check(right, text):
    if not right:
        faults.append(text)
        print(f"found_page_test: WRONG: {text}", file=sys.stderr)


def make_page(program, folder):
    chance = random.Random(1)
    for number in range(24):
        path = folder / "photos" / f"class{number % 4}" / f"{number}.pgm"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = bytes((number % 4 * 60 + x * y // 8 + chance.randrange(40)) % 256 for y in range(32) for x in range(32))
        path.write_bytes(b"P5 32 32 255\n" + pixels)
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "recipe.toml").write_text(RECIPE)
    for words in (["import", "photos", "data.h5", "--size", "8"], ["train", "recipe.toml", "--out", "run"],
                  ["gallery", "new", "g.db", "run/model.kindred", "photos/class0", "--name", NAME],
                  ["gallery", "add", "g.db", "photos"],
                  ["find", "photos/class1/1.pgm", "photos/class0/0.pgm", "broken.jpg", "--in", "g.db", "--html",
                   "found.html"]):
        subprocess.run([program, *words, "--quiet"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder / "found.html"


def look(browser, page, width, scheme, screenshots):
    what = f"{width} px, {scheme}"
    browser.size(width, 900)
    browser.color_scheme(scheme)
    browser.open(page.as_uri())
    browser.rest()
    check(browser.value("document.documentElement.scrollWidth") <= width, f"{what}: it is wider than the screen")
    check(browser.value("[...document.images].every((image) => image.complete && image.naturalWidth > 0)"),
          f"{what}: a thumbnail is not shown")
    check(browser.value("document.images.length") == 2 * 11, f"{what}: two queries with ten found each have 22 pictures")
    smallest = browser.value("Math.min(...[...document.images].map((image) => image.getBoundingClientRect().width))")
    check(smallest >= 80, f"{what}: a thumbnail is {smallest} px wide")
    check(browser.value("document.querySelectorAll('i').length") == 0, f"{what}: a name became markup")
    check(browser.value(f"document.body.innerText.includes({NAME!r})"), f"{what}: a name is not as it was given")
    check(browser.value("document.querySelector('.notice').innerText.includes('broken.jpg')"),
          f"{what}: what could not be read is not told of")
    check((browser.value(LIGHTNESS) < 384) == (scheme == "dark"), f"{what}: the ground is of the other scheme")
    check(not browser.complaints, f"{what}: the browser complains: {browser.complaints}")
    others = [url for url in browser.requests if not url.startswith(("file:", "data:"))]
    check(not others, f"{what}: it asks for {others}")
    if screenshots:
        browser.screenshot(screenshots / f"found-{width}-{scheme}.png")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ", 1)[1].split("\n", 1)[0])
    parser.add_argument("kindred", type=pathlib.Path)
    parser.add_argument("--screenshots", type=pathlib.Path)
    options = parser.parse_args()
    program = find_browser()
    if program is None:
        print("found_page_test: skipped: there is no Chromium")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="kindred-found-") as folder:
        page = make_page(options.kindred.resolve(), pathlib.Path(folder))
        with Browser(program) as browser:
            for width in (390, 1280):
                for scheme in ("light", "dark"):
                    look(browser, page, width, scheme, options.screenshots)
    print(f"found_page_test: {len(faults)} faults")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
