"""Kindred trains embeddings on CPUs, and measures, searches and uses them.

    data  = kindred.Dataset("train.h5")                  # or Dataset.from_arrays, Dataset.from_folder
    run   = kindred.train("recipe.toml", data=data, out="runs/a")
    model = kindred.load(run.model)
    E     = model.embed(images)                          # float32 [N, dim]

Importing starts no thread; submodules (kindred.eval, kindred.losses, kindred.torch, ...) are imported when they are
first used. See tools/python/README.md.
"""
import importlib as _importlib
import os as _os
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from ._data import Dataset, Path as _Path
from ._kindred import (
    CannotCreateError, DataError, DivergedError, Error, InternalError, IoError, Model, NoInputError, RecipeError,
    SystemLimitError, UsageError, __version__)
from ._training import Run, train

if _TYPE_CHECKING:  # what __getattr__ gives; kindred.torch is imported by its name
    from . import eval as eval, losses as losses, miners as miners
    from ._search import Neighbors as Neighbors, neighbors as neighbors

# What is imported when it is first asked for: modules, and names of them.
_MODULES = ("eval", "losses", "miners", "torch")
_NAMES = {"Neighbors": "_search", "neighbors": "_search"}

__all__ = [
    "CannotCreateError", "DataError", "Dataset", "DivergedError", "Error", "InternalError", "IoError", "Model",
    "NoInputError", "RecipeError", "Run", "SystemLimitError", "UsageError", "__version__", "load", "train", *_MODULES,
    *_NAMES]


def load(path: _Path, *, threads: int = 0) -> Model:
    """The model of a file model.kindred, ready to embed with so many threads (0: as many as there are)."""
    return Model(_os.fsdecode(path), threads=threads)


if not _TYPE_CHECKING:
    def __getattr__(name: str) -> _Any:
        if name in _MODULES:
            return _importlib.import_module("." + name, __name__)
        if name in _NAMES:
            return getattr(_importlib.import_module("." + _NAMES[name], __name__), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES, *_NAMES})
