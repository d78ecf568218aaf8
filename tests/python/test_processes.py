"""Forks, spawned processes, what importing does, and PyTorch beside us."""
import multiprocessing
import subprocess
import sys

import numpy as np
import pytest

import kindred
from conftest import pictures

MODEL = None  # of forked processes: they have the parent's


def embed_here(images):
    return MODEL.embed(images).tobytes()


def embed_with(model, images):
    return model.embed(images).tobytes()


@pytest.fixture
def expected(model):
    """Several threads have computed here before anything is forked."""
    return model.embed(pictures()[0], threads=3).tobytes()


def test_forked_processes_embed(model, expected):
    global MODEL
    MODEL = model
    images = pictures()[0]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        found = pool.map_async(embed_here, [images] * 4).get(timeout=120)
    assert found == [expected] * 4
    assert model.embed(images, threads=3).tobytes() == expected


def test_spawned_processes_embed(model, expected):
    images = pictures()[0]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.starmap_async(embed_with, [(model, images)] * 4).get(timeout=120)
    assert found == [expected] * 4


def test_a_forked_process_trains(place, model, expected, tmp_path):
    fork = multiprocessing.get_context("fork")
    child = fork.Process(target=kindred.train, args=(place / "recipe.toml",),
                         kwargs={"out": tmp_path / "run", "threads": 2})
    child.start()
    child.join(120)
    assert child.exitcode == 0
    assert (tmp_path / "run" / "model.kindred").read_bytes() == (place / "line" / "model.kindred").read_bytes()


def script(text):
    result = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


def test_importing_starts_no_thread_and_loads_no_more_than_it_must():
    assert script("import os, sys, kindred; print(len(os.listdir('/proc/self/task')), 'numpy' in sys.modules, "
                  "'torch' in sys.modules)") == ["1", "False", "False"]


TORCH = """
import numpy as np
{first}
{second}
import ctypes
libc = ctypes.CDLL("libm.so.6")
before = torch.get_num_threads(), libc.fegetround()
model = kindred.load({model!r}, threads=2)
images = np.arange(5 * 256, dtype=np.int64).reshape(5, 16, 16, 1).astype(np.uint8)
E = model.embed(images)
assert (torch.get_num_threads(), libc.fegetround()) == before
assert (torch.tensor(1e-40) * 1).item() > 0  # denormals are still numbers
x = torch.randn(64, 64)
assert torch.allclose(x @ x.T, (x.double() @ x.double().T).float(), atol=1e-3)
t = torch.from_numpy(E)
assert model.embed(torch.from_numpy(images)).tobytes() == E.tobytes()
from kindred import _kindred
assert _kindred._crossing(t, "rows")[:2] == (t.data_ptr(), False)
assert _kindred._crossing(t.to(torch.bfloat16), "rows")[2].tobytes() == t.to(torch.bfloat16).float().numpy().tobytes()
try:
    _kindred._crossing(t.clone().requires_grad_(), "rows", "E")
except kindred.DataError as error:
    assert "detach" in str(error), error
else:
    raise AssertionError("a tensor with a gradient was taken")
print(E.tobytes().hex())
"""


def test_pytorch_is_imported_before_or_after(place, model):
    pytest.importorskip("torch", reason="PyTorch is not there")
    images = np.arange(5 * 256).reshape(5, 16, 16, 1).astype(np.uint8)
    imports = ["import torch", "import kindred"]
    for first, second in (imports, imports[::-1]):
        found = script(TORCH.format(first=first, second=second, model=str(place / "line" / "model.kindred")))
        assert found == [model.embed(images).tobytes().hex()]
