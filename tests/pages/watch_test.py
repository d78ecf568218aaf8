#!/usr/bin/env python3
"""`kindred report --watch` beside a run: its page follows the log and shows the newest model's neighbours, other hosts'
names are refused, a killed run is told and followed when it is resumed, and the end of the run ends it.

usage: watch_test.py KINDRED RECIPE

Without a Chromium it says so and exits 77, which ctest shows as skipped.
"""
import http.client
import json
import pathlib
import signal
import subprocess
import tempfile
import time

from browser import Browser, find_browser
from report_page import check, finish, started_with

PATIENCE = 120  # seconds, for what comes soon: another's load must not fail the test


def until(done, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = done()
        if value:
            return value
        time.sleep(0.1)
    check(False, f"not within {PATIENCE} s: {what}")
    return None


def ask(address, path, method="GET", **head):
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request(method, path, headers=head)
    reply = connection.getresponse()
    return reply.status, reply.read(), dict(reply.getheaders())


def start_training(program, recipe, run, *more):
    settings = ["model.widths=[8, 8, 8, 8]", "train.epochs=1000", "train.planned_steps=100000", "train.evaluate_every=0",
                "train.checkpoint_every=20"]
    return subprocess.Popen([program, "train", recipe, "--quiet", "--out", str(run), *more,
                             *(part for text in settings for part in ("--set", text))], stderr=subprocess.DEVNULL)


def last_step(run):
    log = run / "metrics.jsonl"
    lines = log.read_text().splitlines() if log.exists() else []
    steps = [json.loads(line)["step"] for line in lines if line.endswith("}")]
    return max(steps, default=0)


def check_hosts(address):
    port = address.split(":")[1]
    for host, status in ((address, 200), (f"localhost:{port}", 200), ("example.org", 403), (f"example.org:{port}", 403),
                         ("127.0.0.1:1", 403)):
        check(ask(address, "/", Host=host)[0] == status, f"Host {host} is not answered with {status}")
    check(ask(address, "/live", Origin="http://example.org")[0] == 403, "another site's page may ask")
    check(ask(address, "/", method="POST")[0] == 405, "POST is answered")
    check(ask(address, "/../recipe.toml")[0] == 404, "something besides the page is served")


def check_page(browser, address, run):
    state = "document.getElementById('live').dataset"
    browser.open(f"http://{address}/")
    until(lambda: browser.value(f"Number({state}.step || 0)") > 0, "a step on the page")
    first = browser.value(f"Number({state}.step || 0)")
    until(lambda: browser.value(f"Number({state}.step || 0)") > first, "a later step on the page")
    check(browser.value("document.querySelectorAll('#training .chart path.line').length") >= 2, "there are no curves")
    browser.value("document.querySelector('#training details').open = true; 0")
    before = browser.value(f"Number({state}.step || 0)")
    until(lambda: browser.value(f"Number({state}.step || 0)") > before, "a third step")
    check(browser.value("document.querySelector('#training details').open"), "what was unfolded does not stay so")
    check(browser.value("document.querySelectorAll('main > section').length") ==
          browser.value("new Set([...document.querySelectorAll('main > section')].map((one) => one.id)).size"),
          "a section stands twice")
    check(not browser.complaints, f"the console says {browser.complaints[:3]}")
    outside = [url for url in browser.requests if not url.startswith((f"http://{address}/", "blob:", "data:"))]
    check(not outside, f"the page asks for {outside[:3]}")


def main():
    program, recipe = started_with("watch_test", __doc__)
    with tempfile.TemporaryDirectory(prefix="kindred_page_") as name:
        run = pathlib.Path(name) / "run"
        training = start_training(program, recipe, run)
        watch = None
        try:
            until(lambda: last_step(run) >= 2, "the second step in the log")
            watch = subprocess.Popen([program, "report", str(run), "--watch", "--json", "-"], stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True)
            lines = []
            while not "".join(lines).rstrip().endswith("}"):
                lines.append(watch.stdout.readline())
            address = json.loads("".join(lines))["address"]
            check(address.startswith("127.0.0.1:"), f"{address} is not of this machine alone")
            check_hosts(address)
            with Browser(find_browser()) as browser:
                browser.size(1400, 900)
                check_page(browser, address, run)
            live = lambda have=0: json.loads(ask(address, f"/live?have={have}")[1])
            check(live()["state"] == "running", f"a run that goes on is said to be {live()['state']}")

            training.kill()  # as the system's memory guard does
            training.wait()
            step = last_step(run)
            until(lambda: live()["state"] == "stopped", "that the killed run has stopped")
            until(lambda: live()["step"] == step, f"step {step}, the last one in the log")
            said = ""
            for line in watch.stderr:
                said += line
                if "its process was killed" in line:  # it looks twice a second
                    break
            check(watch.poll() is None, "a killed run ends the watching")
            before = live()["step"]
            training = start_training(program, recipe, run, "--resume")
            until(lambda: live()["state"] == "running" and live()["step"] > before, "the resumed run's steps")
            for line in watch.stderr:
                said += line
                if "the run goes on" in line:
                    break

            training.send_signal(signal.SIGINT)  # ends in order, with a model
            training.wait()
            until(lambda: watch.poll() is not None, "the end of the watching with the run")
            check(watch.returncode == 0, f"the watching ends with {watch.returncode}")
            said += watch.stderr.read()
            for words in ("watched at http://", "its process was killed; the page waits for", "the run goes on", "has ended"):
                check(words in said, f"it does not say {words!r} but {said!r}")
            late = subprocess.run([program, "report", str(run), "--watch"], capture_output=True, text=True)
            check(late.returncode == 0 and "has ended" in late.stderr, f"of a run that has ended it says {late.stderr!r}")
        finally:
            for process in (training, watch):
                if process and process.poll() is None:
                    process.kill()
    finish("watch_test")


if __name__ == "__main__":
    main()
