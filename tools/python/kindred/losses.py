"""Every loss of Kindred's registry as a class: values and gradients of embeddings that are NumPy arrays, tensors, ...

    loss = kindred.losses.Triplet(mining="hard", margin=0.2)
    value, grad = loss(embeddings, labels)          # grad [B, D] = d value / d embeddings

    head = kindred.losses.ArcFace(num_classes=100, embedding_size=128)
    result = head(embeddings, labels)
    result.weight_grads["weights"]                  # [100, 128], beside head.weights["weights"]

help(kindred.losses.ArcFace) shows settings, ranges, shapes and the paper. kindred.torch has the same as modules.
"""
from __future__ import annotations

import inspect as _inspect
from typing import Any, Mapping

from . import _kindred, _settings
from .miners import Miner

__all__ = ["Loss", "LossValue", "TargetLoss"]  # and every loss, below


class LossValue(tuple):  # type: ignore[type-arg]
    """What a loss comes to: unpacks into (value, grad).

    value         float
    grad          float32 [B, D]: d value / d embeddings
    weight_grads  name -> array of the shape of loss.weights[name]; empty where a loss has no weights
    scalars       name -> float: numbers worth watching ("active_share", ...)
    """

    value: float
    grad: Any
    weight_grads: dict[str, Any]
    scalars: dict[str, float]

    def __new__(cls, value: float, grad: Any, weight_grads: dict[str, Any], scalars: dict[str, float]) -> LossValue:
        made = super().__new__(cls, (value, grad))
        made.value, made.grad, made.weight_grads, made.scalars = value, grad, weight_grads, scalars
        return made

    def __reduce__(self) -> Any:
        return LossValue, (self.value, self.grad, self.weight_grads, self.scalars)

    def __repr__(self) -> str:
        shape = ", ".join(map(str, self.grad.shape))
        weights = "".join(f", weight_grads[{name!r}] {list(grad.shape)}" for name, grad in self.weight_grads.items())
        return f"LossValue({self.value!r}, grad [{shape}]{weights})"


class Loss:
    """Base of all losses; see its classes. An object may be called by several threads at once."""

    registry_name = ""
    learns_from = ""
    _listing: Mapping[str, Any] = {}

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        signature = _inspect.signature(type(self))
        known = {name: value for name, value in settings.items() if name in signature.parameters}
        # What is not known is the library's to refuse: it suggests what may be meant.
        unknown = {name: value for name, value in settings.items() if name not in signature.parameters}
        values = {**signature.bind(*arguments, **known).arguments, **unknown}
        shape = [values.pop(name, None) for name in ("num_classes", "embedding_size")]
        self._seed = values.pop("seed", 0)
        mining = values.get("mining")
        if isinstance(mining, Miner):
            values = {**values, "mining": mining.registry_name, **mining.settings}
        self._given = {name: value for name, value in values.items() if value is not None}
        self._make(*shape)

    def _make(self, num_classes: int | None, embedding_size: int | None) -> None:
        self.num_classes = num_classes
        self._embedding_size = embedding_size
        self._core = _kindred.Loss(self.registry_name, self._given, num_classes, embedding_size, self._seed)

    @property
    def embedding_size(self) -> int | None:
        """D where it was given or learned from the first batch, else None."""
        return self._embedding_size

    @property
    def settings(self) -> dict[str, Any]:
        """All settings, defaults included."""
        defaults = {setting["key"]: _settings.default_of(setting) for setting in self._listing["settings"]}
        return {**defaults, **self._given}

    @property
    def weights(self) -> dict[str, Any]:
        """Its weights by name, float32, as views: what is written into them counts from the next call on."""
        return self._core.weights()

    @property
    def state(self) -> dict[str, Any]:
        """What else it carries from call to call (centers, a memory, a scale), as copies."""
        return self._core.state()

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Puts back what `state` gave. DataError on names or sizes that do not fit."""
        import numpy

        for name, array in state.items():
            self._core.restore(name, numpy.ascontiguousarray(array))

    def _compute(self, embeddings: Any, labels: Any, targets: Any, step: int, planned_steps: int,
                 threads: int) -> LossValue:
        result = LossValue(*self._core.compute(embeddings, labels, targets, step, planned_steps, threads))
        self._embedding_size = result.grad.shape[1]
        return result

    def __call__(self, embeddings: Any, labels: Any, *, step: int = 0, planned_steps: int = 0,
                 threads: int = 0) -> LossValue:
        """The loss of a batch: embeddings [B, D], labels [B].

        step           of the training: drawn pairs and classes are a function of it and the seed
        planned_steps  of the training, for margins that grow; 0: they stand where they lead to
        threads        0: as many as the process may use. The bits do not depend on it.
        """
        return self._compute(embeddings, labels, None, step, planned_steps, threads)

    def __repr__(self) -> str:
        shape = {"num_classes": self.num_classes, "embedding_size": self._embedding_size}
        if self.learns_from != "classes":
            shape = {}
        given = {**{name: value for name, value in shape.items() if value is not None}, **self._given}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in given.items())})"

    def __reduce__(self) -> Any:
        weights = {name: array.copy() for name, array in self.weights.items()}
        depth = self._embedding_size if self.state or self.learns_from == "classes" else None
        kept = (self._given, self.num_classes, depth, self._seed)
        return _restored, (type(self), kept, weights, self.state)


class TargetLoss(Loss):
    """Base of the losses that compare embeddings with targets, number by number."""

    def __call__(self, embeddings: Any, targets: Any, *, step: int = 0, planned_steps: int = 0,
                 threads: int = 0) -> LossValue:
        """The loss of a batch: embeddings [B, D], targets [B, D]. The rest is as for other losses."""
        return self._compute(embeddings, None, targets, step, planned_steps, threads)


def _restored(kind: type[Loss], kept: Any, weights: Mapping[str, Any], state: Mapping[str, Any]) -> Loss:
    loss = kind.__new__(kind)
    loss._given, num_classes, embedding_size, loss._seed = kept
    loss._make(num_classes, embedding_size)
    for name, array in loss.weights.items():
        array[...] = weights[name]
    loss.set_state(state)
    return loss


def _settings_of_miners(listing: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Those that the loss takes beside `mining`: some mine by settings of their own."""
    taken = []
    for miner in _kindred.list_miners():
        for setting in miner["settings"]:
            try:
                _kindred.Loss(listing["name"], {"mining": miner["name"], setting["key"]: _settings.default_of(setting)},
                              2, 4, 0)
            except _kindred.RecipeError:
                continue
            taken.append(setting)
    return taken


