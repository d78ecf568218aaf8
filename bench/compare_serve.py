#!/usr/bin/env python3
"""Pictures a second over HTTP: `kindred serve` against FastAPI, uvicorn, PyTorch and Pillow, in one run.

One operation is one JPEG of 96x96 sent to POST /v1/embed and its embedding of 128 numbers received as JSON: decode,
cut out the middle, resize, one network, on two cores. 32 connections ask as fast as they are answered, with one picture a
request or eight (multipart). The networks are
  reference  conv4: four 3x3 blocks of 64 channels, batch norm, ReLU, 2x2 max pool; 28x28x1 in
  lfw        that of datasets/lfw.toml: residual blocks of 64 to 256 channels; 48x48x1 in, float32
The other server is uvicorn with uvloop and httptools; the pictures of a request are one batch. By default it has what makes it
fastest here: a worker process a core, one PyTorch thread each, channels last, batch norms folded. With --peer usual it is
as such servers are mostly written: one process, PyTorch's own threads, the network as it was trained. What asks is one more process on
the same cores; beside pictures a second stand the CPU milliseconds a picture of server and children alone, and the times that
99 of 100 requests take at half of that load. With `kindred embed` of the same pictures beside it, the share of its CPU time
that HTTP leaves.

usage: compare_serve.py [--kindred PATH] [--network reference|lfw] [--seconds 8] [--repeats 3] [--peer tuned|usual] [--only kindred|peer]
needs, in a virtual environment: pip install torch fastapi 'uvicorn[standard]' pillow python-multipart numpy
"""
import argparse
import io
import json
import os
import re
import resource
import selectors
import shlex
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import comparison

CONNECTIONS = 32
PICTURES = 256
SHAPE = {"reference": 28, "lfw": 48}
CROP = {"reference": 96, "lfw": 80}
LAYERS = {"reference": 'architecture = "conv4"\nwidths = [64, 64, 64, 64]\nembedding = 128',
          "lfw": 'layers = ["conv 32 norm relu pool", "conv 64 norm relu residual 64 pool", "conv 128 norm relu residual 128'
                 ' pool", "conv 256 norm relu residual 256 pool", "flatten linear 128"]'}


def make_pictures(folder):
    """JPEGs with some of everything: planes, edges and noise, about 3 kB each."""
    random = np.random.default_rng(1)
    for i in range(PICTURES):
        coarse = random.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        pixels = np.asarray(Image.fromarray(coarse).resize((96, 96), Image.BICUBIC), dtype=np.float32)
        pixels = np.clip(pixels + random.normal(0, 6, pixels.shape), 0, 255).astype(np.uint8)
        path = folder / f"class{i % 8}" / f"{i}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(path, quality=88)
    return [path.read_bytes() for path in sorted(folder.rglob("*.jpg"))]


