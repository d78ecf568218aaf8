#!/usr/bin/env python3
"""Writes linear_regression.h5 and logistic_regression.h5 beside itself: x = 1 ... 5 with the targets
of the two worked examples in README.md. Needs h5py; the bytes are those of the HDF5 library."""
from pathlib import Path

import h5py
import numpy as np

EXAMPLES = {
    "linear_regression": [3, 5, 7, 9, 11],
    "logistic_regression": [0, 1, 0, 1, 1],
}

for name, targets in EXAMPLES.items():
    with h5py.File(Path(__file__).parent / f"{name}.h5", "w") as file:
        file.attrs["format"] = np.bytes_("kindred data set")
        file.attrs["version"] = np.int64(1)
        file.attrs["source"] = np.bytes_("datasets/make_regression.py")
        file.create_dataset("vectors", data=np.array([[1], [2], [3], [4], [5]], np.float32), track_times=False)
        file.create_dataset("targets", data=np.array(targets, np.float32)[:, None], track_times=False)
