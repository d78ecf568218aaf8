#!/usr/bin/env python3
"""Opens report.html in a headless Chromium and uses it: pointer, keys, threshold, map, tables, both themes, a phone's
width, two runs side by side.

usage: page_test.py KINDRED RECIPE [--page FILE] [--screenshots FOLDER]

Trains a few steps of RECIPE, reports on all its test samples, and looks at that page; or at --page. Without a
Chromium it says so and exits 77, which ctest shows as skipped.
"""
import argparse
import json
import pathlib
import sys
import tempfile

from browser import Browser, find_browser
from report_page import (SHORT_OMNIGLOT, changed_page, check, check_calm, check_contrast, check_overlaps, check_width,
                         data_of, finish, kindred, open_page, train)

MOST_BYTES = 15_000_000


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


def with_five_classes(data):
    data["class_names"] = ["T-shirt", "Trouser", "Pullover", "Dress", "Coat"]
    data["samples"]["classes"] = [i % 5 for i in data["samples"]["classes"]]
    data["classes"]["confusions"] = []
    for part in ("classes", "queries", "values"):
        data["classes"][part] = data["classes"][part][:5]
    data["classes"]["classes"] = list(range(5))


def without_pictures(data):
    for size in ("pictures", "large"):
        data["samples"][size].update({"count": 0, "sheets": []})


def with_curves_only(data):
    for part in ("map", "retrieval", "pairs", "classes"):
        data.pop(part, None)
    data["samples"]["classes"] = data["samples"]["names"] = []
    without_pictures(data)
    data["notes"] = ["first: only what was logged is shown."]


CHANGES = (with_hostile_names, with_many_classes, with_five_classes, without_pictures, with_curves_only)


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


BOXES = "show_map.view.boxes.map(({left, right, top, bottom, text}) => [left, right, top, bottom, text])"


def check_names(browser, where):
    boxes = browser.value(BOXES)
    check(len(boxes) >= 2, f"{where}: {len(boxes)} names on the map")
    for i, one in enumerate(boxes):
        for other in boxes[i + 1:]:
            apart = one[1] <= other[0] or other[1] <= one[0] or one[3] <= other[2] or other[3] <= one[2]
            check(apart, f"{where}: on the map {one[4]} lies over {other[4]}")
    return {box[4] for box in boxes}


def check_zoom(browser):
    """Names and pictures thin out, and more come with the zoom; those that were there stay."""
    picture = "document.getElementById('map-canvas').toDataURL()"
    whole = check_names(browser, "the whole map")
    browser.value("new Promise((done) => setTimeout(done, 300))")  # sheets are unpacked
    thumbnails = browser.value("show_map.view.thumbnails")
    check(len(thumbnails) >= 20, f"{len(thumbnails)} pictures on the map")
    before = browser.value(picture)
    browser.value("[...document.querySelectorAll('#map button')].find((b) => b.textContent === 'Pictures').click()")
    check(browser.value("show_map.view.thumbnails.length") == 0 and browser.value(picture) != before,
          "the map's pictures cannot be put away")
    browser.value("[...document.querySelectorAll('#map button')].find((b) => b.textContent === 'Pictures').click()")
    thumbnails = browser.value("show_map.view.thumbnails")  # all sheets are there now: others may have come first before
    for _ in range(4):
        browser.value("[...document.querySelectorAll('#map button')].find((b) => b.textContent === 'Zoom in').click()")
    browser.value("new Promise((done) => setTimeout(done, 300))")
    closer = browser.value("show_map.view.thumbnails")
    check(set(closer) - set(thumbnails), "no picture comes with the zoom")
    inside = browser.value(f"{json.dumps(thumbnails)}.filter((i) => {{ const [x, y] = show_map.view.pixel(i); const v ="
                           " show_map.view; return x > 40 && y > 40 && x < v.width - 40 && y < v.height - 40; })")
    check(len(set(inside) - set(closer)) <= len(inside) / 4, "pictures go when the map is zoomed")
    check(check_names(browser, "the zoomed map") - whole, "no name comes with the zoom")
    browser.value("[...document.querySelectorAll('#map button')].find((b) => b.textContent === 'Whole').click()")
    browser.value("[...document.querySelectorAll('#map button')].find((b) => b.textContent === 'PCA').click()")
    check_names(browser, "the map of PCA")


