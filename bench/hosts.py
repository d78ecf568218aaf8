#!/usr/bin/env python3
"""Training over four hosts that are joined by 1 Gbit/s: the bits, the bytes, and the time they take.

The hosts are network namespaces of this machine with names of their own, at a bridge. `tc` lets through --rate in each
direction (tbf; the kernel's buffers are the only latency). Open MPI starts a rank on each, by TCP alone, through a script
in place of ssh. Then
  link      how fast one host sends to another, by the clock and by the counters of its interface
  train     the model of --steps steps of the recipe by the four ranks, against that of one process: the same sha256
  bytes     `kindred bench train` by the four ranks: what rank 0 sends in a step, of each kind, against the least that has
            to move, for any R ranks:
              gradient    2 (R - 1) / R rows of it, a row being all parameters: what any sum that is known to all takes
              embeddings  its own rows, to R - 1 others
              statistics  those of batch norms of its own slices, to R - 1 others
              losses      of the class head, whose classes are cut into parts: the rows' sums (40 bytes each) and the
                          gradient's length (8) of its own parts, to R - 1 others; and the gradient of the embeddings,
                          summed as the network's is (a rank without classes has nothing to give away, only its columns)
            and the share of the step in communication. All four share this machine's cores, so most of that is waiting
            for ranks whose turn it was not; what the link alone takes is said, too.
Exit code 1 where a model differs or more than 1.3 times the least moved.

usage: hosts.py [--kindred PATH] [--recipe PATH] [--steps N] [--bench-steps N] [--rate 1gbit]
needs: root; apt-get install --no-install-recommends iproute2 openmpi-bin
"""
import argparse
import contextlib
import hashlib
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOSTS = ["kindred1", "kindred2", "kindred3", "kindred4"]  # namespaces, and the bridge's ends of their cables
BRIDGE = "kindred0"
NETWORK = "10.119.20"
MOST = 1.3  # times the least
PARTS = 2  # of the 964 classes that `kindred bench` makes up (src/loss/bases/class_parts.h)
ENVIRONMENT = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
# In place of ssh: HOST WORD...
AGENT = """#!/bin/sh
host=$1
shift
exec ip netns exec "$host" unshare -u sh -c "hostname $host; $*"
"""
RECEIVE = """
import socket
server = socket.create_server(("", 5001))
print("ready", flush=True)
link = server.accept()[0]
while link.recv(1 << 20):
    pass
"""
SEND = """
import socket, sys, time
data = bytes(int(sys.argv[2]))
link = socket.create_connection((sys.argv[1], 5001))
begin = time.monotonic()
link.sendall(data)
link.shutdown(socket.SHUT_WR)
link.recv(1)
print(time.monotonic() - begin)
"""


def run(*words, **options):
    result = subprocess.run([str(word) for word in words], capture_output=True, text=True, env=ENVIRONMENT, **options)
    if result.returncode:
        sys.exit(f"{' '.join(map(str, words))}: exit code {result.returncode}: {result.stderr}{result.stdout}")
    return result.stdout


def quietly(*words):
    return subprocess.run(words, capture_output=True, text=True).stdout


def remove_hosts():
    for host in HOSTS:
        for pid in quietly("ip", "netns", "pids", host).split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        quietly("ip", "link", "del", host)
        quietly("ip", "netns", "del", host)
    quietly("ip", "link", "del", BRIDGE)


def limit(rate, interface, *inside):
    run(*inside, "tc", "qdisc", "add", "dev", interface, "root", "tbf", "rate", rate, "burst", "64kb", "latency", "50ms")


@contextlib.contextmanager
def hosts(rate):
    """The namespaces, while they are needed; what another run left is removed."""
    remove_hosts()
    try:
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        run("ip", "addr", "add", f"{NETWORK}.254/24", "dev", BRIDGE)
        run("ip", "link", "set", BRIDGE, "up")
        for number, host in enumerate(HOSTS, 1):
            inside = ("ip", "netns", "exec", host)
            run("ip", "netns", "add", host)
            run("ip", "link", "add", host, "type", "veth", "peer", "name", "eth0", "netns", host)
            run("ip", "link", "set", host, "master", BRIDGE, "up")
            run(*inside, "ip", "addr", "add", f"{NETWORK}.{number}/24", "dev", "eth0")
            run(*inside, "ip", "link", "set", "lo", "up")
            run(*inside, "ip", "link", "set", "eth0", "up")
            limit(rate, "eth0", *inside)
            limit(rate, host)
        yield
    finally:
        remove_hosts()


