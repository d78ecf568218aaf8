"""What the tests of report pages share: runs to report on, pages with other data, and what holds for every page."""
import json
import re
import subprocess
import sys
import time

from browser import find_browser

DATA = re.compile(r'(<script type="application/json" id="data">)(.*?)(</script>)', re.S)

faults = []


def check(right, text):
    if not right:
        faults.append(text)
        print(f"WRONG: {text}", file=sys.stderr)
    return right


def finish(name):
    print(f"{name}: " + (f"{len(faults)} faults" if faults else "the pages are as they should be"))
    sys.exit(1 if faults else 0)


def started_with(script, what):
    """Program and recipe of the command line; the end of a script that has no browser."""
    if len(sys.argv) != 3:
        sys.exit(what)
    if not find_browser():
        print(f"{script}: skipped: there is no Chromium (Debian: chromium-headless-shell)")
        sys.exit(77)
    return sys.argv[1:]


def kindred(program, *arguments):
    done = subprocess.run([str(program), *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"kindred {' '.join(map(str, arguments))}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def train(program, recipe, run, **settings):
    """A short run; settings as architecture="..." for model.architecture: with "__" for the dot."""
    parts = [f"{key.replace('__', '.')}={value}" for key, value in settings.items()]
    kindred(program, "train", recipe, "--quiet", "--out", run, *(part for text in parts for part in ("--set", text)))
    return run / "report.html"


SHORT_OMNIGLOT = {"model__widths": "[8, 8, 8, 8]", "train__epochs": 1000, "train__planned_steps": 12,
                  "train__evaluate_every": 0}


def data_of(page):
    return json.loads(DATA.search(page.read_text())[2])


def changed_page(page, path, change):
    """The same page with other data; written as the library writes it, without a "<"."""
    text = page.read_text()
    data = json.loads(DATA.search(text)[2])
    change(data)
    safe = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    path.write_text(DATA.sub(lambda match: match[1] + safe + match[3], text, count=1))
    return path


def open_page(browser, page, quiet=False):
    browser.open(page.as_uri())
    for _ in range(500):
        if browser.value("'ready' in document.documentElement.dataset"):
            break
        time.sleep(0.02)
    ready = browser.value("document.documentElement.dataset.ready || ''")
    check(ready, f"{page.name} was not drawn to its end")
    # Times depend on what else the machine does: they are told, not judged.
    if not quiet:
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


# Texts of charts and of the page that lie over one another, as "one | other".
OVERLAPS = """(() => {
  const boxes = [];
  for (const svg of document.querySelectorAll('.chart svg')) {
    const texts = [...svg.querySelectorAll('text')].map((node) => ({ text: node.textContent, box: node.getBoundingClientRect() }));
    texts.forEach((one, i) => texts.slice(i + 1).forEach((other) => {
      const wide = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
      const high = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
      if (wide > 1 && high > 3) boxes.push(one.text + ' | ' + other.text);
    }));
  }
  return boxes;
})()"""


def check_overlaps(browser, page, width):
    found = browser.value(OVERLAPS)
    check(not found, f"{page.name} at {width}: texts lie over one another: {found[:5]}")


# Texts whose colour has less than 4.5 times the luminance of what they stand on (WCAG 2.2, 1.4.3), as strings.
CONTRASTS = """(() => {
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const part = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const color = numbers(getComputedStyle(node).backgroundColor);
      if (color.length < 4 || color[3] > 0.99) return color;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const node = text.parentElement;
    if (!text.textContent.trim() || node.closest('script, style, noscript, :disabled')) continue;
    if (node.getClientRects().length === 0 || getComputedStyle(node).visibility === 'hidden') continue;
    const style = getComputedStyle(node);
    const color = numbers(node instanceof SVGElement ? style.fill : style.color);
    const [one, other] = [luminance(color), luminance(ground(node))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5) found.push(contrast.toFixed(2) + ' "' + text.textContent.trim().slice(0, 30) + '" .' + node.getAttribute('class'));
  }
  return [...new Set(found)];
})()"""


def check_contrast(browser, page, scheme):
    browser.value("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    browser.rest()
    found = browser.value(CONTRASTS)
    check(not found, f"{page.name}, {scheme}: contrast below 4.5: {found[:6]}")
