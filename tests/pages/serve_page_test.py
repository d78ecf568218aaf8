#!/usr/bin/env python3
"""Uses the page of `kindred serve` in a headless Chromium: choose a picture, see matches, enroll it, find it again, remove it,
by keyboard alone and on a phone's width; compare two; both colour schemes; names that would be markup; nothing from elsewhere.

usage: serve_page_test.py KINDRED [--screenshots FOLDER]

Without a Chromium it says so and exits 77, which ctest shows as skipped.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scripts"))
from browser import Browser, find_browser  # noqa: E402
from served import Server, make_model, png  # noqa: E402

HOSTILE = "</li><img src=x onerror=\"window.broken=1\">"
KEYS = {"Tab": 9, "Enter": 13, " ": 32}

faults = []


def check(right, text):
    if not right:
        faults.append(text)
        print(f"serve_page_test: WRONG: {text}", file=sys.stderr)


class ServedPage(Browser):
    """A page that is used by keys; file choosers are answered in place of the system's."""

    def __init__(self, program, server):
        self.chooser = None
        super().__init__(program)
        self.server = server
        self.call("DOM.enable")
        self.call("Page.setInterceptFileChooserDialog", enabled=True)

    def look_at(self, method, parameters):
        super().look_at(method, parameters)
        if method == "Page.fileChooserOpened":
            self.chooser = parameters["backendNodeId"]

    def key(self, name):
        text = {"Enter": "\r", " ": " "}.get(name)
        more = {"text": text} if text else {}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", key=name, code="Space" if name == " " else name,
                  windowsVirtualKeyCode=KEYS[name], **more)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=name, code=name, windowsVirtualKeyCode=KEYS[name])

    def tab_to(self, wanted):
        """Presses Tab until the element with the id, or of the class, has the focus."""
        for _ in range(60):
            if self.value("document.activeElement.id + ' ' + document.activeElement.className").split().count(wanted):
                return
            self.key("Tab")
        check(False, f"Tab does not come to {wanted}")

    def wait_until(self, expression, what):
        for _ in range(500):
            if self.value(expression):
                return
            time.sleep(0.02)
        check(False, f"{what}; the page says: {self.value('document.body.innerText')[:400]!r}")

    def choose(self, field, path):
        """A file, by keys."""
        self.tab_to(field)
        self.chooser = None
        self.key("Enter")
        for _ in range(100):
            if self.chooser is not None:
                break
            self.value("1")
            time.sleep(0.02)
        if self.chooser is None:
            return check(False, f"Enter on {field} opens no chooser")
        self.call("DOM.setFileInputFiles", files=[str(path)], backendNodeId=self.chooser)

    def start(self):
        self.open(f"http://{self.server.host}/")
        self.wait_until("'ready' in document.documentElement.dataset", "the page does not become ready")

    def check_calm(self, where):
        check(not self.complaints, f"{where}: the console says {self.complaints[:3]}")
        outside = [url for url in self.requests if not url.startswith((f"http://{self.server.host}/", "blob:", "data:"))]
        check(not outside, f"{where}: asks for {outside[:3]}")
        check(not self.value("window.broken || false"), f"{where}: a name became script")

    def check_width(self, width, where):
        wide = self.value("document.documentElement.scrollWidth")
        check(wide <= width, f"{where} is {wide} pixels wide on a screen of {width}")


MATCHES = "document.querySelectorAll('#matches li').length"
FIRST = "document.querySelector('#matches .who').textContent"
ANSWERED = "!document.documentElement.dataset.busy && !document.getElementById('answer').hidden"


def enroll_and_find(page, folder):
    """Someone who is not in the gallery yet, by keys."""
    new = folder / "new.png"
    new.write_bytes(png(50, 40))
    page.choose("file", new)
    page.wait_until(ANSWERED, "no answer appears")
    check(page.value(MATCHES) == 10, f"{page.value(MATCHES)} matches are shown, not 10")
    check(page.value("document.querySelectorAll('#matches img.face').length") == 10, "matches have no pictures")
    page.wait_until("[...document.querySelectorAll('#matches img')].every((one) => one.complete && one.naturalWidth > 0)",
                    "thumbnails do not appear")
    page.tab_to("name")
    page.key("Enter")
    page.wait_until("document.getElementById('message').textContent.includes('name first')", "no name is no matter")
    page.call("Input.insertText", text="Ada Ω")
    page.key("Enter")
    page.wait_until("document.getElementById('message').textContent === 'Added as Ada Ω.'", "it is not added")
    check(page.value(FIRST) == "Ada Ω", "what was added is not found first")
    check("Ada Ω" in page.value("document.getElementById('verdict').textContent"), "who it is is not said")
    check(page.value("document.querySelector('#matches .score').textContent").startswith("1.000"), "its score is not 1")
    # The gallery is another: found again after the page is loaded anew, under a name that would be markup.
    page.start()
    page.choose("file", new)
    page.wait_until(ANSWERED, "no answer appears")
    check(page.value(FIRST) == "Ada Ω", "it is not found again")
    page.tab_to("name")
    page.call("Input.insertText", text=HOSTILE)
    page.key("Enter")
    page.wait_until("document.getElementById('message').textContent.includes('already')", "twice is no matter")


