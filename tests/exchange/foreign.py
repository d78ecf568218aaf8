"""What the tests of this folder share: running Kindred and ONNX Runtime on the same samples. Without the packages of
requirements.txt a test prints why and ends with 77: skipped."""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import h5py
    import numpy
    import onnx
    import onnxruntime
except ImportError as error:
    print(f"skipped: {error}; pip install -r tests/exchange/requirements.txt, and configure with "
          "-DKINDRED_FOREIGN_PYTHON=/that/python")
    sys.exit(77)

faults = []


def expect(right, *what):
    if not right:
        faults.append(" ".join(str(part) for part in what))
        print("FAULT", *what, file=sys.stderr, flush=True)


def finish():
    print(f"{len(faults)} faults" if faults else "all right")
    sys.exit(1 if faults else 0)


class Place:
    """A folder with data sets, and the program under test."""

    def __init__(self, program):
        self.program = program
        self.folder = tempfile.TemporaryDirectory(prefix="kindred-exchange-")

    def __getitem__(self, name):
        return str(Path(self.folder.name) / name)

    def run(self, *arguments, code=0):
        """What the program writes to standard error; a fault where it ends with another code."""
        done = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True, timeout=900)
        if done.returncode != code:
            raise AssertionError(f"kindred {' '.join(map(str, arguments))}: code {done.returncode}\n{done.stderr}")
        return done.stderr

    def write_images(self, name, images, labels):
        """uint8 [N, H, W, C], or float32 [N, F]."""
        with h5py.File(self[name], "w") as file:
            file["images" if images.ndim == 4 else "vectors"] = images
            file["labels"] = numpy.asarray(labels, "int64")

    def embed(self, model, data):
        self.run("embed", model, self[data], "--out", self["embeddings.h5"], "--quiet")
        with h5py.File(self["embeddings.h5"]) as file:
            return file["embeddings"][:]

    def train(self, name, recipe):
        """The model of a short training."""
        Path(self[name + ".toml"]).write_text(recipe)
        self.run("train", self[name + ".toml"], "--out", self[name], "--quiet")
        return self[name + "/model.kindred"]


def run_onnx(path, inputs, output=None):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run([output] if output else None, {session.get_inputs()[0].name: inputs})[0]


def difference(found, expected):
    """The largest difference as a share of a row's norm, and the least cosine."""
    found, expected = (each.astype("float64") for each in (found, expected))
    norms = numpy.linalg.norm(expected, axis=1)
    share = (numpy.abs(found - expected).max(axis=1) / norms).max()
    cosine = ((found * expected).sum(axis=1) / norms / numpy.linalg.norm(found, axis=1)).min()
    return share, cosine


def expect_same(found, expected, *what):
    expect(found.shape == expected.shape, *what, "shapes", found.shape, expected.shape)
    if found.shape == expected.shape:
        share, cosine = difference(found, expected)
        print(*what, f"largest difference {share:.2e} of the norm, cosine {1 - cosine:.1e} below 1", flush=True)
        expect(share <= 1e-4 and cosine >= 1 - 1e-6, *what, share, cosine)


def metadata(path):
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


def names_of(path):
    return json.loads(metadata(path)["kindred.class_names"])
