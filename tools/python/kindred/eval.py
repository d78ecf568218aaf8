"""How good embeddings are: what `kindred eval` measures, with the same numbers to the last bit.

    kindred.eval.retrieval(embeddings, labels, recall_at=[1, 10])
    kindred.eval.verification(first, second, same)
    kindred.eval.clustering(embeddings, labels)
    kindred.eval.oneshot(embeddings, labels, ways=20)

Results are dicts whose keys are those of the command line's JSON; they print as tables, in notebooks as HTML. Embeddings
are arrays [N, D] of any library, float32 ones are read where they lie; labels are whole numbers or texts. `threads` is
how many, 0 for as many as the process may use: no bit depends on it.
"""
from __future__ import annotations

import html as _html
import warnings as _warnings
from operator import index as _index
from typing import Any, NamedTuple, Sequence

from . import _kindred

__all__ = ["Clustering", "Metric", "OneShot", "Result", "Retrieval", "RocCurve", "Verification", "all_pairs", "clustering",
           "compare_clusters", "metrics", "oneshot", "rates", "retrieval", "roc_auc", "roc_curve", "silhouette",
           "verification"]

_FALSE_ACCEPT_RATES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)


class Result(dict[str, Any]):
    """Numbers by name. What is no single number (histograms, folds, classes) is in the dict, but not in the table."""

    def _rows(self) -> list[tuple[str, str]]:
        def text(value: Any) -> str:
            return f"{value:.4f}" if isinstance(value, float) else str(value)

        rows = [(name, text(value)) for name, value in self.items() if isinstance(value, (bool, int, float))]
        more = [name for name, value in self.items() if isinstance(value, (dict, list))]
        return rows + ([("and", ", ".join(more))] if more else [])

    def __repr__(self) -> str:
        rows = self._rows()
        width = max((len(name) for name, _ in rows), default=0)
        return "\n".join([type(self).__name__, *(f"  {name:<{width}}  {value}" for name, value in rows)])

    def _repr_html_(self) -> str:
        cells = "".join(f"<tr><th style='text-align:left'>{_html.escape(name)}</th><td>{_html.escape(value)}</td></tr>"
                        for name, value in self._rows())
        return f"<table><caption>{_html.escape(type(self).__name__)}</caption>{cells}</table>"


class Retrieval(Result):
    """What retrieval() measured. per_query: float64 [Q, metrics], NaN where a query has no match, where asked for; its
    columns are the result's first keys."""

    per_query: Any = None


class Verification(Result):
    """What verification() measured. scores: float64 [N], of the pairs."""

    scores: Any = None


class Clustering(Result):
    """What clustering() measured. assignments: int64 [N]; centers: float32 [clusters, D]."""

    assignments: Any = None
    centers: Any = None


class OneShot(Result):
    """What oneshot() measured."""


class RocCurve(NamedTuple):
    """One point for each distinct score, from (0, 0) to (1, 1), float64; pairs scoring above `thresholds` are accepted."""

    false_accept_rate: Any
    true_accept_rate: Any
    thresholds: Any


class Metric(NamedTuple):
    """A metric of the registry."""

    name: str
    command: str
    summary: str


def metrics() -> list[Metric]:
    """Every metric, with the `kindred eval` command that gives it."""
    return [Metric(**listing) for listing in _kindred.list_metrics()]


def _warn(numbers: dict[str, Any], what: str) -> None:
    if numbers.get("zero_vectors"):
        _warnings.warn(f"{numbers['zero_vectors']} of the {what} are all zeros; they score 0 with every other one, so "
                       "that what is near to them is a matter of chance", stacklevel=3)
    if numbers.get("constant_embeddings"):
        _warnings.warn(f"all {what} are equal, or have one direction; nothing can be told apart by them, and what is "
                       "measured is chance. Look at the loss of the model's training", stacklevel=3)


def _ranks(name: str, values: Sequence[int]) -> list[int]:
    try:
        return [_index(value) for value in values]
    except TypeError:
        raise _kindred.UsageError(f"{name} = {values!r}; expected a list of whole numbers from 1 on") from None


def retrieval(embeddings: Any, labels: Any, gallery: Any = None, gallery_labels: Any = None, *,
              recall_at: Sequence[int] = (1, 2, 4, 8), precision_at: Sequence[int] = (1, 5, 10),
              similarity: str = "cosine", map: bool = True, mrr_at: int = 0, groups: Any = None, gallery_groups: Any = None,
              rerank: Sequence[float] | None = None, per_class: bool = False, per_query: bool = False,
              bootstrap: int = 0, confidence: float = 0.95, seed: int = 1, threads: int = 0) -> Retrieval:
    """recall@k, precision@k, r_precision, map@r, map and mrr of embeddings [N, D] with labels [N].

    gallery     [G, D] with gallery_labels [G]: what is searched. None: each row is searched among the others
    similarity  "cosine", "inner_product" or "euclidean"
    map         False: leave out map, which needs the whole ranking; faster with large classes
    mrr_at      mrr counts a first relevant sample behind so many as none; 0: it counts all
    groups      [N] (and gallery_groups [G]): samples of the query's class and group are passed over (cameras, say)
    rerank      (k1, k2, lambda): k-reciprocal re-ranking (Zhong et al. 2017), usually (20, 6, 0.3); by cosine
    per_class   adds "classes", a list with the means of each
    per_query   keeps .per_query
    bootstrap   so many resamples of the queries give "intervals" that cover `confidence`; 1000 is usual

    Where samples tie, a metric is its mean over all orders of the tied. A query whose class has no other sample is left
    out and counted. Fails with DataError on shapes that disagree, numbers that are not finite, and where no query can be
    answered.
    """
    settings = {"recall_at": _ranks("recall_at", recall_at), "precision_at": _ranks("precision_at", precision_at),
                "similarity": similarity, "map": map, "mrr_at": mrr_at,
                "rerank": None if rerank is None else list(rerank), "per_class": per_class, "per_query": per_query,
                "bootstrap": bootstrap, "confidence": confidence, "seed": seed}
    numbers, by_query = _kindred.retrieval(embeddings, labels, gallery, gallery_labels, groups, gallery_groups, settings,
                                           threads)
    _warn(numbers, "embeddings")
    result = Retrieval(numbers)
    result.per_query = by_query
    return result


