"""Every miner of Kindred's registry as a class: which pairs of a batch a loss uses.

    loss = kindred.losses.MultiSimilarity(mining=kindred.miners.MultiSimilarity(epsilon=0.2))
    pairs = kindred.miners.Hard()(embeddings, labels)
"""
from __future__ import annotations

import inspect as _inspect
from typing import Any, Mapping, NamedTuple

from . import _kindred, _settings

__all__ = ["MinedPairs", "Miner"]  # and every miner, below


class MinedPairs(NamedTuple):
    """Row numbers of the pairs that a miner chose, int64: (anchors[i], kin[i]) are of one class, (other_anchors[i],
    others[i]) of two; by anchor."""

    anchors: Any
    kin: Any
    other_anchors: Any
    others: Any


class Miner:
    """Base of all miners; see its classes."""

    registry_name = ""
    _listing: Mapping[str, Any] = {}

    def __init__(self, **settings: Any) -> None:
        signature = _inspect.signature(type(self))
        known = {name: value for name, value in settings.items() if name in signature.parameters}
        bound = signature.bind(**known)
        bound.apply_defaults()
        #: All settings, defaults included.
        self.settings: dict[str, Any] = {**bound.arguments, **settings}
        _kindred.check_miner(self.registry_name, self.settings)

    def __call__(self, embeddings: Any, labels: Any, *, distance: str = "euclidean", normalize: bool = True,
                 step: int = 0, seed: int = 0, threads: int = 0) -> MinedPairs:
        """The pairs that it chooses of a batch: embeddings [B, D], labels [B].

        distance    "euclidean", "squared_euclidean", "cosine" or "similarity" (the products): what losses mine by
        normalize   unit rows; always so for the cosine and products
        step, seed  what drawn pairs are a function of
        """
        return MinedPairs(*_kindred.mine(self.registry_name, self.settings, embeddings, labels, distance, normalize, step,
                                         seed, threads))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.settings.items())})"


def _make_class(listing: Mapping[str, Any]) -> type[Miner]:
    about, paper = _settings.source_of(listing["summary"])
    parts = [f"{about[0].upper()}{about[1:]}.", f"Source: {paper}."]
    if listing["settings"]:
        parts.append(_settings.section("Settings", _settings.settings_text(listing["settings"])))
    parts.append(_settings.section("Fails with", "RecipeError: a setting that does not exist or is out of range."))
    signature = _inspect.Signature([_settings.keyword(setting) for setting in listing["settings"]])
    members = {"__doc__": "\n\n".join(parts) + "\n", "__module__": __name__, "__signature__": signature,
               "registry_name": listing["name"], "_listing": listing}
    return type(_settings.class_name(listing["name"]), (Miner,), members)


for _one in _kindred.list_miners():
    _class = _make_class(_one)
    globals()[_class.__name__] = _class
    __all__.append(_class.__name__)
