"""Forks, spawned processes, what importing does, and PyTorch beside us."""
import multiprocessing
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import kindred
from conftest import pictures, program

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


@pytest.fixture(scope="module")
def file(place, tmp_path_factory):
    """The data set as HDF5, which processes of their own read."""
    folder = tmp_path_factory.mktemp("file")
    images, labels = pictures()
    for i, (image, label) in enumerate(zip(images, labels)):
        path = folder / "photos" / f"c{label:02}" / f"{i:03}.pgm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"P5 16 16 255\n" + image.tobytes())
    program("import", folder / "photos", folder / "data.h5", "--quiet")
    return folder / "data.h5"


def test_files_are_opened_beside_threads_of_python(file):
    images, done, wrong = pictures()[0], threading.Event(), []

    def busy():  # allocates, with and without the GIL
        while not done.is_set():
            np.sort(np.random.default_rng(1).random(20000))
            [str(i) * 50 for i in range(1000)]

    def read():
        try:
            for _ in range(5):
                data = kindred.Dataset(file)
                assert (data.read(range(0, 160, 7)) == images[::7]).all()
        except BaseException as error:  # pylint: disable=broad-except
            wrong.append(error)

    others = [threading.Thread(target=busy, daemon=True) for _ in range(2)]
    readers = [threading.Thread(target=read, daemon=True) for _ in range(4)]
    for thread in others + readers:
        thread.start()
    for thread in readers:
        thread.join(120)
        assert not thread.is_alive()
    done.set()
    for thread in others:
        thread.join(60)
    assert not wrong


def test_workers_of_a_data_loader_read_and_embed(file, model, expected):
    data_of_torch = pytest.importorskip("torch.utils.data", reason="PyTorch is not there")

    class Embedded(data_of_torch.Dataset):
        data = kindred.Dataset(file)

        def __len__(self):
            return len(self.data)

        def __getitem__(self, i):
            return self.data[i], model.embed(self.data[i:i + 1])[0]

    images = pictures()[0]
    for context in (None, "fork"):
        loader = data_of_torch.DataLoader(Embedded(), batch_size=32, num_workers=2, timeout=120,
                                          multiprocessing_context=context)
        found = [(batch.numpy(), embedded.numpy()) for batch, embedded in loader]
        np.testing.assert_array_equal(np.concatenate([batch for batch, _ in found]), images)
        assert np.concatenate([embedded for _, embedded in found]).shape == (160, 20)


def test_a_forked_process_ends_as_any(place, model, expected):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if kindred.load(model.path, threads=2).embed(pictures()[0]).tobytes() == expected else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    # One that runs what Python and the libraries do at the end.
    text = ("import os, sys, kindred\nmodel = kindred.load(sys.argv[1], threads=3)\nimages = bytes(256 * 40)\n"
            "images = memoryview(images).cast('B', (40, 16, 16))\nmodel.embed(images)\nif os.fork() > 0: "
            "sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))\nmodel.embed(images, threads=3)")
    subprocess.run([sys.executable, "-c", text, model.path], timeout=120, check=True)


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