def bytes_sent():
    """By each host so far: what the bridge's end has received."""
    return [int(Path(f"/sys/class/net/{host}/statistics/rx_bytes").read_text()) for host in HOSTS]


def mpirun(agent, *words):
    only = f"{NETWORK}.0/24"
    return run("mpirun.openmpi", "--mca", "plm_rsh_agent", agent, "--mca", "btl", "self,tcp",
               "--mca", "btl_tcp_if_include", only, "--mca", "oob_tcp_if_include", only,
               "--mca", "orte_tmpdir_base", agent.parent, "--leave-session-attached", "--bind-to", "none",
               "-host", ",".join(HOSTS), *words)


def measure_link(rate):
    size = 256 << 20
    inside = ["ip", "netns", "exec"]
    with subprocess.Popen([*inside, HOSTS[1], sys.executable, "-c", RECEIVE], stdout=subprocess.PIPE) as receiver:
        receiver.stdout.readline()
        before = bytes_sent()
        seconds = float(run(*inside, HOSTS[0], sys.executable, "-c", SEND, f"{NETWORK}.2", size))
        sent = bytes_sent()[0] - before[0]
    print(f"link: {rate}: {size >> 20} MiB from {HOSTS[0]} to {HOSTS[1]} in {seconds:.2f} s: "
          f"{size * 8e-9 / seconds:.3f} Gbit/s; {sent / size:.4f} times as many bytes at the interface", flush=True)


def sha256(run_folder):
    return hashlib.sha256((run_folder / "model.kindred").read_bytes()).hexdigest()


def least_of_run(kindred, run_folder):
    """Steps of a run, and the bytes a rank has to send for their gradients: the network's, losses are every rank's own."""
    arrays = json.loads(run(kindred, "inspect", run_folder / "model.kindred", "--json", "-"))["arrays"]
    parameters = sum(math.prod(json.loads(told.split()[1])) for name, told in arrays.items()
                     if not name.startswith(("input.", "loss.", "state:")))
    steps = max(int(path.stem.split("-")[1]) for path in (run_folder / "checkpoints").glob("step-*"))
    return steps, steps * least_for_all(parameters, len(HOSTS))


def least_for_all(parameters, ranks):
    """What a rank has to send so that all know a sum over all of `parameters` floats."""
    return 2 * (ranks - 1) / ranks * 4 * parameters


def same_model(options, agent, folder):
    """True where four ranks train the model that one process trains."""
    train = [options.kindred, "train", options.recipe, "--set", f"train.steps={options.steps}", "--quiet"]
    begin = time.monotonic()
    run(*train, "--out", folder / "alone")
    alone = time.monotonic() - begin
    before, begin = bytes_sent(), time.monotonic()
    mpirun(agent, *train, "--threads", 1, "--out", folder / "shared")
    shared = time.monotonic() - begin
    sent = [after - first for after, first in zip(bytes_sent(), before)]
    steps, least = least_of_run(options.kindred, folder / "shared")
    print(f"train: {steps} steps of {options.recipe.name}\n"
          f"  {sha256(folder / 'alone')}  one process, all threads, {alone:.1f} s\n"
          f"  {sha256(folder / 'shared')}  4 hosts x 1 thread, {shared:.1f} s\n"
          f"  each host sent {', '.join(f'{count / 1e6:.1f}' for count in sent)} MB, headers and start included; "
          f"gradients alone take {least / 1e6:.1f} MB", flush=True)
    return sha256(folder / "alone") == sha256(folder / "shared")