def _signature(listing: Mapping[str, Any]) -> _inspect.Signature:
    either, named = _inspect.Parameter.POSITIONAL_OR_KEYWORD, _inspect.Parameter.KEYWORD_ONLY
    parameters = []
    if listing["needs_classes"]:
        parameters += [_inspect.Parameter(name, either, annotation="int") for name in ("num_classes", "embedding_size")]
    parameters += [_settings.keyword(setting) for setting in listing["settings"]]
    if any(setting["key"] == "mining" for setting in listing["settings"]):
        parameters = [parameter.replace(annotation=f"{parameter.annotation} | Miner")
                      if parameter.name == "mining" else parameter for parameter in parameters]
        parameters += [_settings.keyword(setting, optional=True) for setting in _settings_of_miners(listing)]
    if listing["may_need_classes"] and not listing["needs_classes"]:
        parameters.append(_inspect.Parameter("num_classes", named, default=None, annotation="int | None"))
    parameters.append(_inspect.Parameter("seed", named, default=0, annotation="int"))
    return _inspect.Signature(parameters)


_SHAPES = {
    "pairs": "embeddings [B, D], float32 (other numbers are converted); labels [B]: whole numbers or texts.\n"
             "Pairs of one class are pulled together, pairs of two pushed apart.",
    "classes": "embeddings [B, D], float32 (other numbers are converted), D = embedding_size; labels [B]: whole numbers\n"
               "from 0 to num_classes - 1.",
    "targets": "embeddings [B, D] and targets [B, D], float32 (other numbers are converted)."}
_RETURNS = ("LossValue, which unpacks into (value, grad): grad [B, D] = d value / d embeddings. The chain rule through\n"
            "the unit length is in it, where a loss takes unit rows.")
_ERRORS = ("RecipeError: a setting that does not exist or is out of range.\n"
           "DataError: shapes that disagree, numbers that are not finite, labels out of range.")


def _weights_text(listing: Mapping[str, Any]) -> str:
    classes, depth = 3, 5
    core = _kindred.Loss(listing["name"], {}, classes, depth, 0)
    lines = []
    for kind, arrays in (("weights", core.weights()), ("state", core.state())):
        for name, array in arrays.items():
            shape = list(array.shape)
            if listing["needs_classes"] and len(shape) == 2:
                times = shape[0] // classes
                shape = ["num_classes" if times == 1 else f"{times} num_classes", "embedding_size"]
            lines.append(f"loss.{kind}[{name!r}] [{', '.join(map(str, shape))}]")
    return "\n".join(lines)


def _documentation(listing: Mapping[str, Any]) -> str:
    about, paper = _settings.source_of(listing["summary"])
    parts = [f"{about[0].upper()}{about[1:]}.", f"Source: {paper}."]
    if listing["settings"]:
        parts.append(_settings.section("Settings", _settings.settings_text(listing["settings"])))
    keeps = _weights_text(listing)
    parts.append(_settings.section("Takes", _SHAPES[listing["learns_from"]]))
    parts.append(_settings.section("Returns", _RETURNS))
    if keeps:
        parts.append(_settings.section("Keeps", keeps))
    parts.append(_settings.section("Fails with", _ERRORS))
    return "\n\n".join(parts) + "\n"


def _make_class(listing: Mapping[str, Any]) -> type[Loss]:
    base = TargetLoss if listing["learns_from"] == "targets" else Loss
    members = {"__doc__": _documentation(listing), "__module__": __name__, "__signature__": _signature(listing),
               "registry_name": listing["name"], "learns_from": listing["learns_from"], "_listing": listing}
    return type(_settings.class_name(listing["name"]), (base,), members)


for _one in _kindred.list_losses():
    _class = _make_class(_one)
    globals()[_class.__name__] = _class
    __all__.append(_class.__name__)