def threshold_state(browser):
    return browser.value("""(() => {
      const cell = (name) => document.querySelector(`[data-cell=${name}]`);
      const scores = (name) => [...cell(name).querySelectorAll('li b')].map((one) => Number(one.textContent.replace('−', '-')));
      const ring = document.querySelector('#pairs .ring');
      return {
        text: document.getElementById('threshold-value').textContent,
        place: Number(document.getElementById('threshold').max) - Number(document.getElementById('threshold').value),
        line: Number(document.querySelector('#pairs line.threshold').getAttribute('x1')),
        ring: [Number(ring.getAttribute('cx')), Number(ring.getAttribute('cy'))],
        counts: ['same-above', 'same-below', 'different-above', 'different-below'].map((name) =>
          Number(cell(name).querySelector('b').textContent.replaceAll(',', ''))),
        scores: ['same-above', 'same-below', 'different-above', 'different-below'].map(scores),
      };
    })()""")


def check_state(data, state, how):
    """What the page shows at a threshold against the data's own counts there."""
    pairs = data["pairs"]
    threshold, different, same = pairs["rates"][state["place"]]
    check(state["counts"] == [same, pairs["same_total"] - same, different, pairs["different_total"] - different],
          f"{how}: the counts are {state['counts']} at {threshold}")
    check(abs(float(state["text"].replace("−", "-")) - threshold) <= 0.0006, f"{how}: {state['text']} is shown for {threshold}")
    bottom, top = 260 - 36, 10
    wanted = bottom + same / pairs["same_total"] * (top - bottom)
    check(abs(state["ring"][1] - wanted) < 0.1, f"{how}: the ROC's ring is at {state['ring'][1]}, not {wanted:.1f}")
    for side, scores in enumerate(state["scores"]):
        right = all(score >= threshold - 0.0006 if side % 2 == 0 else score <= threshold + 0.0006 for score in scores)
        check(right, f"{how}: pairs on the wrong side of {threshold}: {scores}")
    return threshold


def check_threshold(browser, data):
    browser.value("document.getElementById('pairs').scrollIntoView({block: 'start', behavior: 'instant'})")
    browser.rest()
    before = threshold_state(browser)
    check_state(data, before, "at first")
    check(sum(map(len, before["scores"])) >= 6, f"few pairs from either side: {before['scores']}")
    browser.value("document.getElementById('threshold').focus()")
    browser.press("PageDown", 34)
    browser.rest()
    keyed = threshold_state(browser)
    check_state(data, keyed, "by keys")
    for part in ("text", "line", "ring", "counts"):
        check(keyed[part] != before[part], f"keys do not move the threshold's {part}")
    box = browser.value("(({left, top, width, height}) => [left, top, width, height])"
                        "(document.querySelector('#pairs .draggable .chart-place').getBoundingClientRect())")
    low, high = data["pairs"]["low"], data["pairs"]["high"]
    y = box[1] + box[3] / 2
    browser.drag([(box[0] + box[2] * share, y) for share in (0.3, 0.5, 0.55)])
    browser.rest()
    dragged = threshold_state(browser)
    threshold = check_state(data, dragged, "dragged")
    wanted = low + (0.55 * box[2] - 48) / (box[2] - 48 - 14) * (high - low)
    check(abs(threshold - wanted) < 0.02 * (high - low), f"dragged to {wanted:.3f}, the threshold is {threshold:.3f}")


def check_table(browser):
    column = "[...document.querySelectorAll('#class-table tbody tr')].map((row) => row.children[{}].textContent)"
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


def stand_still(browser):
    """Waits for the end of smooth scrolling."""
    place = None
    for _ in range(100):
        before, place = place, browser.value("window.scrollY")
        if before == place:
            return
        browser.value("new Promise((done) => setTimeout(done, 150))")


