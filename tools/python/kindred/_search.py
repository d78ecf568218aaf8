"""Exact nearest neighbours; users find it as kindred.neighbors."""
from __future__ import annotations

from typing import Any, NamedTuple

from . import _kindred


class Neighbors(NamedTuple):
    """The k nearest gallery rows of each query, best first, ties to the lower index.

    indices  int64 [Q, k]
    scores   float64 [Q, k]: cosine or inner product; Euclidean: the distance
    """

    indices: Any
    scores: Any


def neighbors(queries: Any, gallery: Any = None, k: int = 10, *, similarity: str = "cosine",
              threads: int = 0) -> Neighbors:
    """Exact search: the k nearest rows of `gallery` [G, D] for each of `queries` [Q, D], scored in float64.

    gallery     None: each query among the others, itself left out
    k           from 1 to the gallery's rows
    similarity  "cosine", "inner_product" or "euclidean"
    threads     0: as many as the process may use. The bits do not depend on it.

    float32 arrays are read where they lie, others are converted. Fails with DataError on shapes that disagree and
    numbers that are not finite, with UsageError on a k that there are not so many rows for.
    """
    return Neighbors(*_kindred.neighbors(queries, gallery, k, similarity, threads))