def least_bytes(told, parameters, channels):
    """What a rank has to send in a step, by kind."""
    ranks = told["ranks"]
    others = (ranks - 1) / ranks
    slices = told["batch"] / told["slice"]
    parts = PARTS // ranks  # rank 0's
    return {"gradient": least_for_all(parameters, ranks),
            "embeddings": others * 4 * told["batch"] * 128,
            "statistics": others * 4 * slices * 2 * channels,
            "losses": (ranks - 1) * parts * (40 * told["batch"] + 8) + others * 4 * told["batch"] * 128 * (2 if parts else 1)}


def reference_network():
    """Parameters and normalised channels of `kindred bench`'s conv4: blocks of 64 on 28x28x1, embedding 128."""
    blocks = 9 * 64 * (1 + 3 * 64) + 4 * 2 * 64
    return blocks + 64 * 128 + 128, 4 * 64


def measure_bytes(options, agent):
    """True where no kind moves more than MOST times its least."""
    before = bytes_sent()
    told = json.loads(mpirun(agent, options.kindred, "bench", "train", "--threads", 1, "--steps", options.bench_steps,
                             "--repeats", 5, "--json", "-", "--quiet"))
    sent = bytes_sent()[0] - before[0]
    least = least_bytes(told, *reference_network())
    print(f"bytes: {told['title']}, batch {told['batch']}, slices of {told['slice']}, {told['ranks']} ranks x 1 thread; "
          f"a step by rank 0:\n{'':14}{'bytes':>10}{'least':>10}{'ratio':>7}{'messages':>10}{'ms':>8}")
    ratios = []
    for kind, bound in least.items():
        found = told["traffic"][kind]
        ratios.append(found["bytes"] / bound)
        print(f"  {kind:12}{found['bytes']:10.0f}{bound:10.0f}{ratios[-1]:7.3f}{found['messages']:10.0f}"
              f"{found['seconds'] * 1e3:8.2f}")
    moved = sum(told["traffic"][kind]["bytes"] for kind in least)
    steps = 5 + 5 * options.bench_steps  # those of the warm-up, too
    step = told["batch"] / told["images_per_second"]
    wire = moved * 8 / bits_a_second(options.rate)
    print(f"  together {moved:.0f} bytes, {moved / sum(least.values()):.3f} of the least; at the interface "
          f"{sent / steps:.0f} a step, headers and start included\n"
          f"  {told['images_per_second']:.0f} images/s, {step * 1e3:.1f} ms a step; in communication "
          f"{told['traffic']['share'] * 100:.1f} %, waiting included; the link alone takes {wire * 1e3:.1f} ms, "
          f"{wire / step * 100:.1f} %", flush=True)
    return max(ratios) <= MOST


def bits_a_second(rate):
    number, unit = re.fullmatch(r"([\d.]+)([kmg])bit", rate.lower()).groups()
    return float(number) * {"k": 1e3, "m": 1e6, "g": 1e9}[unit]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kindred", type=Path, default=ROOT / "build/release/bin/kindred")
    parser.add_argument("--recipe", type=Path, default=ROOT / "datasets/omniglot.toml")
    parser.add_argument("--steps", type=int, default=0, help="of the recipe (default: all it plans)")
    parser.add_argument("--bench-steps", type=int, default=50, help="of each of five measurements (default 50)")
    parser.add_argument("--rate", default="1gbit", help="of each host, as tc writes it (default 1gbit)")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("hosts.py: network namespaces need root")
    for program in ("ip", "tc", "mpirun.openmpi"):
        if not shutil.which(program):
            sys.exit(f"hosts.py: {program} is missing; see --help")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # by way of what cleans up
    options.kindred = options.kindred.resolve()
    with tempfile.TemporaryDirectory(prefix="kindred-hosts-") as name, hosts(options.rate):
        folder = Path(name)
        agent = folder / "agent"
        agent.write_text(AGENT)
        agent.chmod(0o755)
        measure_link(options.rate)
        same = same_model(options, agent, folder)
        little = measure_bytes(options, agent)
    print("the same model" if same else "ANOTHER MODEL", "and", f"at most {MOST} of the least" if little else "TOO MANY BYTES")
    return 0 if same and little else 1


if __name__ == "__main__":
    sys.exit(main())
