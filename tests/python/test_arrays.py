"""How arrays cross: without a copy where type and layout allow, else with one, and refused in words."""
import array
import ctypes
import gc
import mmap

import numpy as np
import pytest

import kindred
from kindred import _kindred

ROWS = np.arange(12, dtype=np.float32).reshape(4, 3)


def address(values):
    return values.__array_interface__["data"][0]


class OnlyDlpack:
    """A tensor that offers nothing else, as PyTorch's."""

    def __init__(self, values, device=(1, 0)):
        self.values, self.device = values, device

    def __dlpack__(self, stream=None):
        return self.values.__dlpack__()

    def __dlpack_device__(self):
        return self.device


@pytest.mark.parametrize("values", [
    ROWS, ROWS[1:3], ROWS[::2], ROWS[:, :2], ROWS[:1], memoryview(ROWS), OnlyDlpack(ROWS), OnlyDlpack(ROWS[::2])])
def test_float32_rows_cross_without_a_copy(values):
    whole = getattr(values, "values", values)
    found, copied, _ = _kindred._crossing(values, "rows")
    assert (found, copied) == (address(np.asarray(whole)), False)


@pytest.mark.parametrize("values", [
    ROWS.astype(np.float64), ROWS.astype(np.float16), ROWS.astype(">f4"), ROWS.astype(">f8"), ROWS.astype(np.int8),
    ROWS.astype(np.uint16), ROWS.astype(">i4"), ROWS.astype(np.int64), np.asfortranarray(ROWS), ROWS[::-1][::-1].T.copy().T,
    ROWS.tolist(), OnlyDlpack(ROWS.astype(np.float64)),
    np.frombuffer(b"\0" + ROWS.tobytes(), np.float32, offset=1, count=12).reshape(4, 3)])
def test_other_numbers_and_layouts_are_copied_exactly(values):
    found, copied, numbers = _kindred._crossing(values, "rows")
    assert copied
    np.testing.assert_array_equal(numbers, ROWS)
    assert not isinstance(values, np.ndarray) or found != address(values)


def test_rows_in_reverse_and_every_second_column_are_copied_in_order():
    np.testing.assert_array_equal(_kindred._crossing(ROWS[::-1], "rows")[2], ROWS[::-1])
    np.testing.assert_array_equal(_kindred._crossing(ROWS[:, ::2], "rows")[2], ROWS[:, ::2])
    np.testing.assert_array_equal(_kindred._crossing(ROWS[:, ::-1], "rows")[2], ROWS[:, ::-1])
    cube = np.arange(24, dtype=np.float64).reshape(2, 3, 4).transpose(2, 0, 1)
    np.testing.assert_array_equal(_kindred._crossing(cube, "values")[2], cube)


def test_every_half_number_becomes_what_numpy_makes_of_it():
    halves = np.arange(1 << 16, dtype=np.uint32).astype(np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)].reshape(-1, 2)
    for values in (halves, halves.astype(halves.dtype.newbyteorder(">"))):
        made = _kindred._crossing(values, "rows")[2]
        np.testing.assert_array_equal(made.view(np.uint32), halves.astype(np.float32).view(np.uint32))


@pytest.mark.parametrize("values", [
    np.zeros((2, 3, 4, 1), np.uint8), bytearray(12), memoryview(bytes(12)), array.array("B", range(12)),
    OnlyDlpack(np.zeros((2, 2), np.uint8))])
def test_bytes_cross_without_a_copy(values):
    whole = np.asarray(getattr(values, "values", values))
    assert _kindred._crossing(values, "bytes")[:2] == (address(whole), False)


def test_results_are_numpys_without_a_copy_and_outlive_what_made_them(model):
    images = np.random.default_rng(1).integers(0, 256, (5, 16, 16, 1), dtype=np.uint8)
    embeddings = model.embed(images)
    assert embeddings.dtype == np.float32 and embeddings.flags.c_contiguous and embeddings.flags.writeable
    assert not embeddings.flags.owndata
    before = embeddings.copy()
    del images
    gc.collect()
    np.testing.assert_array_equal(embeddings, before)
    embeddings += 1  # nobody else's


