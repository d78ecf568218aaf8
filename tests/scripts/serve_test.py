#!/usr/bin/env python3
"""A server among people who mean it no good: serve_test.py KINDRED [--requests 3000]. Truncated bodies, wrong lengths, slow
senders, endless heads, image bombs, broken forms, path tricks, foreign Hosts and Origins, wrong tokens: each gets the status
that says why, who is well-behaved is answered meanwhile, and neither memory nor descriptors grow. SIGTERM answers what was
asked. Addresses are 127.0.0.1 alone.
"""
import argparse
import collections
import json
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from served import PICTURE, Server, expect, faults, make_model, png, read_replies

TOKEN = "correct-horse-battery-staple"
MOST_GROWTH = 16 << 20  # bytes of server and decoders, from a tenth of the requests on

BOMBS = [png(100000, 100000, b""), png(65535, 65535, b"\0" * 1000), png(2**31 - 1, 1, b""),
         PICTURE[:200], PICTURE[:-30], b"P5 99999999 99999999 255\n", b"P2 3 3 255 1 2", b"\xff\xd8\xff\xe0" + b"\0" * 500,
         b"BM" + b"\xff" * 100, b"RIFF\xff\xff\xff\xffWEBPVP8 " + b"\xff" * 50, b"GIF89a" + b"\0" * 100, b"\0"]


def hostile(server, chance):
    """One request of bad faith: its name, its bytes, and the statuses that may answer it."""
    good = server.request()
    kinds = {
        "truncated body": lambda: (good[:-1 - chance.randrange(len(PICTURE) - 1)], [400]),
        "truncated head": lambda: (good[:1 + chance.randrange(good.index(b"\r\n\r\n"))], [400]),
        "length too short": lambda: (server.request(body=b"abc") + b"garbage behind it", [422, 400]),
        "length of 2 GB": lambda: (server.request(body=None, fields=[f"Content-Length: {2**31}"]), [413]),
        "length of 2^64": lambda: (server.request(body=None, fields=[f"Content-Length: {2**64 + 3}"]), [400]),
        "length -1": lambda: (server.request(body=None, fields=["Content-Length: -1"]), [400]),
        "two lengths": lambda: (server.request(body=b"abc", fields=["Content-Length: 1"]), [400]),
        "length and chunks": lambda: (server.request(body=b"0\r\n\r\n", fields=["Transfer-Encoding: chunked"]), [400]),
        "no length": lambda: (server.request(body=None), [411]),
        "chunk of 4 GB": lambda: (server.request(body=None, fields=["Transfer-Encoding: chunked"]) + b"ffffffff\r\nabc", [413]),
        "chunk of no number": lambda: (server.request(body=None, fields=["Transfer-Encoding: chunked"]) + b"zz\r\nabc", [400]),
        "chunk without end": lambda: (server.request(body=None, fields=["Transfer-Encoding: chunked"]) + b"3\r\nab", [400]),
        "long head": lambda: (server.request(fields=["X: " + "a" * chance.randrange(17000, 90000)]), [431]),
        "many fields": lambda: (server.request(fields=["X: a"] * 5000), [431]),
        "long target": lambda: (server.request("GET", "/" + "a" * 30000, None), [431]),
        "garbage": lambda: (chance.randbytes(chance.randrange(1, 2000)) + b"\r\n\r\n", [400, 431]),
        "unknown method": lambda: (server.request(chance.choice(["PUT", "PATCH", "BREW", "OPTIONS"])), [405]),
        "path": lambda: (server.request("GET", chance.choice(
            ["/../../etc/passwd", "/%2e%2e/etc/passwd", "//v1/embed", "/v1/../v1/embed", "/v1/gallery/1e9", "/v1/gallery/-1",
             "/page.js/..", "/v1/gallery/99999999999999999999"]), None), [404]),
        "absolute target": lambda: (server.request("GET", f"http://{server.host}/", None), [400]),
        "no such picture": lambda: (server.request("DELETE", f"/v1/gallery/{chance.randrange(10**6, 10**17)}", None), [404]),
        "nothing to add": lambda: (server.request(path="/v1/gallery?identity=x", body=chance.choice(BOMBS)), [422]),
        "name of two lines": lambda: (server.request(path="/v1/gallery?identity=a%0Ab"), [400]),
        "search for a bomb": lambda: (server.request(path=chance.choice(["/v1/find", "/v1/identify"]), body=chance.choice(BOMBS)), [422]),
        "too many matches": lambda: (server.request(path="/v1/find?top=1000000"), [400]),
        "search": lambda: (server.request(path=chance.choice(["/v1/find?top=3", "/v1/identify"])), [200]),
        "broken query": lambda: (server.request(path="/v1/embed?a=%zz"), [400]),
        "unknown setting": lambda: (server.request(path="/v1/embed?a=1"), [400]),
        "foreign host": lambda: (server.request(host=chance.choice(["evil.example", f"evil.example:{server.port}"])), [403]),
        "two hosts": lambda: (server.request(fields=["Host: evil.example"]), [400]),
        "foreign origin": lambda: (server.request(fields=["Origin: " + chance.choice(["null", "https://evil.example"])]), [403]),
        "other type": lambda: (server.request(kind="application/json"), [415]),
        "no picture": lambda: (server.request(body=b""), [400]),
        "form without its boundary": lambda: (server.form([PICTURE], boundary="c"), [400]),
        "form without an end": lambda: (server.form([PICTURE], end=b""), [400]),
        "form of nothing": lambda: (server.form([]), [400]),
        "form of 300": lambda: (server.form([b"x"] * 300), [400, 413]),
        "form cut somewhere": lambda: (server.request(
            body=server.form([PICTURE]).split(b"\r\n\r\n", 1)[1][:chance.randrange(1, len(PICTURE))],
            kind="multipart/form-data; boundary=b"), [400]),
        "image bomb": lambda: (server.request(body=chance.choice(BOMBS)), [422]),
        "more than it says": lambda: (server.request(body=png(9, 9, b"\0" * 10**6)), [200]),
        "damaged picture": lambda: (server.request(body=damaged(PICTURE, chance)), [200, 422]),
        "form of good and bad": lambda: (server.form([PICTURE, chance.choice(BOMBS)]), [200]),
        "unknown expectation": lambda: (server.request(fields=["Expect: the-unexpected"]), [417]),
    }
    name = chance.choice(list(kinds))
    return name, *kinds[name]()


