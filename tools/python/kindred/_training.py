"""train(): a recipe, or a folder of pictures, becomes a model."""
from __future__ import annotations

import os
from typing import Any, Callable, Mapping, Optional, Sequence, Union

from . import _kindred
from ._data import Path, as_dataset
from ._toml import as_toml

Recipe = Union[str, "os.PathLike[str]", Mapping[str, Any]]


class Run:
    """What a training came to.

    `model` is the path of the model, `folder` that of the run. `metrics` has what `kindred train --json`
    prints: the last evaluation of each split, as in run.metrics["validation"]["recall@1"].
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.folder: str = values["folder"]
        self.model: str = values["model"]
        self.step: int = values["step"]
        self.complete: bool = values["complete"]
        self.train_seconds: float = values["train_seconds"]
        self.metrics: dict[str, Any] = values["metrics"]
        #: What to do where embeddings have collapsed to one point; else "".
        self.collapse: str = values["collapse"]
        self.notes: list[str] = values["notes"]

    def load(self, *, threads: int = 0) -> _kindred.Model:
        """The model, ready to embed."""
        return _kindred.Model(self.model, threads=threads)

    def __repr__(self) -> str:
        looked = ", ".join(f"{split} recall@1 {values['recall@1']:.4f}" for split, values in self.metrics.items()
                           if isinstance(values, dict) and "recall@1" in values)
        state = "complete" if self.complete else "not complete"
        return f"<kindred.Run {self.folder}: {self.step} steps, {state}{', ' + looked if looked else ''}>"


def train(recipe: Optional[Recipe] = None, *, data: Any = None, out: Optional[Path] = None, threads: int = 0,
          resume: bool = False, settings: Union[Mapping[str, Any], Sequence[str], str] = (), minutes: float = 5,
          callback: Optional[Callable[[dict[str, Any]], Any]] = None) -> Run:
    """Trains as `kindred train` does, to the same bits, for any number of threads.

    recipe    a path, the text of one (TOML), or a dictionary of the same keys; or a folder or an archive of
              pictures, for which one is chosen. None with resume=True: that of the run `out`.
    data      kindred.Dataset, the path of one, or (images, labels), in place of what the recipe names.
    out       the run's folder; without it a new one, runs/RECIPE, or with -2, -3, ... behind it.
    threads   0: as many as the process may use.
    resume    go on from the newest checkpoint of `out`.
    settings  changes to the recipe: {"train.steps": 50} or "train.steps=50", one or a list of such.
    minutes   of pictures: importing, measuring and training in all.
    callback  is called with each step and each evaluation, dictionaries as in the run's log: steps ({"step", "loss", ...}),
              evaluations ({"split", "recall@1", ...}), checkpoints, notes. What it raises stops the run after
              a checkpoint, and comes out of here.

    Ctrl-C stops the run after its step with a checkpoint and KeyboardInterrupt. Fails with RecipeError,
    DataError, NoInputError, DivergedError, CannotCreateError, IoError.
    """
    if callback is not None and not callable(callback):
        raise _kindred.UsageError(f"train: callback is {type(callback).__name__}; expected a function of one dictionary")
    asked: dict[str, Any] = {"recipe": "", "is_text": False, "pictures": "", "out": "", "is_new": out is None}
    name = "run"
    if isinstance(recipe, Mapping):
        asked.update(recipe=as_toml(recipe), is_text=True)
    elif recipe is not None:
        path = os.fspath(recipe)
        if isinstance(recipe, str) and "\n" in recipe and not os.path.exists(recipe):
            asked.update(recipe=recipe, is_text=True)
        elif _kindred._holds_pictures(path):
            asked.update(pictures=path)
            name = os.path.basename(os.path.normpath(os.path.abspath(path))).split(".")[0] or "photos"
        else:
            asked.update(recipe=path)
            name = os.path.splitext(os.path.basename(path))[0]
    elif not resume or out is None:
        raise _kindred.UsageError("train: name a recipe or a folder of pictures, or resume=True with out=RUN")
    if resume and out is None:
        raise _kindred.UsageError("train: resume=True goes on with a run; name its folder: out=")
    asked["out"] = os.path.join("runs", name) if out is None else os.fsdecode(out)
    assignments = [settings] if isinstance(settings, str) else list(settings)
    if isinstance(settings, Mapping):
        assignments = [f"{key}={_setting(value)}" for key, value in settings.items()]
    return Run(_kindred._train(**asked, resume=resume, threads=threads, minutes=minutes,
                               settings=assignments, data=as_dataset(data), callback=callback))


def _setting(value: Any) -> str:
    return as_toml({"x": value}).removeprefix("x = ").rstrip("\n")
