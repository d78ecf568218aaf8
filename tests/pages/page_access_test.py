#!/usr/bin/env python3
"""Asks axe-core what keeps people from a report page: pages of a run and of embeddings, light and dark, wide and narrow.

usage: page_access_test.py KINDRED RECIPE

axe-core is no package of Debian's: `npm install --prefix FOLDER axe-core@4.10.3`, and KINDRED_AXE names
FOLDER/node_modules/axe-core/axe.min.js. Without it, or without a Chromium, the test says so and exits 77, which ctest
shows as skipped.
"""
import json
import os
import pathlib
import sys
import tempfile

from browser import Browser, find_browser
from page_test import CHANGES
from report_page import SHORT_OMNIGLOT, changed_page, check, finish, open_page, train

WORST = ("serious", "critical")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    axe = pathlib.Path(os.environ.get("KINDRED_AXE", ""))
    program = find_browser()
    if not axe.is_file() or not program:
        print("page_access_test: skipped: " + ("there is no Chromium" if not program else
                                               "KINDRED_AXE names no axe.min.js (npm install axe-core@4.10.3)"))
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="kindred_page_") as name, Browser(program) as browser:
        folder = pathlib.Path(name)
        pages = [train(sys.argv[1], sys.argv[2], folder / "run", **SHORT_OMNIGLOT)]
        for change in CHANGES:
            pages.append(changed_page(pages[0], folder / f"{change.__name__}.html", change))
        for page in pages:
            for width, scheme in ((1400, "light"), (390, "dark")):
                browser.size(width, 900)
                browser.color_scheme(scheme)
                open_page(browser, page, quiet=True)
                browser.value("document.querySelectorAll('details').forEach((one) => (one.open = true))")
                browser.rest()
                browser.value(axe.read_text() + "; 0")
                found = json.loads(browser.value("axe.run(document).then((result) => JSON.stringify(result.violations.map("
                                                 "(one) => [one.id, one.impact, one.nodes.map((node) => node.html.slice(0, 120))])))"))
                for rule, impact, nodes in found:
                    print(f"{page.name} at {width}, {scheme}: {impact}: {rule}: {nodes[:2]}")
                    check(impact not in WORST, f"{page.name} at {width}, {scheme}: {impact}: {rule}: {nodes[:3]}")
    finish("page_access_test")


if __name__ == "__main__":
    main()
