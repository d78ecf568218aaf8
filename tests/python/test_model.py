"""Embedding: the command line's bits of whatever holds pictures; several threads; lifetimes."""
import gc
import pickle
import threading

import numpy as np
import pytest

import kindred
from conftest import pictures, program


@pytest.fixture(scope="module")
def expected(place):
    """Of all samples, by the command line."""
    program("embed", place / "line" / "model.kindred", place / "data.npz", "--out", place / "line.npy", "--quiet")
    return np.load(place / "line.npy")


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_bits_are_the_command_lines(place, model, expected, threads):
    images, _ = pictures()
    fortran = np.asfortranarray(images)
    for given in (images, images[..., 0], fortran, memoryview(images), kindred.Dataset(place / "data.npz"),
                  kindred.Dataset.from_arrays(images)):
        found = model.embed(given, threads=threads)
        assert found.dtype == np.float32 and found.tobytes() == expected.tobytes()
    np.testing.assert_array_equal(model.embed(images[5:6], threads=threads), expected[5:6])


def test_a_model_says_what_it_is(place, model):
    assert model.dim == 20 and model.input_shape == (16, 16, 1) and model.step > 0
    assert model.threshold is None or -1 <= model.threshold <= 1
    assert 'name = "triplet"' in model.recipe and len(model.fingerprint) > 8
    assert "16 x 16 x 1 bytes to 20 numbers" in repr(model)
    assert model.path == str(place / "line" / "model.kindred")
    again = pickle.loads(pickle.dumps(model))
    assert again.fingerprint == model.fingerprint


@pytest.mark.parametrize("images, said", [
    (np.zeros((2, 15, 16, 1), np.uint8), "images are 15 x 16 x 1 bytes; the model takes 16 x 16 x 1 bytes"),
    (np.zeros((2, 256), np.float32), "images are 256 floats; the model takes 16 x 16 x 1 bytes"),
    (np.zeros((2, 16, 16, 1), np.float32), "images are 16 x 16 x 1 floats; the model takes 16 x 16 x 1 bytes"),
    (np.zeros((16, 16), np.uint8), "images is uint8 [16, 16]; expected images uint8 [N, height, width, channels]"),
    (np.zeros((0, 16, 16, 1), np.uint8), "not empty"),
    (np.zeros((2, 16, 16, 1), np.int32), "images is int32 [2, 16, 16, 1]; expected images uint8"),
    (7, "images is of type int; expected an array"),
    ([], "images is float64 [0]")])
def test_what_does_not_fit_is_refused_in_words(model, images, said):
    with pytest.raises(kindred.DataError) as caught:
        model.embed(images)
    assert said in str(caught.value)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    images, labels = pictures(classes=3, each=2)
    for i, (image, label) in enumerate(zip(images, labels)):
        path = folder / f"c{label}" / f"{i}.pgm"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"P5 16 16 255\n" + image.tobytes())
    return folder, images


def test_paths_and_bytes_become_what_their_pixels_are(model, photos):
    folder, images = photos
    paths = sorted(folder.rglob("*.pgm"), key=lambda path: int(path.stem))
    expected = model.embed(images)
    for given in (paths, [str(path) for path in paths], tuple(path.read_bytes() for path in paths)):
        np.testing.assert_array_equal(model.embed(given), expected)
    np.testing.assert_array_equal(model.embed(paths[3]), expected[3:4])
    np.testing.assert_array_equal(model.embed(paths[::-1]), expected[::-1])
    with pytest.raises(kindred.NoInputError, match="none.pgm"):
        model.embed([paths[0], folder / "none.pgm"])
    with pytest.raises(kindred.DataError, match="picture 1"):
        model.embed([paths[0].read_bytes(), b"nothing"])
    with pytest.raises(kindred.DataError, match="picture 1 is of type int"):
        model.embed([paths[0], 5])


def test_folders_are_embedded_with_what_is_known_of_their_pictures(model, photos):
    folder, images = photos
    (folder / "c1" / "broken.pgm").write_bytes(b"P5 9 9 255\n")
    found = model.embed_pictures([str(folder)])
    (folder / "c1" / "broken.pgm").unlink()
    assert found["class_names"] == ["c0", "c1", "c2"] and found["labels"].tolist() == [0, 0, 1, 1, 2, 2]
    assert len(found["unreadable"]) == 1 and "broken.pgm" in found["unreadable"][0]
    assert [path.split("/")[-1] for path in found["paths"]] == [f"{i}.pgm" for i in range(6)]
    np.testing.assert_array_equal(found["embeddings"], model.embed(images))


