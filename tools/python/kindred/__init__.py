"""Kindred: trains embeddings on CPUs, and measures, searches and uses them.

    model = kindred.load("runs/first/model.kindred")
    embeddings = model.embed(images)

Submodules are imported when they are first used; importing kindred starts no thread.
"""
import importlib as _importlib
from typing import Any as _Any

from . import _kindred
from ._kindred import (
    CannotCreateError, DataError, DivergedError, Error, InternalError, IOError, NoInputError, RecipeError,
    SystemError, UsageError, __version__)

# What is imported when it is first asked for: kindred.eval, kindred.losses, ...
_SUBMODULES = ("eval", "losses", "torch")

__all__ = [
    "CannotCreateError", "DataError", "DivergedError", "Error", "IOError", "InternalError", "NoInputError",
    "RecipeError", "SystemError", "UsageError", "__version__", *_SUBMODULES]


def __getattr__(name: str) -> _Any:
    if name in _SUBMODULES:
        return _importlib.import_module("." + name, __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(_SUBMODULES))
