"""Dataset: samples with their labels, of a file, of arrays, or of a folder of pictures."""
from __future__ import annotations

import os
from typing import Any, Optional, Sequence, Union

from ._kindred import Dataset as _Dataset
from ._kindred import UsageError

Path = Union[str, "os.PathLike[str]"]


class Dataset(_Dataset):
    """Samples with what is known of them.

    Dataset("train.h5") opens a file that Kindred reads: HDF5 (also "FILE.h5:/group"), .npy, .npz, .csv,
    .tsv. It is checked from end to end, and its samples are read where they are asked for. `images`,
    `labels`, `layout` and `negative_labels` are what `kindred train` has them for in [data].

    len(data) is the number of samples, `shape` that of one: (height, width, channels), or (F,) of vectors.
    `labels`, `split` (0 train, 1 validation, 2 test), `groups` and `targets` are arrays, or None.
    """

    def __new__(cls, path: Path, *, images: str = "", labels: str = "", layout: str = "",
                negative_labels: str = "") -> "Dataset":
        # What fails, fails before there is an object: one that holds nothing may not even be printed.
        return cls._of(_Dataset(os.fsdecode(path), images=images, labels=labels, layout=layout,
                                negative_labels=negative_labels))

    def __init__(self, path: Path, *, images: str = "", labels: str = "", layout: str = "",
                 negative_labels: str = "") -> None:
        pass

    @classmethod
    def _of(cls, held: _Dataset) -> "Dataset":
        data = _Dataset.__new__(cls)
        _Dataset.__init__(data, held)
        return data

    @staticmethod
    def from_arrays(images: Any, labels: Any = None, *, class_names: Optional[Sequence[str]] = None,
                    split: Any = None, groups: Any = None, targets: Any = None,
                    paths: Optional[Sequence[str]] = None) -> "Dataset":
        """Samples of arrays: `images` uint8 [N, height, width, channels] or [N, height, width], or vectors
        float32 [N, F].

        They are not copied where they are such and contiguous: leave them as they are meanwhile. Other
        numbers are copied to float32. `labels` [N] are integers of any type, or texts: classes are counted
        by the rule that files have. `split` [N] is 0, 1, 2 or "train", "validation", "test"; `groups` [N]
        integers; `targets` float32 [N, T]. Fails with DataError where shapes, types or values do not fit.
        """
        held = _Dataset._from_arrays(images, labels, list(class_names or ()), split, groups, targets,
                                     [os.fsdecode(path) for path in paths or ()])
        return Dataset._of(held)

    @staticmethod
    def from_folder(pictures: Path, out: Optional[Path] = None, *, minutes: float = 5,
                    settings: Sequence[str] = (), threads: int = 0) -> "Dataset":
        """Pictures in a folder or an archive, a folder a class, imported as `kindred train PICTURES` does.

        They become a data set, the file `out`; without a name it lies in a temporary folder, and is gone
        with this object. What was left out is in `report`. `minutes` that training may take are what the
        pictures' size is chosen by. Pictures that cannot be read are left out and named in `report`.
        """
        import shutil  # what only this needs, importing kindred does not wait for
        import tempfile
        import weakref

        temporary = None
        if out is None:
            temporary = tempfile.mkdtemp(prefix="kindred-")
            out = os.path.join(temporary, "data.h5")
        try:
            report = _Dataset._import_folder(os.fsdecode(pictures), os.fsdecode(out), minutes,
                                             list(settings), threads)
            data = Dataset(out)
        except BaseException:
            if temporary is not None:
                shutil.rmtree(temporary, ignore_errors=True)
            raise
        data.report = report
        if temporary is not None:
            weakref.finalize(data, _remove, temporary, os.getpid())
        return data

    #: What an import left out, and how pictures became samples; None of other data sets.
    report: Optional[dict[str, Any]] = None

    def __getitem__(self, index: Any) -> Any:
        """The sample, or those of a slice or of an array of indices."""
        if isinstance(index, slice):
            return self.read(range(*index.indices(len(self))))
        if hasattr(index, "__index__"):
            return self.read([index])[0]
        return self.read(index)


def _remove(folder: str, owner: int) -> None:
    import shutil

    if os.getpid() == owner:  # not in a process that was forked meanwhile
        shutil.rmtree(folder, ignore_errors=True)


def as_dataset(data: Any) -> Optional[_Dataset]:
    """What `data=` of train() may be."""
    if data is None or isinstance(data, _Dataset):
        return data
    if isinstance(data, (str, os.PathLike)):
        return Dataset(data)
    if isinstance(data, tuple) and len(data) == 2:
        return Dataset.from_arrays(*data)
    raise UsageError(f"data is of type {type(data).__name__}; expected a kindred.Dataset, a path, or (images, labels)")