def test_images_of_pil_become_what_their_pixels_are(model, photos):
    Image = pytest.importorskip("PIL.Image", reason="PIL is not there")
    folder, images = photos
    made = [Image.fromarray(image[..., 0]) for image in images]
    np.testing.assert_array_equal(model.embed(made), model.embed(images))
    np.testing.assert_array_equal(model.embed(made[2]), model.embed(images[2:3]))
    colour = [image.convert("RGBA") for image in made]
    assert model.embed(colour).shape == (6, 20)


class FakePil:
    """What is asked of an image of PIL's, and no more."""
    mode, size = "L", (16, 16)

    def __init__(self, pixels):
        self.pixels = pixels

    def save(self, file, form):
        assert form == "PPM"
        file.write(b"P5 16 16 255\n" + self.pixels.tobytes())

    def convert(self, mode):
        raise AssertionError("L is written as it is")


def test_images_of_pil_are_asked_for_files(model, photos):
    images = photos[1]
    np.testing.assert_array_equal(model.embed([FakePil(image) for image in images]), model.embed(images))


def test_flip_adds_the_mirror_image(model):
    images, _ = pictures()
    np.testing.assert_allclose(model.embed(images, flip=True), model.embed(images) + model.embed(images[:, :, ::-1]),
                               rtol=1e-5, atol=1e-5)


def test_several_threads_embed_at_once(place, model, expected):
    images, _ = pictures()
    found, wrong = [None] * 8, []

    def embed(i):
        try:
            for _ in range(3):
                found[i] = model.embed(images, threads=1 + i % 3)
                assert found[i].tobytes() == expected.tobytes()
        except BaseException as error:  # pylint: disable=broad-except
            wrong.append(error)

    threads = [threading.Thread(target=embed, args=(i,)) for i in range(len(found))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not wrong and all(thread is not None for thread in found)


def test_what_is_let_go_while_it_embeds_lives_as_long(place, expected):
    images, _ = pictures()
    many = np.concatenate([images] * 20)
    mine = [kindred.load(place / "line" / "model.kindred", threads=1)]
    found = []
    arrays = [many]
    del many
    started = threading.Event()

    def embed():
        model, given = mine.pop(), arrays.pop()
        started.set()
        found.append(model.embed(given))

    thread = threading.Thread(target=embed)
    thread.start()
    started.wait(10)
    gc.collect()
    thread.join(120)
    np.testing.assert_array_equal(found[0], np.concatenate([expected] * 20))


def test_other_threads_of_python_run_meanwhile(model):
    images = np.concatenate([pictures()[0]] * 50)
    counted, done = [0], threading.Event()

    def count():
        while not done.is_set():
            counted[0] += 1

    thread = threading.Thread(target=count)
    thread.start()
    before = counted[0]
    model.embed(images, threads=1)
    after = counted[0]
    done.set()
    thread.join(10)
    assert after > before + 100  # with the GIL held it stands still


def test_vectors(tmp_path):
    random = np.random.default_rng(1)
    vectors = (np.repeat(random.standard_normal((12, 7)), 6, axis=0) + 0.1 * random.standard_normal((72, 7)))
    recipe = """
[sampler]
classes = 8
samples_per_class = 2
[model]
architecture = "mlp"
embedding = 5
slice = 8
[[loss]]
name = "triplet"
[train]
planned_steps = 10
"""
    model = kindred.train(recipe, data=(vectors, np.repeat(np.arange(12), 6)), out=tmp_path / "run").load()
    assert model.input_shape == (7,) and model.dim == 5
    single = vectors.astype(np.float32)
    np.testing.assert_array_equal(model.embed(vectors), model.embed(single))
    wide = np.full((72, 14), np.nan, np.float32)
    wide[:, ::2] = single
    np.testing.assert_array_equal(model.embed(wide[:, ::2]), model.embed(single))
    np.save(tmp_path / "v.npy", single)
    program("embed", model.path, tmp_path / "v.npy", "--out", tmp_path / "e.npy", "--quiet")
    assert np.load(tmp_path / "e.npy").tobytes() == model.embed(single).tobytes()
    with pytest.raises(kindred.DataError, match="images are 6 floats; the model takes 7 floats"):
        model.embed(single[:, :6])
    with pytest.raises(kindred.DataError, match="takes 1 x 1 x 7 floats, no pictures"):
        model.embed(["a.png"])