@pytest.mark.parametrize("values, said", [
    (np.zeros(3, np.float32), "E is float32 [3]; expected float32 [N, D]"),
    (np.zeros((2, 3, 4)), "E is float64 [2, 3, 4]; expected float32 [N, D]"),
    (np.zeros((0, 3), np.float32), "E is float32 [0, 3]; expected float32 [N, D], not empty"),
    (np.zeros((3, 0), np.float32), "not empty"),
    (np.zeros((2, 2), np.complex64), "E is complex [2, 2]; expected float32 [N, D]"),
    (np.array([["a", "b"]]), "E is text [1, 2]; expected float32 [N, D]"),
    (np.array([[object()]]), "E is object [1, 1]"),
    (np.zeros((2, 2), "datetime64[s]"), "E is an array of datetime64[s]; expected numbers"),
    (np.array([[1, np.nan]], np.float32), "E row 0 holds nan in column 1; every value must be finite"),
    (np.array([[1, 2], [np.inf, 1]]), "E row 1 holds inf in column 0"),
    (np.array([[1e300]]), "E row 0 holds inf in column 0"),
    (3.5, "E is of type float; expected an array"),
    (None, "E is of type NoneType; expected an array"),
    ("abc", "E is of type str; expected an array"),
    ({}, "E is of type dict; expected an array"),
    ([[1, 2], [3]], "E is of type list, and no array"),
    (OnlyDlpack(ROWS, device=(2, 0)), "E lies on a device (DLPack's type 2); expected memory of the CPU")])
def test_what_does_not_fit_is_refused_in_words(values, said):
    with pytest.raises(kindred.DataError) as caught:
        _kindred._crossing(values, "rows", "E")
    assert said in str(caught.value)


@pytest.mark.parametrize("kind", ["b", "B", "h", "H", "i", "I", "l", "L", "q", "Q"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_labels_are_of_every_integer_type(kind, order):
    labels = np.array([3, 0, 127, 5], np.dtype(kind).newbyteorder(order))
    assert _kindred._labels(labels) == ([3, 0, 127, 5], [])


def test_labels_are_texts_reals_and_lists_too():
    assert _kindred._labels(["dog", "cat", "dog"]) == ([1, 0, 1], ["cat", "dog"])
    assert _kindred._labels(np.array(["é", "a", "é"])) == ([1, 0, 1], ["a", "é"])
    assert _kindred._labels(np.array([b"x", b"a"])) == ([1, 0], ["a", "x"])
    assert _kindred._labels(np.array(["x", "a"], object)) == ([1, 0], ["a", "x"])
    if hasattr(np.dtypes if hasattr(np, "dtypes") else np, "StringDType"):  # NumPy 2
        assert _kindred._labels(np.array(["x", "é"], np.dtypes.StringDType())) == ([0, 1], ["x", "é"])
    assert _kindred._labels(np.array([2.0, 0.0])) == ([2, 0], [])
    assert _kindred._labels([4, np.int16(2), True]) == ([4, 2, 1], [])
    assert _kindred._labels(np.array([True, False])) == ([1, 0], [])
    assert _kindred._labels(np.array([2**64 - 1, 7], np.uint64)) == ([1, 0], ["7", "18446744073709551615"])
    assert _kindred._labels([2**64 - 1, 7]) == ([1, 0], ["7", "18446744073709551615"])
    assert _kindred._labels(np.arange(6)[::2]) == ([0, 2, 4], [])
    assert _kindred._labels(np.eye(3)[[2, 0]]) == ([2, 0], [])


@pytest.mark.parametrize("labels, said", [
    ([1, -2], "labels row 1 is -2; labels count from 0"),
    (np.array([0.5]), "labels row 0 is 0.5; labels are whole numbers"),
    ([1, None], "labels row 1 is of type NoneType"),
    ([1, "a"], "labels holds 1 numbers and 1 texts; one kind is expected"),
    ([2**64], "labels row 0 has more than 64 bits"),
    ([2**63, -1], "labels holds negative numbers and such beyond 2^63"),
    (np.array([np.nan]), "which is no label"),
    ([], "labels is empty"),
    (np.array([["a", "b"]]), "labels row 0 is of type list"),
    (np.zeros(2, np.complex64), "labels is complex [2]; expected one label a row"),
    (np.zeros((2, 2, 2), int), "labels is int64 [2, 2, 2]; expected labels [N]")])
def test_labels_that_are_none_are_refused_in_words(labels, said):
    with pytest.raises(kindred.DataError) as caught:
        _kindred._labels(labels)
    assert said in str(caught.value)


def test_the_last_number_of_a_page_is_not_read_past(model):
    """What lies behind an array may be anybody's: the page behind it may not even be read."""
    page = mmap.PAGESIZE
    pages = mmap.mmap(-1, 2 * page)
    whole = np.frombuffer(pages, np.uint8)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    assert libc.mprotect(address(whole) + page, page, 0) == 0
    try:
        images = whole[page - 3 * 256:page].reshape(3, 16, 16, 1)
        images[:] = np.arange(3 * 256).reshape(images.shape) % 251
        assert _kindred._crossing(images, "bytes")[1] is False
        np.testing.assert_array_equal(model.embed(images), model.embed(images.copy()))
    finally:
        libc.mprotect(address(whole) + page, page, 3)
