#!/usr/bin/env python3
"""Commands where the system gives little: limits of threads, descriptors, memory and file sizes, no rights, no room, no
filter. Each works, or ends with the documented code and a message that says what to do: limits_test.py KINDRED"""
import ctypes
import json
import os
import re
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

DATASETS = Path(__file__).resolve().parent.parent.parent / "datasets"
NOBODY = 65534
MIB = 1 << 20
faults = []


class Place:
    """A folder that anybody may write into, with a copy of the program."""

    def __init__(self, kindred, folder):
        self.folder = Path(folder)
        self.folder.chmod(0o777)
        self.kindred = self.folder / "kindred"
        shutil.copy(kindred, self.kindred)
        self.data = self.folder / "data.h5"
        shutil.copy(DATASETS / "omniglot28.h5", self.data)
        self.recipe = self.folder / "recipe.toml"
        self.recipe.write_text("[data]\nfile = 'data.h5'\n[sampler]\nclasses = 8\nsamples_per_class = 4\n"
                               "[model]\nwidth = 8\nslice = 8\n[[loss]]\nname = 'softmax'\n[train]\nsteps = 2\n")
        for path in (self.data, self.recipe):
            path.chmod(0o644)
        self.runs = 0

    def train(self):
        self.runs += 1
        return ["train", self.recipe, "--out", self.folder / f"run{self.runs}", "--quiet"]

    def run(self, command, limits=(), prepare=None, nobody=True, environment=None, cwd=None):
        def set_up():
            for name, value in limits:
                resource.setrlimit(name, (value, value))
            if prepare:
                prepare()

        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if nobody and os.geteuid() == 0 else {}
        result = subprocess.run([self.kindred, *map(str, command)], capture_output=True, text=True, errors="replace",
                                preexec_fn=set_up, env=environment, cwd=cwd or self.folder, timeout=600, **user)
        return result.returncode, result.stderr


def expect(what, found, codes, *parts):
    code, words = found
    if code not in codes:
        faults.append(f"{what}: exit code {code}, expected {codes}: {words}")
    elif code != 0 and (not words.startswith("kindred: ") or words.count("\n") != 1):
        faults.append(f"{what}: not one message: {words}")
    elif code != 0:
        faults.extend(f"{what}: '{part}' is not in: {words}" for part in parts if part not in words)
    if code == 70:
        faults.append(f"{what}: a mistake of ours: {words}")


def threads(place):
    # Of a user: root has no such limit. Those that run already count.
    for most in (1, 2, 4, 8):
        expect(f"ulimit -u {most}", place.run([*place.train(), "--threads", "6"], [(resource.RLIMIT_NPROC, most)]),
               (71,) if most < 8 else (0, 71), "ulimit -u")
    expect("ulimit -u 1, import", place.run(["import", place.folder / "pictures", place.folder / "x.h5"],
                                            [(resource.RLIMIT_NPROC, 1)]), (71,), "ulimit -u")


def descriptors(place):
    for most in (5, 6, 7, 8, 9, 10, 12, 14, 16, 20, 24):
        limit = [(resource.RLIMIT_NOFILE, most)]
        out = place.folder / f"descriptors{most}.h5"
        for what, words in (("train", place.train()), ("inspect", ["inspect", place.data, "--quiet"]),
                            ("pack", ["pack", place.data, out, "--quiet"]),
                            ("import", ["import", place.folder / "pictures", out, "--quiet"])):
            found = place.run(words, limit)
            expect(f"ulimit -n {most}, {what}", found, (0, 71), "ulimit -n")