def verification(first: Any, second: Any, same: Any, *, fold: Any = None,
                 far: Sequence[float] = _FALSE_ACCEPT_RATES, similarity: str = "cosine", hardest: int = 5,
                 threads: int = 0) -> Verification:
    """Same or not: accuracy, auc, eer and tar@far of pairs (first[i], second[i]), both [N, D].

    same        [N], true where both are of one class
    fold        [N]: each fold is judged with the threshold best on the others (LFW's protocol)
    far         false accept rates that tar@far is asked for
    hardest     how many of the worst mistakes of each kind are named

    Fails with DataError on shapes that disagree, numbers that are not finite, pairs of one kind only, or one fold.
    """
    numbers, scores = _kindred.verification(first, second, same, fold, list(far), similarity, hardest, threads)
    result = Verification(numbers)
    result.scores = scores
    return result


def all_pairs(embeddings: Any, labels: Any, *, far: Sequence[float] = _FALSE_ACCEPT_RATES, similarity: str = "cosine",
              threads: int = 0) -> Verification:
    """verification() over all N (N - 1) / 2 pairs of rows, same where the labels are; no pair is written down."""
    numbers = _kindred.all_pairs(embeddings, labels, list(far), similarity, threads)
    _warn(numbers, "embeddings")
    return Verification(numbers)


def rates(scores: Any, same: Any, *, fold: Any = None, far: Sequence[float] = _FALSE_ACCEPT_RATES) -> Verification:
    """What verification() measures, of scores [N] that somebody else made: the greater the likelier the same."""
    result = Verification(_kindred.rates(scores, same, fold, list(far)))
    result.scores = scores
    return result


def roc_curve(scores: Any, same: Any) -> RocCurve:
    """The whole curve of scores [N] and same [N] (true or false)."""
    return RocCurve(*_kindred.roc_curve(scores, same))


def roc_auc(scores: Any, same: Any) -> float:
    """The chance that a same pair scores above a different one; ties count half."""
    return float(_kindred.rates(scores, same, None, [])["auc"])


def clustering(embeddings: Any, labels: Any, *, k: int | str | None = None, similarity: str = "cosine", seed: int = 1,
               iterations: int = 100, threads: int = 0) -> Clustering:
    """K-means of embeddings [N, D], and how well its clusters agree with labels [N]: nmi, ami, purity, pairwise_f.

    k           clusters; None: as many as classes; "auto": the best of 2, 3, 4, 6, 8, ... by silhouette
    similarity  "cosine" (of unit rows) or "euclidean"
    iterations  at most

    "silhouette" is the simplified one (Hruschka et al. 2004), by distances to centers; silhouette() is the full one.
    Fails with DataError on shapes that disagree, UsageError on a k that cannot be.
    """
    if isinstance(k, str) and k != "auto":
        raise _kindred.UsageError(f"k = {k!r}; expected a number, None or 'auto'")
    if isinstance(k, int) and k < 1:
        raise _kindred.UsageError(f"k = {k}; expected a number from 1 on, None or 'auto'")
    clusters = 0 if k is None else -1 if isinstance(k, str) else k
    numbers, assignments, centers = _kindred.clustering(embeddings, labels, clusters, similarity, seed, iterations,
                                                        threads)
    _warn(numbers, "embeddings")
    result = Clustering(numbers)
    result.assignments, result.centers = assignments, centers
    return result


def compare_clusters(labels: Any, clusters: Any) -> Clustering:
    """nmi, ami (arithmetic means), purity and pairwise_f of clusters [N] made elsewhere against labels [N]."""
    result = Clustering(_kindred.compare_clusters(labels, clusters))
    result.assignments = clusters
    return result


def silhouette(embeddings: Any, clusters: Any, *, similarity: str = "cosine", threads: int = 0) -> float:
    """How well clusters [N] of embeddings [N, D] stand apart, -1 to 1: the mean of (b - a) / max(a, b), a the mean
    distance to the others of a row's cluster, b the least mean distance to another's (Rousseeuw 1987). N² distances, by
    1 - cosine or Euclidean, in float64."""
    return float(_kindred.silhouette(embeddings, clusters, similarity, threads))


def oneshot(embeddings: Any, labels: Any, *, episode: Any = None, role: Any = None, ways: int | None = None,
            shots: int = 1, queries: int = 1, episodes: int = 1000, seed: int = 1, threads: int = 0) -> OneShot:
    """Error of few-shot classification of embeddings [N, D] with labels [N].

    episode, role  [N] each: the episode of each row, and 0 for a training image, 1 for a test image
    ways           instead: episodes are drawn, of so many classes, with `shots` training and `queries` test images each

    Fails with DataError on shapes that disagree and episodes that lack images, UsageError unless either `ways` or both
    columns are given.
    """
    given = (episode is not None) + (role is not None)
    if (ways is None and given != 2) or (ways is not None and given):
        raise _kindred.UsageError("oneshot: name either ways, or both episode and role")
    numbers = _kindred.oneshot(embeddings, labels, episode, role, [ways or 0, shots, queries, episodes], seed, threads)
    _warn(numbers, "embeddings")
    return OneShot(numbers)
