"""A `kindred serve` of a small model, and what asks it byte by byte: for serve_test.py and tests/pages."""
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import zlib
from pathlib import Path

from place import RECIPE, expect, faults  # noqa: F401


def png(width, height, rows=None):
    """A grey PNG; rows in place of those it says it has."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    if rows is None:
        rows = b"".join(b"\0" + bytes((x * y) % 251 for x in range(width)) for y in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


PICTURE = png(40, 30)


class Server:
    def __init__(self, kindred, *words):
        self.process = subprocess.Popen([kindred, "serve", *map(str, words), "--listen", "127.0.0.1:0"], text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        line = self.process.stderr.readline()
        found = re.search(r"serving on http://127\.0\.0\.1:(\d+)", line)
        if not found:
            sys.exit(f"serve_test: the server says: {line}{self.process.stderr.read()}")
        self.port = int(found[1])
        self.host = f"127.0.0.1:{self.port}"
        self.said = []
        self.reading = threading.Thread(target=lambda: self.said.extend(self.process.stderr))
        self.reading.start()

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def end(self):
        """Its exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self.reading.join()
        return code

    def memory(self):
        """Of it and the processes that decode, in bytes, without what files are mapped; what they share counts once."""
        total = 0
        for process in [self.process.pid, *self.children()]:
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
            total += int(re.search(r"^Pss_Anon: +(\d+) kB", text, re.M)[1]) << 10
        return total

    def children(self):
        text = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True).stdout
        return [int(word) for word in text.split()]

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def request(self, method="POST", path="/v1/embed", body=PICTURE, fields=(), host=None, kind="image/png"):
        head = [f"{method} {path} HTTP/1.1", f"Host: {host or self.host}", *fields]
        if body is not None:
            head += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
        return "\r\n".join(head).encode() + b"\r\n\r\n" + (body or b"")

    def form(self, parts, boundary="b", end=b"--b--\r\n"):
        body = b"".join(b"--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"x.png\"\r\n\r\n" + part + b"\r\n"
                        for part in parts) + end
        return self.request(body=body, kind=f"multipart/form-data; boundary={boundary}")

    def replies(self, data, ends=True):
        """Statuses of all answers to these bytes, until the server closes; the last answer's body."""
        with self.connect() as connection:
            try:
                connection.sendall(data)
                if ends:
                    connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it has heard enough
            return read_replies(connection)


def read_replies(connection):
    text = b""
    try:
        while part := connection.recv(1 << 16):
            text += part
    except OSError:
        pass
    statuses, body = [], b""
    while text:
        head, _, rest = text.partition(b"\r\n\r\n")
        found = re.match(rb"HTTP/1\.1 (\d{3}) ", head)
        if not found:
            return [*statuses, f"nonsense {text[:60]}"], body
        length = int((re.search(rb"(?i)content-length: (\d+)", head) or [0, 0])[1])
        body, text = rest[:length], rest[length:]
        statuses.append(int(found[1]))
    return statuses, body


def make_model(kindred, folder, *settings):
    for c in range(8):
        (folder / f"pictures/class{c}").mkdir(parents=True)
        for i in range(4):
            (folder / f"pictures/class{c}/{i}.png").write_bytes(
                png(20, 20, b"".join(b"\0" + bytes((c * 31 + i * 7 + x * y) % 251 for x in range(20)) for y in range(20))))
    (folder / "recipe.toml").write_text(RECIPE)
    for words in (["import", "pictures", "data.h5", "--size", "16", "--grey", "--quiet"],
                  ["train", "recipe.toml", "--out", "run", "--quiet", *settings]):
        subprocess.run([kindred, *words], cwd=folder, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    return folder / "run/model.kindred"