def damaged(file, chance):
    changed = bytearray(file)
    for _ in range(chance.randrange(1, 5)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def ask_badly(server, count, seed, tally):
    chance = random.Random(seed)
    for _ in range(count):
        if chance.random() < 0.02:  # leaves without a word
            with server.connect() as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.sendall(server.request()[:chance.randrange(1, 200)])
            tally["leaves"] += 1
            continue
        name, data, right = hostile(server, chance)
        statuses, _ = server.replies(data)
        tally[name] += 1
        # What follows a refusal is not read; what follows an answer may be.
        well = statuses and all(status in right for status in statuses)
        if not expect(well, f"{name}: expected {right}, found {statuses}:", data[:200]):
            return


def embedding_of(server):
    statuses, body = server.replies(server.request(fields=["Connection: close"]))
    return statuses == [200] and json.loads(body)["pictures"][0]["embedding"]


def crowd(server, requests):
    """Many at once, while one asks as it should."""
    first = embedding_of(server)
    expect(first, "the first picture has no embedding")
    tally = collections.Counter()
    threads = [threading.Thread(target=ask_badly, args=(server, requests // 16 + 1, seed, tally)) for seed in range(16)]
    memory = descriptors = None
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        expect(embedding_of(server) == first, "a good request is not answered as before")
        if memory is None and tally.total() >= requests // 10:
            memory, descriptors = server.memory(), server.descriptors()
        time.sleep(0.02)
    expect(embedding_of(server) == first, "afterwards a picture has another embedding")
    time.sleep(0.5)
    after, left = server.memory(), server.descriptors()
    print(f"{tally.total()} requests of {len(tally)} kinds; memory {memory / 2**20:.1f} MiB after a tenth, {after / 2**20:.1f} MiB"
          f" after all; descriptors {descriptors}, {left}")
    expect(after - memory < MOST_GROWTH, f"memory grew from {memory} to {after}")
    expect(left <= 40, f"{left} descriptors are open")


def as_embed_does(kindred, model, folder):
    """The same bits as `kindred embed` of the same files, alone and among others."""
    files = sorted((folder / "pictures").rglob("*.png"))
    subprocess.run([kindred, "embed", model, folder / "pictures", "--out", folder / "e.npy", "--quiet"], check=True)
    bytes_of_file = (folder / "e.npy").read_bytes()
    floats = bytes_of_file[10 + struct.unpack("<H", bytes_of_file[8:10])[0]:]
    rows = [floats[i:i + 16] for i in range(0, len(floats), 16)]  # of 4 numbers
    server = Server(kindred, model)
    requests = [server.request(body=path.read_bytes()) for path in files] + [server.form([path.read_bytes() for path in files])]
    answers = [json.loads(server.replies(request)[1])["pictures"] for request in requests]
    for found in (sum(answers[:-1], []), answers[-1]):
        served = [struct.pack("<4f", *picture["embedding"]) for picture in found]
        expect(served == rows, "embeddings are not those of kindred embed")
    server.end()


def slow_senders(server, count):
    """A byte now and then does not keep a connection; others are served meanwhile."""
    connections = [server.connect() for _ in range(count)]
    half = server.request()[:-100]
    for i, connection in enumerate(connections):
        connection.sendall(half if i % 2 else b"POST /v1/embed HTTP/1.1\r\nX: ")
    start, waited = time.monotonic(), 0
    while time.monotonic() - start < 11.5:
        for connection in connections:
            try:
                connection.send(b"a")
            except OSError:
                pass
        asked = time.monotonic()
        expect(embedding_of(server), "slow senders keep others from being served")
        waited = max(waited, time.monotonic() - asked)
        time.sleep(0.25)
    for i, connection in enumerate(connections):
        statuses, _ = read_replies(connection)
        expect(statuses in ([408], []) and (i > 0 or statuses), "a slow sender gets", statuses)  # [] where its bytes met the end
        connection.close()
    print(f"{count} slow senders; others waited {waited:.2f} s at most")


def drains(kindred, model):
    server = Server(kindred, model)
    data = server.request()
    with server.connect() as begun, server.connect() as idle:
        begun.sendall(data[:-10])
        expect(server.replies(server.request("GET", "/healthz", None))[0] == [200], "the server is not up")
        server.process.send_signal(signal.SIGTERM)
        expect(read_replies(idle)[0] == [], "an idle connection is answered")
        begun.sendall(data[-10:])
        expect(read_replies(begun)[0] == [200], "what was begun before SIGTERM is not answered")
    code = server.process.wait(60)
    expect(code == 0, f"SIGTERM: exit code {code}")
    server.reading.join()
    try:
        server.connect().close()
        expect(False, "it listens after its end")
    except OSError:
        pass


def with_token(kindred, model, folder):
    (folder / "token").write_text(TOKEN + "\n")
    (folder / "token").chmod(0o600)
    server = Server(kindred, model, "--token-file", folder / "token", "--log")
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
        for path in ("/", "/page.js", "/metrics", "/openapi.json", "/v1/model", "/v1/embed", "/v1/gallery/1", "/other"):
            for fields in ([], ["Authorization: Bearer wrong"], ["Authorization: Basic eDp3cm9uZw=="]):
                statuses, _ = server.replies(server.request(method, path, None, fields))
                expect(statuses == [401], f"{method} {path} {fields}: {statuses}")
    expect(server.replies(server.request("GET", "/healthz", None))[0] == [200], "/healthz needs a token")
    right = [f"Authorization: Bearer {TOKEN}"]
    expect(server.replies(server.request(fields=right))[0] == [200], "the token does not open")
    expect(server.replies(server.request("GET", "/", None, right))[0] == [200], "the token does not open the page")
    expect(server.end() == 0, "a server with a token does not end well")
    lines = [json.loads(line) for line in server.said]
    expect(lines and all(TOKEN not in line for line in server.said), "the log has the token, or nothing")
    expect({"time", "method", "route", "status", "milliseconds"} <= set(lines[0]), "the log has no such line:", lines[0])


def with_gallery(kindred, model, folder):
    """Added, found, told apart, removed; what another process adds is found, too."""
    gallery = folder / "g.db"
    subprocess.run([kindred, "gallery", "new", gallery, model, "--quiet"], check=True)
    server = Server(kindred, model, "--gallery", gallery, "--log")

    def ask(method, path, body=PICTURE):
        statuses, text = server.replies(server.request(method, path, body))
        return statuses, json.loads(text) if text else {}

    expect(ask("POST", "/v1/find") == ([200], {"pictures": [{"matches": []}]}), "an empty gallery has matches")
    statuses, added = ask("POST", "/v1/gallery?identity=Ada%20Lovelace")
    place = added["pictures"][0]
    expect(statuses == [200] and not place["was_there"], "it is not added:", added)
    expect(ask("POST", "/v1/gallery?identity=Ada")[1]["pictures"][0] ==
           {"id": place["id"], "was_there": True, "identity": "Ada Lovelace"},
           "the same picture is added twice")
    statuses, found = ask("POST", "/v1/find?top=1")
    match = found["pictures"][0]["matches"][0]
    expect(match["id"] == place["id"] and match["identity"] == "Ada Lovelace" and abs(match["score"] - 1) < 1e-6 and
           match["thumbnail"], "it is not found:", found)
    expect(ask("POST", "/v1/identify")[1]["pictures"][0]["nearest"] == "Ada Lovelace", "nobody is known")
    statuses, thumbnail = server.replies(server.request("GET", f"/v1/gallery/{place['id']}/thumbnail", None))
    expect(statuses == [200] and thumbnail[:3] == b"\xff\xd8\xff", "it has no thumbnail")
    subprocess.run([kindred, "gallery", "add", gallery, folder / "pictures", "--quiet"], check=True)
    expect(ask("GET", "/v1/gallery", None)[1]["pictures"] == 33, "what another process added is not there")
    expect(len(ask("POST", "/v1/find?top=40")[1]["pictures"][0]["matches"]) == 33, "what another process added is not found")
    expect(ask("DELETE", f"/v1/gallery/{place['id']}", None) == ([200], {"removed": 1}), "it is not removed")
    expect(ask("DELETE", f"/v1/gallery/{place['id']}", None)[0] == [404], "it is removed twice")
    expect(ask("POST", "/v1/find?top=1")[1]["pictures"][0]["matches"][0]["id"] != place["id"], "it is found after its end")
    expect(server.end() == 0, "a server with a gallery does not end well")
    expect(not any("Ada" in line or "class0" in line for line in server.said), "the log has names")
    left = b"".join(path.read_bytes() for path in folder.glob("g.db*"))
    expect(b"Ada Lovelace" not in left and thumbnail not in left, "what was removed is in the file")
    return gallery


def refusals(kindred, model, folder):
    """What it does not start with."""
    (folder / "short").write_text("short\n")
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    for words, code, said in (
            (["--listen", "0.0.0.0:0"], 64, "--token-file"),
            (["--listen", "[::]:0"], 64, "--token-file"),
            (["--listen", "example.org:80"], 64, "expected an IP address and a port"),
            (["--listen", f"127.0.0.1:{taken.getsockname()[1]}"], 64, "cannot listen"),
            (["--token-file", folder / "short"], 65, "expected one line"),
            (["--token-file", folder / "missing"], 66, "missing"),
            (["--batch-wait", "2"], 64, "--batch-wait"),
            (["--batch-wait", "nanms"], 64, "--batch-wait"),
            (["--max-body", "0"], 64, "--max-body")):
        done = subprocess.run([kindred, "serve", model, *map(str, words)], capture_output=True, text=True, timeout=60)
        expect(done.returncode == code and said in done.stderr, words, f"exit code {done.returncode}:", done.stderr)
    (folder / "other").mkdir()
    other = make_model(kindred, folder / "other", "--set", "seed=2")
    subprocess.run([kindred, "gallery", "new", folder / "other.db", other, "--quiet"], check=True)
    for name, code, said in ((folder / "other.db", 65, "another model"), (folder / "missing.db", 66, "missing.db"),
                             (folder / "short", 65, "is no gallery"), (model, 64, "model.kindred")):
        done = subprocess.run([kindred, "serve", model, "--gallery", name, "--listen", "127.0.0.1:0"], capture_output=True,
                              text=True, timeout=60)
        expect(done.returncode == code and said in done.stderr, f"{name}: exit code {done.returncode}:", done.stderr)
    for name, code in ((folder / "missing.kindred", 66), (folder / "short", 65)):
        done = subprocess.run([kindred, "serve", str(name), "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=60)
        expect(done.returncode == code, f"{name}: exit code {done.returncode}:", done.stderr)
    taken.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kindred", type=lambda name: str(Path(name).resolve()))
    parser.add_argument("--requests", type=int, default=3000, help="of bad faith")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kindred_serve_") as name:
        folder = Path(name)
        model = make_model(options.kindred, folder)
        refusals(options.kindred, model, folder)
        with_token(options.kindred, model, folder)
        drains(options.kindred, model)
        as_embed_does(options.kindred, model, folder)
        gallery = with_gallery(options.kindred, model, folder)
        server = Server(options.kindred, model, "--gallery", gallery, "--request-seconds", "3")
        crowd(server, options.requests)
        slow_senders(server, 100)
        expect(server.process.poll() is None, "the server is gone")
        expect(server.end() == 0, "the server does not end well")
        expect(not server.said, "the server says", server.said[:3])
    if faults:
        sys.exit(f"serve_test: {len(faults)} faults")
    print("serve_test: nothing found")


if __name__ == "__main__":
    main()
