#!/usr/bin/env python3
"""Opens report.html in a headless Chromium and uses it: pointer, keys, tables, both themes, a phone's width.

usage: page_test.py KINDRED RECIPE [--page FILE] [--screenshots FOLDER]

Trains a few steps of RECIPE, reports on all its test samples, and looks at that page; or at --page. Without a
Chromium it says so and exits 77, which ctest shows as skipped.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from browser import Browser, find_browser

MOST_BYTES = 15_000_000
DATA = re.compile(r'(<script type="application/json" id="data">)(.*?)(</script>)', re.S)

faults = []


def check(right, text):
    if not right:
        faults.append(text)
        print(f"page_test: WRONG: {text}", file=sys.stderr)


def make_page(program, recipe, folder):
    run = folder / "run"
    quiet = [program, "train", recipe, "--quiet", "--out", str(run)]
    settings = ["model.widths=[8, 8, 8, 8]", "train.epochs=1000", "train.planned_steps=12", "train.evaluate_every=0"]
    subprocess.run([*quiet, *(part for text in settings for part in ("--set", text))], check=True)
    return run / "report.html"


def changed_page(page, path, change):
    """The same page with other data; written as the library writes it, without a "<"."""
    text = page.read_text()
    data = json.loads(DATA.search(text)[2])
    change(data)
    safe = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    path.write_text(DATA.sub(lambda match: match[1] + safe + match[3], text, count=1))
    return path


def with_hostile_names(data):
    data["title"] = "</script><script>window.broken = 1</script>"
    data["class_names"][0] = '</script><img src="https://example.org/x" onerror="window.broken = 1">'
    data["class_names"][1] = "ꦲ 字 \u202e\u0000 'quoted\" & <b>bold</b>"
    data["samples"]["names"] = [data["class_names"][0]] * len(data["samples"]["classes"])


def with_many_classes(data):
    data["class_names"] = [f"class {i:05}" for i in range(10_000)]
    data["samples"]["classes"] = [i % 10_000 for i in range(len(data["samples"]["classes"]))]
    columns = len(data["classes"]["columns"])
    data["classes"]["classes"] = list(range(10_000))
    data["classes"]["queries"] = [1 + i % 7 for i in range(10_000)]
    data["classes"]["values"] = [[(i * 37 % 1001) / 1000] * columns for i in range(10_000)]


def with_ten_classes(data):
    data["class_names"] = ["T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Boot"]
    data["samples"]["classes"] = [i % 10 for i in data["samples"]["classes"]]
    data["classes"]["confusions"] = []
    for part in ("classes", "queries", "values"):
        data["classes"][part] = data["classes"][part][:10]
    data["classes"]["classes"] = list(range(10))


def with_curves_only(data):
    for part in ("map", "retrieval", "pairs", "classes"):
        data.pop(part, None)
    data["samples"] = {"classes": [], "names": [], "pictures": {**data["samples"]["pictures"], "count": 0, "sheets": []}}
    data["notes"] = ["first: only what was logged is shown."]


def with_two_runs(data):
    other = json.loads(json.dumps(data["runs"][0]))
    data["runs"][0]["name"], other["name"] = "first", "second"
    for series in other["series"]:
        series["values"] = [value * 0.9 for value in series["values"]]
    for row in other["numbers"]:
        row[1] *= 0.97
    data["runs"].append(other)


def open_page(browser, page):
    browser.open(page.as_uri())
    for _ in range(500):
        if browser.value("'ready' in document.documentElement.dataset"):
            break
        time.sleep(0.02)
    ready = browser.value("document.documentElement.dataset.ready || ''")
    check(ready, f"{page.name} was not drawn to its end")
    # Times depend on what else the machine does: they are told, not judged.
    print(f"{page.name}: {page.stat().st_size / 1e6:.2f} MB, ready after {ready} ms,"
          f" {browser.milliseconds_of_work():.0f} ms of them computing")


def check_calm(browser, page):
    check(not browser.complaints, f"{page.name}: the console says {browser.complaints[:3]}")
    outside = [url for url in browser.requests if not url.startswith(("blob:", "data:")) and url != page.as_uri()]
    check(not outside, f"{page.name}: asks for {outside[:3]}")
    check(not browser.value("window.broken || false"), f"{page.name}: a name became script")


def check_width(browser, page, width):
    wide = browser.value("document.documentElement.scrollWidth")
    check(wide <= width, f"{page.name} is {wide} pixels wide on a screen of {width}")


def check_map(browser):
    browser.value("document.getElementById('map-canvas').scrollIntoView({block: 'center', behavior: 'instant'})")
    browser.rest()
    box = browser.value("(({left, top, width, height}) => [left, top, width, height])"
                        "(document.getElementById('map-canvas').getBoundingClientRect())")
    shown = "!document.getElementById('hover').hidden"
    for step in range(60):
        browser.point_at(box[0] + box[2] / 2 + 3 * step, box[1] + box[3] / 2)
        if browser.value(shown):
            break
    check(browser.value(shown), "hovering over the map shows nothing")
    check(browser.value("(() => { const picture = document.querySelector('#hover .cell');"
                        " return picture && getComputedStyle(picture).backgroundImage.startsWith('url(\"blob:'); })()"),
          "hovering over the map shows no picture")
    browser.point_at(2, 2)
    check(not browser.value(shown), "the picture stays when the pointer has left the map")
    browser.value("document.getElementById('map-canvas').focus({preventScroll: true})")
    browser.press("ArrowRight", 39)
    first = browser.value("document.querySelector('#map .reading').textContent")
    check(first and browser.value(shown), "arrow keys show no picture")
    browser.press("ArrowRight", 39)
    check(browser.value("document.querySelector('#map .reading').textContent") != first, "arrow keys do not move on")
    browser.press("Escape", 27)
    check(not browser.value(shown), "Escape does not put the picture away")
    browser.value("[...document.querySelectorAll('#map button')].find((b) => b.textContent === 'PCA').click()")


def check_table(browser):
    column = ("[...document.querySelectorAll('#class-table tbody tr')].map((row) => row.children[{}].textContent)")
    head = "document.querySelectorAll('#class-table thead button')[{}]"
    for number, order in ((0, str), (2, float)):
        for _ in range(2):
            browser.value(head.format(number) + ".focus()")
            browser.press("Enter", 13)
            browser.value(head.format(number) + ".click()")
            direction = browser.value(head.format(number) + ".parentNode.getAttribute('aria-sort')")
            values = [order(text) for text in browser.value(column.format(number))]
            check(len(values) > 1 and direction in ("ascending", "descending"), "the table is not sorted")
            check(values == sorted(values, reverse=direction == "descending"), f"column {number} is not {direction}")
            others = browser.value("document.querySelectorAll('#class-table th[aria-sort]').length")
            check(others == 1, f"{others} columns claim to be sorted")
    name = browser.value(column.format(0))[-1]
    browser.value(f"(() => {{ const input = document.getElementById('class-filter'); input.value = {json.dumps(name)};"
                  " input.dispatchEvent(new Event('input')); return new Promise((done) => setTimeout(done, 200)); })()")
    check(all(name in text for text in browser.value(column.format(0))), "the filter keeps other classes")


def check_theme(browser):
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    browser.color_scheme("light")
    light = browser.value(ground)
    browser.color_scheme("dark")
    check(browser.value(ground) != light, "the page does not follow the system to dark")
    browser.value("document.getElementById('theme').click()")
    check(browser.value(ground) == light, "the switch does not go to light")
    browser.value("document.getElementById('theme').click(); document.getElementById('theme').click()")
    browser.color_scheme("light")


def take_screenshots(browser, page, folder, name):
    for width in (1400, 390):
        for scheme in ("light", "dark"):
            browser.size(width, 900)
            browser.color_scheme(scheme)
            browser.open(page.as_uri())
            browser.rest()
            browser.screenshot(str(folder / f"{name}-{width}-{scheme}.png"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kindred")
    parser.add_argument("recipe")
    parser.add_argument("--page", type=pathlib.Path)
    parser.add_argument("--screenshots", type=pathlib.Path)
    options = parser.parse_args()
    program = find_browser()
    if not program:
        print("page_test: skipped: there is no Chromium (Debian: chromium-headless-shell)")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="kindred_page_") as name:
        folder = pathlib.Path(name)
        page = (options.page or make_page(options.kindred, options.recipe, folder)).resolve()
        check(page.stat().st_size < MOST_BYTES, f"{page.name} has {page.stat().st_size} bytes")
        pages = {"run": page}
        for change in (with_hostile_names, with_many_classes, with_ten_classes, with_curves_only, with_two_runs):
            kind = change.__name__.removeprefix("with_")
            pages[kind] = changed_page(page, folder / f"{kind}.html", change)
        with Browser(program) as browser:
            for kind, path in pages.items():
                browser.size(1400, 900)
                open_page(browser, path)
                if kind == "run":
                    check_map(browser)
                    check_theme(browser)
                if kind in ("run", "many_classes", "hostile_names"):
                    check_table(browser)
                browser.rest()
                check_calm(browser, path)
                browser.size(390, 844)
                browser.rest()
                check_width(browser, path, 390)
            if options.screenshots:
                options.screenshots.mkdir(parents=True, exist_ok=True)
                for kind, path in pages.items():
                    take_screenshots(browser, path, options.screenshots, kind)
    print("page_test: " + (f"{len(faults)} faults" if faults else "the pages are as they should be"))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