def check_focus(browser):
    """Tab goes down the page, from the link that skips the head."""
    browser.value("window.scrollTo(0, 0); document.activeElement.blur()")
    place = ("[...document.querySelectorAll('*')].indexOf(document.activeElement)")
    places = []
    for step in range(25):
        browser.press("Tab", 9)
        if step == 0:
            check(browser.value("document.activeElement.className") == "skip", "the first Tab does not reach the skip link")
        places.append(browser.value(place))
    check(places == sorted(set(places)), f"Tab does not go down the page: {places}")
    stand_still(browser)


def check_pictures_first(browser, page):
    """No place for a picture of the page is empty where there are pictures."""
    empty = browser.value("document.querySelectorAll('main .picture.tile').length")
    check(empty == 0, f"{page.name}: {empty} pictures are missing")


def check_two_runs(browser, program, recipe, folder):
    """Colours by run throughout, and where the recipes differ."""
    for name, settings in (("first", {}), ("second", {"seed": 2, "optimizer__learning_rate": 1e-3})):
        train(program, recipe, folder / name, **{**SHORT_OMNIGLOT, "train__planned_steps": 6}, **settings)
    page = folder / "both.html"
    kindred(program, "report", folder / "first", "--compare", folder / "second", "--out", page, "--quiet")
    browser.size(1400, 900)
    open_page(browser, page)
    browser.value("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    browser.rest()
    for scheme in ("light", "dark"):
        browser.color_scheme(scheme)
        colors = browser.value("['--run0', '--run1'].map((name) => { const probe = document.createElement('i');"
                               " probe.style.color = `var(${name})`; document.body.append(probe);"
                               " const color = getComputedStyle(probe).color; probe.remove(); return color; })")
        lines = browser.value("[...document.querySelectorAll('#training .chart')].map((chart) =>"
                              " [...chart.querySelectorAll('path.line')].map((line) => getComputedStyle(line).stroke).concat("
                              " [...chart.querySelectorAll('.bar-track span')].map((bar) => getComputedStyle(bar).backgroundColor)))")
        check(len(lines) >= 5, f"{len(lines)} charts of two runs")
        for chart in lines:
            check(sorted(set(chart)) == sorted(colors), f"a chart of two runs has the colours {chart}")
    heads = browser.value("[...document.querySelectorAll('#about .of-run')].map((node) => node.textContent)")
    check(heads == ["first", "second"], f"the heads are of {heads}")
    keys = browser.value("[...document.querySelectorAll('#differences tbody th')].map((node) => node.textContent)")
    check(keys == ["optimizer.learning_rate", "seed"], f"the recipes differ in {keys}")
    check_calm(browser, page)
    browser.color_scheme("light")
    browser.size(390, 844)
    browser.rest()
    check_width(browser, page, 390)
    check_overlaps(browser, page, 390)
    return page


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
        page = options.page or train(options.kindred, options.recipe, folder / "run", **SHORT_OMNIGLOT)
        page = page.resolve()
        check(page.stat().st_size < MOST_BYTES, f"{page.name} has {page.stat().st_size} bytes")
        pages = {"run": page}
        for change in CHANGES:
            pages[change.__name__] = changed_page(page, folder / f"{change.__name__}.html", change)
        with Browser(program) as browser:
            for kind, path in pages.items():
                browser.size(1400, 900)
                open_page(browser, path)
                if kind == "run":
                    check_focus(browser)
                    check_map(browser)
                    check_zoom(browser)
                    check_threshold(browser, data_of(path))
                    check_theme(browser)
                    check_pictures_first(browser, path)
                if kind in ("run", "with_many_classes", "with_hostile_names"):
                    check_table(browser)
                browser.rest()
                check_calm(browser, path)
                for scheme in ("light", "dark"):
                    browser.color_scheme(scheme)
                    check_contrast(browser, path, scheme)
                browser.color_scheme("light")
                for width in (1400, 390):
                    browser.size(width, 844)
                    browser.rest()
                    check_width(browser, path, width)
                    check_overlaps(browser, path, width)
            if not options.page:
                pages["both"] = check_two_runs(browser, options.kindred, options.recipe, folder)
            if options.screenshots:
                options.screenshots.mkdir(parents=True, exist_ok=True)
                for kind, path in pages.items():
                    take_screenshots(browser, path, options.screenshots, kind)
    finish("page_test")


if __name__ == "__main__":
    main()