def make_model(kindred, folder, network):
    size = SHAPE[network]
    (folder / "recipe.toml").write_text(
        f'[data]\nfile = "data.h5"\n[sampler]\nclasses = 4\nsamples_per_class = 4\n[model]\n{LAYERS[network]}\nslice = 16\n'
        'precision = "float32"\n[[loss]]\nname = "softmax"\n[train]\nepochs = 1\nsteps = 2\n')
    for words in (["import", "pictures", "data.h5", "--crop", str(CROP[network]), "--size", str(size), "--grey"],
                  ["train", "recipe.toml", "--out", "run"]):
        subprocess.run([*kindred, *words, "--quiet"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder / "run/model.kindred"


def cpu_seconds(process):
    """Of a process and its children: those that live and those it has waited for."""
    ticks, todo = 0, [process]
    while todo:
        one = todo.pop()
        fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += sum(int(field) for field in fields[11:15])
        for task in Path(f"/proc/{one}/task").iterdir():
            todo += map(int, (task / "children").read_text().split())
    return ticks / os.sysconf("SC_CLK_TCK")


class Server:
    def __init__(self, command, port, environment=None):
        self.port = port
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        sys.exit(f"{command}: does not serve: {self.process.stderr.read()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def request_of(port, pictures):
    if len(pictures) == 1:
        kind, body = "image/jpeg", pictures[0]
    else:
        kind = "multipart/form-data; boundary=boundary"
        body = b"".join(b"--boundary\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.jpg\"\r\n"
                        b"Content-Type: image/jpeg\r\n\r\n" + one + b"\r\n" for one in pictures) + b"--boundary--\r\n"
    head = f"POST /v1/embed HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Connection:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.heard = b""
        self.asked = None  # when it should have been sent

    def ask(self, request, due):
        self.asked = due
        self.socket.sendall(request)

    def hear(self):
        """True when the answer is whole."""
        self.heard += self.socket.recv(1 << 18)
        end = self.heard.find(b"\r\n\r\n")
        if end < 0:
            return False
        length = int(re.search(rb"(?i)content-length: *(\d+)", self.heard[:end])[1])
        if len(self.heard) < end + 4 + length:
            return False
        if not self.heard.startswith(b"HTTP/1.1 200"):
            sys.exit(f"an answer is {self.heard[:300]}")
        self.heard = b""
        return True


def load(port, requests, seconds, rate=None):
    """Requests answered a second, and their times. Without a rate each connection asks again at once; with it requests are
    due at even times, and a late one has waited since then."""
    ready = selectors.DefaultSelector()
    connections = [Connection(port) for _ in range(CONNECTIONS)]
    for connection in connections:
        ready.register(connection.socket, selectors.EVENT_READ, connection)
    idle, times, sent = list(connections), [], 0
    start = time.perf_counter()
    while (now := time.perf_counter()) < start + seconds:
        while idle and (rate is None or start + sent / rate <= now):
            idle.pop().ask(requests[sent % len(requests)], now if rate is None else start + sent / rate)
            sent += 1
        wait = 0.1 if rate is None else max(0, min(0.1, start + sent / rate - now) if idle else 0.1)
        for key, _ in ready.select(wait):
            if key.data.hear():
                times.append(time.perf_counter() - key.data.asked)
                idle.append(key.data)
    answered, elapsed = len(times), time.perf_counter() - start
    while len(idle) < CONNECTIONS and time.perf_counter() < start + elapsed + 60:  # nothing is left for the next measurement
        for key, _ in ready.select(1):
            if key.data.hear():
                times.append(time.perf_counter() - key.data.asked)
                idle.append(key.data)
    for connection in connections:
        connection.socket.close()
    return answered / elapsed, sorted(times)


def measure(server, pictures, each, seconds):
    """Pictures a second, CPU milliseconds a picture, and p50 and p99 at half of the load."""
    groups = [pictures[i:i + each] for i in range(0, len(pictures) - each + 1, each)]
    requests = [request_of(server.port, group) for group in groups]
    load(server.port, requests, 1.5)  # warm
    before = cpu_seconds(server.process.pid)
    rate, times = load(server.port, requests, seconds)
    used = cpu_seconds(server.process.pid) - before
    if not times:
        sys.exit(f"no request was answered within {seconds} seconds")
    _, calm = load(server.port, requests, seconds, rate / 2)
    return rate * each, 1000 * used / (len(times) * each), 1000 * calm[len(calm) // 2], 1000 * calm[len(calm) * 99 // 100]


def embed_milliseconds(kindred, folder, model):
    """CPU time of `kindred embed` a picture: of sixteen folders' pictures less those of one."""
    def used(sources):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([*kindred, "embed", model, *sources, "--out", folder / "e.npy", "--quiet"], capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            sys.exit(f"kindred embed: {done.stderr.decode()}")
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    copies = []
    for i in range(16):
        copies.append(folder / f"copy{i}")
        copies[-1].symlink_to(folder / "pictures") if not copies[-1].exists() else None
    return 1000 * statistics.median(used(copies) - used(copies[:1]) for _ in range(3)) / (15 * PICTURES)


def make_network(name):
    def unit(src, dst):
        return [torch.nn.Conv2d(src, dst, 3, 1, 1, bias=False), torch.nn.BatchNorm2d(dst), torch.nn.ReLU(inplace=True)]

    class Residual(torch.nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.body = torch.nn.Sequential(*unit(channels, channels), *unit(channels, channels)[:2])

        def forward(self, x):
            return torch.nn.functional.relu(self.body(x) + x, inplace=True)

    layers = []
    if name == "reference":
        for src in (1, 64, 64, 64):
            layers += [*unit(src, 64), torch.nn.MaxPool2d(2)]
        layers += [torch.nn.Flatten(), torch.nn.Linear(64, 128)]
    else:
        layers = [*unit(1, 32), torch.nn.MaxPool2d(2)]
        for src, dst in ((32, 64), (64, 128), (128, 256)):
            layers += [*unit(src, dst), Residual(dst), torch.nn.MaxPool2d(2)]
        layers += [torch.nn.Flatten(), torch.nn.Linear(256 * 9, 128)]
    network = torch.nn.Sequential(*layers).eval()
    if os.environ["KINDRED_PEER"] == "usual":
        return network
    for module in list(network.modules()):
        if isinstance(module, torch.nn.Sequential):
            for i in range(len(module) - 1):
                if isinstance(module[i], torch.nn.Conv2d) and isinstance(module[i + 1], torch.nn.BatchNorm2d):
                    module[i] = torch.nn.utils.fusion.fuse_conv_bn_eval(module[i], module[i + 1])
                    module[i + 1] = torch.nn.Identity()
    return network.to(memory_format=torch.channels_last)


def make_peer():
    """The other server's application; uvicorn calls this in each worker."""
    import fastapi

    name = os.environ["KINDRED_PEER_NETWORK"]
    tuned = os.environ["KINDRED_PEER"] == "tuned"
    if tuned:
        torch.set_num_threads(1)
    network, size, crop = make_network(name), SHAPE[name], CROP[name]
    app = fastapi.FastAPI()

    def sample_of(data):
        picture = Image.open(io.BytesIO(data)).convert("L")
        left, top = (picture.width - crop) // 2, (picture.height - crop) // 2
        picture = picture.crop((left, top, left + crop, top + crop)).resize((size, size), Image.BILINEAR)
        return torch.from_numpy(np.array(picture, dtype=np.float32))

    @app.post("/v1/embed")
    async def embed(request: fastapi.Request):
        if request.headers["content-type"].startswith("multipart/"):
            files = [await file.read() for _, file in (await request.form()).multi_items()]
        else:
            files = [await request.body()]
        batch = torch.stack([sample_of(data) for data in files])[:, None].sub_(127.0).mul_(1 / 64.0)
        with torch.inference_mode():
            embeddings = network(batch.contiguous(memory_format=torch.channels_last) if tuned else batch)
        return {"pictures": [{"embedding": row} for row in embeddings.tolist()]}

    return app


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def start_kindred(options, model):
    port = free_port()
    return Server([*options.kindred, "serve", str(model), "--listen", f"127.0.0.1:{port}", "--quiet"], port)


def start_peer(options):
    port = free_port()
    workers = len(os.sched_getaffinity(0)) if options.peer == "tuned" else 1
    environment = {**os.environ, "KINDRED_PEER_NETWORK": options.network, "KINDRED_PEER": options.peer}
    if options.peer == "tuned":
        environment["OMP_NUM_THREADS"] = "1"
    return Server([sys.executable, "-m", "uvicorn", "compare_serve:make_peer", "--factory", "--app-dir",
                   str(Path(__file__).parent), "--port", str(port), "--workers", str(workers),
                   "--log-level", "error"], port, environment)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kindred", type=shlex.split, default=[str(comparison.ROOT / "build/release/bin/kindred")])
    parser.add_argument("--network", choices=tuple(SHAPE), default="lfw")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peer", choices=("tuned", "usual"), default="tuned")
    parser.add_argument("--only", choices=("kindred", "peer"))
    options = parser.parse_args()
    starts = {"FastAPI, uvicorn, PyTorch": lambda: start_peer(options), "kindred serve": lambda: start_kindred(options, model)}
    if options.only:
        starts = {name: start for name, start in starts.items() if name.startswith("kindred") == (options.only == "kindred")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pictures").mkdir()
        pictures = make_pictures(folder / "pictures")
        model = make_model(options.kindred, folder, options.network)
        print(f"network {options.network}, {CONNECTIONS} connections, {len(os.sched_getaffinity(0))} cores shared with what asks,"
              f" JPEGs of 96x96, {sum(map(len, pictures)) / len(pictures):.0f} bytes each, median of {options.repeats}")
        print(f"{'server':28}{'a request':>10}{'pictures/s':>12}{'CPU ms each':>13}{'p50 at half':>13}{'p99 at half':>13}")
        found = {}
        for each in (1, 8):
            for server_name, start in starts.items():
                with start() as server:
                    rows = [measure(server, pictures, each, options.seconds) for _ in range(options.repeats)]
                row = [statistics.median(column) for column in zip(*rows)]
                found[server_name, each] = row
                print(f"{server_name:28}{each:>10}{row[0]:>12.0f}{row[1]:>13.3f}{row[2]:>10.1f} ms{row[3]:>10.1f} ms", flush=True)
        if options.only != "peer":
            embed = embed_milliseconds(options.kindred, folder, model)
            shares = {each: embed / found["kindred serve", each][1] for each in (1, 8)}
            print(f"{'kindred embed':28}{'':>10}{'':>12}{embed:>13.3f}   of the CPU time of serve: "
                  f"{shares[1]:.2f} with one picture a request, {shares[8]:.2f} with eight")
        if not options.only:
            ratios = [found["kindred serve", each][0] / found["FastAPI, uvicorn, PyTorch", each][0] for each in (1, 8)]
            print(f"with eight pictures a request: {ratios[1]:.2f}")
            print(f"ratio: {ratios[0]:.2f}")


if __name__ in ("__main__", "compare_serve"):
    try:
        import numpy as np
        import torch
        from PIL import Image
    except ImportError as error:
        sys.exit(f"compare_serve.py: {error}; see {__doc__.splitlines()[-1]}")
if __name__ == "__main__":
    main()
