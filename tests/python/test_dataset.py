"""Data sets of files, of arrays and of folders."""
import gc
import multiprocessing
import os

import numpy as np
import pytest

import kindred
from conftest import pictures


def test_a_file_is_read_where_it_is_asked_for(place):
    images, labels = pictures()
    data = kindred.Dataset(place / "data.npz")
    assert len(data) == 160 and data.shape == (16, 16, 1) and data.classes == 20
    assert data.path == str(place / "data.npz")
    np.testing.assert_array_equal(data.labels, labels)
    np.testing.assert_array_equal(data.read([3, 0, 159, 3]), images[[3, 0, 159, 3]])
    np.testing.assert_array_equal(data[-1], images[-1])
    np.testing.assert_array_equal(data[10:20:3], images[10:20:3])
    assert data.split is None and data.groups is None and data.targets is None
    assert "160 samples of 16 x 16 x 1 bytes, 20 classes" in repr(data)
    with pytest.raises(IndexError, match="sample 160 is asked for; the data set has 160"):
        data[160]


def test_arrays_are_not_copied(place):
    images, labels = pictures()
    expected = images[7].copy()
    data = kindred.Dataset.from_arrays(images, labels)
    images[6] = 9
    assert (data[6] == 9).all()
    np.testing.assert_array_equal(data[7], expected)
    del images  # the data set keeps it
    gc.collect()
    np.testing.assert_array_equal(data[7], expected)


def test_arrays_carry_what_is_known_of_samples():
    vectors = np.random.default_rng(1).standard_normal((6, 5))
    data = kindred.Dataset.from_arrays(
        vectors, ["b", "a", "b", "a", "c", "c"], split=["train", "train", "test", "test", "validation", "train"],
        groups=np.array([1, 1, -2, 2, 3, 3], np.int8), targets=vectors[:, :2], paths=list("uvwxyz"))
    assert data.shape == (5,) and data.class_names == ["a", "b", "c"] and data.paths == list("uvwxyz")
    np.testing.assert_array_equal(data.read(range(6)), vectors.astype(np.float32))
    assert data.labels.tolist() == [1, 0, 1, 0, 2, 2] and data.labels.dtype == np.int64
    assert data.split.tolist() == [0, 0, 2, 2, 1, 0] and data.groups.tolist() == [1, 1, -2, 2, 3, 3]
    np.testing.assert_array_equal(data.targets, vectors[:, :2].astype(np.float32))
    assert data.samples_of("test").tolist() == [2, 3]
    grey = kindred.Dataset.from_arrays(np.zeros((2, 4, 6), np.uint8))
    assert grey.shape == (4, 6, 1) and grey.labels is None


@pytest.mark.parametrize("arguments, said", [
    ({"images": np.zeros((2, 3, 3, 1))[:, 0]}, "images is float64 [2, 3, 1]; expected images uint8"),
    ({"images": np.zeros((2, 4, 4, 1), np.int16)}, "images is int16 [2, 4, 4, 1]; expected images uint8"),
    ({"images": np.zeros((2, 4)), "labels": [1]}, "labels has 1 values; expected 2, one a row"),
    ({"images": np.zeros((2, 4)), "split": [0, 3]}, "split holds something else than 0, 1 and 2"),
    ({"images": np.zeros((2, 4)), "targets": np.zeros((3, 1))}, "targets have 3 rows but there are 2 samples"),
    ({"images": np.zeros((2, 4)), "labels": ["a", "b"], "class_names": ["x", "y"]}, "give one of both"),
    ({"images": np.full((2, 4), np.nan)}, "images row 0 holds nan")])
def test_arrays_that_do_not_fit_are_refused(arguments, said):
    with pytest.raises(kindred.DataError) as caught:
        kindred.Dataset.from_arrays(**arguments)
    assert said in str(caught.value)


def write_pgm(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"P5 %d %d 255\n" % pixels.shape[::-1] + pixels.tobytes())


def test_a_folder_is_imported_and_is_gone_with_its_object(tmp_path):
    images, labels = pictures(classes=6, each=5, side=24)
    for i, (image, label) in enumerate(zip(images, labels)):
        write_pgm(tmp_path / "photos" / f"c{label}" / f"{i:02}.pgm", image[..., 0])
    (tmp_path / "photos" / "c0" / "broken.pgm").write_bytes(b"P5 9 9 255\nnothing")
    data = kindred.Dataset.from_folder(tmp_path / "photos", minutes=1)
    assert data.class_names == [f"c{i}" for i in range(6)] and len(data) == 30
    assert len(data.report["unreadable"]) == 1 and "broken.pgm" in data.report["unreadable"][0]
    file = data.path
    assert os.path.exists(file)
    del data
    gc.collect()
    assert not os.path.exists(file)
    kept = kindred.Dataset.from_folder(tmp_path / "photos", tmp_path / "kept.h5", minutes=1)
    del kept
    gc.collect()
    assert (tmp_path / "kept.h5").exists()
    with pytest.raises(kindred.NoInputError):
        kindred.Dataset.from_folder(tmp_path / "nothing")


def first_rows(data):
    return data.read([0, 1]).tolist()


def read_in_child(data, answers):
    answers.put(first_rows(data))


def test_a_file_is_opened_again_in_a_fork(tmp_path):
    images, labels = pictures(classes=6, each=5, side=24)
    for i, (image, label) in enumerate(zip(images, labels)):
        write_pgm(tmp_path / "photos" / f"c{label}" / f"{i:02}.pgm", image[..., 0])
    data = kindred.Dataset.from_folder(tmp_path / "photos", tmp_path / "data.h5", minutes=1)
    expected = first_rows(data)
    fork = multiprocessing.get_context("fork")
    answers = fork.Queue()
    children = [fork.Process(target=read_in_child, args=(data, answers)) for _ in range(3)]
    for child in children:
        child.start()
    assert [answers.get(timeout=60) for _ in children] == [expected] * 3
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    assert first_rows(data) == expected  # the parent's reader is as it was