def memory(place):
    for mebibytes in (128, 256, 512, 1024, 2048):  # with less the program itself cannot be loaded
        parts = ["ulimit -v"] if mebibytes < 256 else ["data.h5", "ulimit -v"]
        expect(f"ulimit -v {mebibytes} MiB", place.run(place.train(), [(resource.RLIMIT_AS, mebibytes * MIB)]),
               (71,), *parts)
    # What the message asks for is enough.
    code, words = place.run(["inspect", place.data], [(resource.RLIMIT_AS, 1024 * MIB)])
    asked = re.search(r"ulimit -v (\d+)", words)
    if code != 71 or not asked:
        faults.append(f"ulimit -v: exit code {code}, and no word of how much is needed: {words}")
    else:
        expect("as much as was asked for", place.run(["inspect", place.data, "--quiet"],
                                                     [(resource.RLIMIT_AS, int(asked[1]) << 10)]), (0,))
    expect("ulimit -v, 1024 threads", place.run([*place.train(), "--threads", "1024"], [(resource.RLIMIT_AS, 4000 * MIB)]),
           (71,), "ulimit -v")
    expect("ulimit -v 8 GiB", place.run(place.train(), [(resource.RLIMIT_AS, 8192 * MIB)]), (0,))


def file_sizes(place):
    found = place.run(place.train(), [(resource.RLIMIT_FSIZE, 8192)])
    expect("ulimit -f", found, (74,), "--resume --out")
    expect("ulimit -f, pack", place.run(["pack", place.data, place.folder / "packed.h5"],
                                        [(resource.RLIMIT_FSIZE, 8192)]), (74,))


def rights(place):
    closed = place.folder / "closed"
    (closed / "run").mkdir(parents=True)
    shutil.copy(place.data, closed / "data.h5")
    closed.chmod(0)
    secret = place.folder / "secret.h5"
    shutil.copy(place.data, secret)
    secret.chmod(0)
    long = "x" * 5000
    outputs = [closed / "run", closed / "new", place.folder / long, place.folder / "/".join(["y" * 200] * 30), "/run1",
               place.recipe / "run"]
    for out in outputs:
        expect(f"train --out {str(out)[-60:]}", place.run(["train", place.recipe, "--out", out, "--quiet"]), (73,))
    out = place.folder / "out.h5"
    for command in (["pack", closed / "data.h5", out], ["pack", secret, out], ["inspect", secret],
                    ["inspect", place.folder / long], ["train", closed / "recipe.toml"], ["train", long],
                    ["report", closed / "run"], ["train", "--resume", "--out", closed / "run"],
                    ["embed", closed / "model.kindred", place.data, "--out", out], ["import", closed, out],
                    ["import", closed / "in", out], ["eval", "retrieval", secret]):
        expect(f"{command[0]} of what may not be read", place.run(command), (66,))
    for out in (closed / "x.h5", place.folder / long, "/x.h5"):
        expect(f"pack to {str(out)[-60:]}", place.run(["pack", place.data, out]), (73,))
    closed.chmod(0o700)


def places(place):
    bare = {"PATH": os.environ["PATH"]}
    expect("no HOME, no environment", place.run(place.train(), environment=bare), (0,))
    nowhere = {**bare, "HOME": "/nonexistent", "TMPDIR": "/nonexistent"}
    expect("no temporary folder", place.run(place.train(), environment=nowhere), (0,))
    expect("no temporary folder, bench", place.run(["bench", "load", "--quiet"], environment=nowhere), (0, 73))
    gone = place.folder / "gone"
    gone.mkdir()
    gone.chmod(0o777)
    expect("a folder that is gone", place.run(["train", "recipe.toml"], cwd=gone, prepare=gone.rmdir), (66,))
    # A name space of its own, in which there is none.
    hidden = "mount -t tmpfs none /mnt 2>/dev/null; mount --bind /mnt /dev/shm && chmod 0 /dev/shm && exec \"$@\""
    inside = ["unshare", "--mount", "sh", "-c", hidden, "sh"]
    if subprocess.run([*inside, "true"], capture_output=True).returncode == 0:
        result = subprocess.run([*inside, place.kindred, *map(str, place.train())], capture_output=True, text=True)
        expect("no /dev/shm", (result.returncode, result.stderr), (0,))


