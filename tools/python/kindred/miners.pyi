# Written by tools/python/stubs from the registries; not by hand.
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

class MinedPairs(NamedTuple):
    anchors: npt.NDArray[np.int64]
    kin: npt.NDArray[np.int64]
    other_anchors: npt.NDArray[np.int64]
    others: npt.NDArray[np.int64]

class Miner:
    registry_name: ClassVar[str]
    settings: dict[str, Any]
    def __call__(self, embeddings: Any, labels: Any, *, distance: str = ..., normalize: bool = ..., step: int = ...,
                 seed: int = ..., threads: int = ...) -> MinedPairs: ...

class All(Miner):
    def __init__(self) -> None: ...

class DistanceWeighted(Miner):
    def __init__(self) -> None: ...

class EasyPositive(Miner):
    def __init__(self) -> None: ...

class Hard(Miner):
    def __init__(self) -> None: ...

class MultiSimilarity(Miner):
    def __init__(self, *, epsilon: float = ...) -> None: ...

class Semihard(Miner):
    def __init__(self, *, mining_margin: float = ...) -> None: ...
