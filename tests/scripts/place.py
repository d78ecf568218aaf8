"""A folder with inputs of every kind, for tests of what commands do with files: as root and as another user, in a /dev of
its own. What cannot be had here is left out and said."""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

NOBODY = 65534
WAIT = 60  # seconds, for what must not wait at all
RECIPE = """[data]
file = 'data.h5'
[sampler]
classes = 4
samples_per_class = 4
[model]
architecture = 'mlp'
hidden = [8]
embedding = 4
[[loss]]
name = 'softmax'
[train]
epochs = 1
steps = 1
"""
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9)}

faults = []


def expect(right, *what):
    if not right:
        faults.append(" ".join(str(part) for part in what))
        print("FAULT", faults[-1][:600], file=sys.stderr)
    return right


class Place:
    """A folder with inputs of every kind, and the user who works there."""

    def __init__(self, kindred, folder, user):
        self.kindred, self.folder, self.user = kindred, folder, user
        self.fresh = 0
        self.runs = 0

    def __getitem__(self, name):
        return str(self.folder / name)

    def run(self, *arguments, before="", after="", text=True):
        """Through a shell, which redirects as `after` says."""
        self.runs += 1
        line = ["sh", "-c", f'{before} exec "$@" {after}', "sh", self.kindred, *map(str, arguments)]
        if self.user != os.geteuid():
            line = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", *line]
        try:
            return subprocess.run(line, capture_output=True, text=text, cwd=self.folder, timeout=WAIT,
                                  stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(line, "no end", "" if text else b"", "it waited")

    def make(self):
        pictures = self.folder / "pictures"
        for c in range(8):
            (pictures / f"class{c}").mkdir(parents=True)
            for i in range(4):
                pixels = bytes((c * 31 + i * 7 + j) % 251 for j in range(64))
                (pictures / f"class{c}" / f"{i}.pgm").write_bytes(b"P5 8 8 255 " + pixels)
        (self.folder / "recipe.toml").write_text(RECIPE)
        (self.folder / "pairs.csv").write_text("class0/0.pgm,class0/1.pgm,1\nclass1/0.pgm,class2/1.pgm,0\n"
                                               "class3/0.pgm,class3/1.pgm,1\nclass3/0.pgm,class4/1.pgm,0\n")
        (self.folder / "list.txt").write_text("listed.h5\n")
        own(self.folder, self.user)
        for line in (["import", self["pictures"], self["data.h5"]],
                     ["train", self["recipe.toml"], "--out", self["run"]],
                     ["embed", self["run/model.kindred"], self["data.h5"], "--out", self["e.h5"]],
                     ["export", self["run/model.kindred"], self["model.onnx"], "--safetensors", self["arrays.safetensors"]],
                     ["convert", self["model.onnx"], self["converted.kindred"]],
                     ["gallery", "new", self["g.db"], self["run/model.kindred"], self["pictures"]],
                     ["report", self["run"], "--out", self["page.html"]],
                     ["inspect", self["data.h5"], "--thumbnails", self["picture.png"], "--json", self["inspected.json"]],
                     ["bench", "search", "--vectors", "50", "--dimension", "4", "--repeats", "1", "--json",
                      self["bench.json"]]):
            result = self.run(*line, "--quiet")
            if result.returncode:
                sys.exit(f"{line[0]}: exit code {result.returncode}: {result.stderr}")
        for copy, of in (("old", "data.h5"), ("query.h5", "e.h5"), ("listed.h5", "data.h5")):
            shutil.copy(self.folder / of, self.folder / copy)
        own(self.folder, self.user)

    def state(self):
        """Every file, to see that nothing was done."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            status = path.lstat()
            found[str(path)] = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode)
        return found


def own(folder, user):
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, user, user, follow_symlinks=False)


def has_own_dev():
    """What is done wrongly to a device must not be done to this machine's."""
    return os.environ.get("KINDRED_OWN_DEV") == "yes" or os.geteuid() != 0


def enter_own_dev():
    """Starts the script again where /dev is its own, if root may have that."""
    if os.geteuid() != 0 or "KINDRED_OWN_DEV" in os.environ:
        return
    nodes = "; ".join(f"mknod -m 666 /dev/{name} c {a} {b}" for name, (a, b) in DEVICES.items())
    script = (f"mount -t tmpfs -o mode=755 none /dev && {nodes} && ln -s /proc/self/fd /dev/fd && "
              "ln -s /proc/self/fd/1 /dev/stdout && ln -s /proc/self/fd/2 /dev/stderr && mkdir -m 1777 /dev/shm && "
              'echo tried >/dev/null && exec env KINDRED_OWN_DEV=yes "$@"')
    line = ["unshare", "--mount", "sh", "-c", script, "sh"]
    tried = subprocess.run([*line, "true"], capture_output=True, text=True)
    if tried.returncode == 0:
        os.execvp(line[0], [*line, sys.executable, *sys.argv])
    print("skipped: devices, as no mount namespace with a /dev may be made here:", tried.stderr.strip())


def users_to_try(kindred):
    users = [os.geteuid()]
    if os.geteuid() != 0:
        print("skipped: root, who this is not")
        return users
    # By a shell, as everything is: setpriv itself may still enter folders that are root's alone.
    tried = subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "sh", "-c", 'exec "$@"', "sh",
                            kindred, "--version"], capture_output=True, text=True)
    if tried.returncode == 0:
        users.append(NOBODY)
    else:
        print("skipped: another user, who may not run", kindred, tried.stderr.strip())
    return users


def run_checks(name, checks):
    """The script's main: each check for each user."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} KINDRED")
    kindred = str(Path(sys.argv[1]).resolve())
    enter_own_dev()
    for user in users_to_try(kindred):
        memory = "/dev/shm" if os.environ.get("KINDRED_OWN_DEV") else None  # where syncing costs nothing
        with tempfile.TemporaryDirectory(prefix="kindred-outputs-", dir=memory) as temporary:
            os.chmod(temporary, 0o755)
            folder = Path(temporary).resolve() / "place"
            folder.mkdir()
            place = Place(kindred, folder, user)
            place.make()
            for check in checks:
                check(place)
            print(f"{name}: as user {user}: {place.runs} runs, {len(faults)} faults so far")
    sys.exit(1 if faults else 0)