def without_filter():
    """From here on the system refuses filters of system calls: prctl(PR_SET_SECCOMP) and seccomp() fail."""
    class Rule(ctypes.Structure):
        _fields_ = [("code", ctypes.c_ushort), ("true", ctypes.c_ubyte), ("false", ctypes.c_ubyte), ("k", ctypes.c_uint)]

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("rules", ctypes.POINTER(Rule))]

    load, equal, end = 0x20, 0x15, 0x06
    fail, allow = 0x00050001, 0x7FFF0000  # EPERM
    rules = (Rule * 7)(Rule(load, 0, 0, 0), Rule(equal, 3, 0, 317), Rule(equal, 0, 3, 157), Rule(load, 0, 0, 16),
                       Rule(equal, 0, 1, 22), Rule(end, 0, 0, fail), Rule(end, 0, 0, allow))
    program = Program(7, rules)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no filter")


def filters(place):
    said = "not filtered"
    code, words = place.run(["inspect", place.data], prepare=without_filter)
    if code != 0 or words.count(said) != 1:
        faults.append(f"without filters: exit code {code}, expected to be told once: {words}")
    code, words = place.run(["inspect", place.data, "--quiet"], prepare=without_filter)
    if code != 0 or words:
        faults.append(f"without filters, --quiet: exit code {code}: {words}")
    code, words = place.run(["inspect", place.data])
    if code != 0 or said in words:
        faults.append(f"with filters: exit code {code}: {words}")


def sizes(place):
    for key, value in (("model.width", 1 << 62), ("model.widths", f"[{1 << 62}]"), ("model.embedding", 1 << 62),
                       ("model.slice", 1 << 62), ("sampler.classes", 1 << 62), ("sampler.samples_per_class", 1 << 62)):
        for architecture in ("conv4", "resnet"):
            expect(f"{key} = {value}", place.run([*place.train(), "--set", f"{key}={value}", "--set",
                                                  f"model.architecture={architecture}"]), (78,))
    expect("hidden of 2^62", place.run([*place.train(), "--set", "model.architecture=mlp", "--set",
                                        f"model.hidden=[{1 << 62}]"]), (78,), "hidden[0]")


def groups(place):
    """A control group of its own, and one inside, where such may be made: fixture trees are tested elsewhere."""
    cores = len(os.sched_getaffinity(0))
    for base in ("/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup"):
        outer = Path(base) / f"kindred-{os.getpid()}"
        inner = outer / "inner"
        if not (Path(base) / "cgroup.procs").exists():
            continue  # no mount of control groups: a folder made here would be one
        try:
            inner.mkdir(parents=True)
        except OSError:
            continue
        try:
            if (outer / "cpu.cfs_quota_us").exists():
                (outer / "cpu.cfs_period_us").write_text("100000")
                (outer / "cpu.cfs_quota_us").write_text("150000")
            else:
                (outer / "cpu.max").write_text("150000 100000")
            result = subprocess.run([place.kindred, "bench", "load", "--steps", "1", "--repeats", "1", "--json", "-"],
                                    capture_output=True, text=True,
                                    preexec_fn=lambda: (inner / "cgroup.procs").write_text(str(os.getpid())))
            found = json.loads(result.stdout)["machine"]["cores"] if result.returncode == 0 else result.stderr
            if found != 1:
                faults.append(f"{outer}: a quota of 1.5 CPUs: {found} threads, of {cores} cores")
        except OSError:
            pass  # no controller of CPUs here
        finally:
            inner.rmdir()
            outer.rmdir()


def main():
    kindred = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="kindred-") as folder:
        place = Place(kindred, folder)
        pictures = place.folder / "pictures" / "class"
        pictures.mkdir(parents=True)
        for i in range(4):
            (pictures / f"{i}.pgm").write_bytes(b"P5 8 8 255\n" + bytes((i * j) % 256 for j in range(64)))
        for part in (threads, descriptors, memory, file_sizes, rights, places, filters, sizes, groups):
            if part in (threads, rights) and os.geteuid() != 0 and part is threads:
                continue  # what else the user runs would count
            part(place)
        for path in place.folder.rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(path.stat().st_mode | stat.S_IRWXU)
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