def remove(page):
    before = page.value("document.getElementById('about').textContent")
    page.tab_to("remove")
    page.key("Enter")
    check(page.value(FIRST) == "Ada Ω", "one press removes")
    check(page.value("document.activeElement.textContent") == "Sure?", "nobody is asked again")
    page.key("Enter")
    page.wait_until("document.getElementById('message').textContent === 'The picture is removed.'", "it is not removed")
    check(page.value(FIRST) != "Ada Ω", f"it is still there ({before})")


def hostile_name(page, folder):
    other = folder / "other.png"
    other.write_bytes(png(33, 44))
    page.choose("file", other)
    page.wait_until(ANSWERED, "no answer appears")
    page.tab_to("name")
    page.call("Input.insertText", text=HOSTILE)
    page.key("Enter")
    page.wait_until("document.getElementById('message').textContent.startsWith('Added')", "it is not added")
    check(page.value(FIRST) == HOSTILE, "a name is not shown as it is")
    check(page.value("document.getElementById('names').lastElementChild !== null"), "names are not offered")


def broken_picture(page, folder):
    broken = folder / "broken.png"
    broken.write_bytes(b"no picture")
    page.choose("file", broken)
    page.wait_until("document.getElementById('message').className === 'wrong'", "a broken picture is no matter")
    check("is no image" in page.value("document.getElementById('message').textContent"), "what is wrong is not said")
    # The browser tells of the 422 by itself.
    page.complaints[:] = [one for one in page.complaints if "422" not in one]


def compare(page, folder):
    page.choose("file-a", folder / "new.png")
    page.choose("file-b", folder / "other.png")
    page.wait_until("document.getElementById('same').textContent.includes('core')", "two pictures are not compared")


def take_screenshots(page, folder, name):
    for width in (1200, 390):
        for scheme in ("light", "dark"):
            page.size(width, 900)
            page.color_scheme(scheme)
            page.rest()
            page.screenshot(str(folder / f"serve-{name}-{width}-{scheme}.png"))
    page.size(1200, 900)
    page.color_scheme("light")


def use(page, folder, screenshots):
    for width in (1200, 390):
        page.size(width, 900)
        page.start()
        page.check_width(width, "the page")
        enroll_and_find(page, folder)
        page.check_width(width, "the answer")
        if screenshots and width == 1200:
            take_screenshots(page, screenshots, "found")
        page.size(width, 900)
        page.check_calm("finding")
        remove(page)
        hostile_name(page, folder)
        compare(page, folder)
        page.check_width(width, "the comparison")
        page.check_calm("comparing")
        if screenshots and width == 1200:
            take_screenshots(page, screenshots, "compared")
        page.size(width, 900)
        page.start()
        broken_picture(page, folder)
        page.check_calm("a broken picture")
        page.start()
        page.choose("file", folder / "other.png")
        page.wait_until(ANSWERED, "no answer appears")
        remove_hostile(page)
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    page.color_scheme("light")
    light = page.value(ground)
    page.color_scheme("dark")
    check(page.value(ground) != light, "the page does not follow the system to dark")


def remove_hostile(page):
    page.tab_to("remove")
    page.key("Enter")
    page.key("Enter")
    page.wait_until("document.getElementById('message').textContent === 'The picture is removed.'", "it is not removed")


def without_gallery(program, kindred, model, folder, screenshots):
    server = Server(kindred, model)
    with ServedPage(program, server) as page:
        page.start()
        check(page.value("document.getElementById('ask').hidden"), "what needs a gallery is offered without one")
        compare(page, folder)
        page.check_calm("without a gallery")
        if screenshots:
            take_screenshots(page, screenshots, "without")
    server.end()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kindred", type=lambda name: str(pathlib.Path(name).resolve()))
    parser.add_argument("--screenshots", type=pathlib.Path)
    options = parser.parse_args()
    program = find_browser()
    if not program:
        print("serve_page_test: skipped: there is no Chromium here")
        sys.exit(77)
    if options.screenshots:
        options.screenshots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kindred_serve_page_") as name:
        folder = pathlib.Path(name)
        model = make_model(options.kindred, folder)
        subprocess.run([options.kindred, "gallery", "new", "g.db", model, "pictures", "--quiet"], cwd=folder, check=True)
        server = Server(options.kindred, model, "--gallery", folder / "g.db")
        with ServedPage(program, server) as page:
            use(page, folder, options.screenshots)
        check(server.end() == 0, "the server does not end well")
        without_gallery(program, options.kindred, model, folder, options.screenshots)
    if faults:
        sys.exit(f"serve_page_test: {len(faults)} faults")
    print("serve_page_test: nothing found")


if __name__ == "__main__":
    main()
