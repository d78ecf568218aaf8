"""Kindred's losses as torch.nn.Modules, and an evaluator with the methods of pytorch-metric-learning's.

    loss = kindred.torch.ArcFace(num_classes=100, embedding_size=128)
    optimizer = torch.optim.Adam([*network.parameters(), *loss.parameters()])
    loss(network(images), labels).backward()

    calculator = kindred.torch.AccuracyCalculator(include=("precision_at_1", "r_precision"), k="max_bin_count")
    calculator.get_accuracy(embeddings, labels)

Tensors are float32 on the CPU and are read where they lie; others raise. The gradient is computed with the value, by
Kindred; PyTorch's autograd hands it on. torch is imported here alone.
"""
from __future__ import annotations

import inspect as _inspect
import math as _math
import warnings as _warnings
from typing import Any, Iterable, Sequence

import numpy as _numpy
import torch as _torch

from . import _kindred, eval as _eval, losses as _losses
from ._search import neighbors as _neighbors

__all__ = ["AccuracyCalculator", "Loss"]  # and every loss, below


def _check(name: str, tensor: _torch.Tensor) -> None:
    if tensor.dtype != _torch.float32:
        raise _kindred.DataError(f"{name} is {tensor.dtype}; expected torch.float32: Kindred's losses compute in float32")
    if tensor.device.type != "cpu":
        raise _kindred.DataError(f"{name} lies on {tensor.device}; expected a tensor on the CPU")


class _Value(_torch.autograd.Function):
    """The value of a loss; its gradients were computed with it."""

    @staticmethod
    def forward(ctx: Any, module: Loss, labels: Any, embeddings: _torch.Tensor, *weights: _torch.Tensor) -> Any:
        result = module._compute(embeddings.detach(), labels)
        gradients = [_torch.from_numpy(result.grad)]
        gradients += [_torch.from_numpy(result.weight_grads[name]) for name in module._weight_names]
        ctx.save_for_backward(*gradients)
        return embeddings.new_tensor(result.value)

    @staticmethod
    @_torch.autograd.function.once_differentiable
    def backward(ctx: Any, diff: _torch.Tensor) -> Any:
        return (None, None, *(gradient * diff if needed else None
                              for gradient, needed in zip(ctx.saved_tensors, ctx.needs_input_grad[2:])))


class Loss(_torch.nn.Module):
    """Base of all losses; see its classes. Settings and shapes are those of kindred.losses.

    forward(embeddings [B, D], labels [B]) returns a scalar whose backward() gives the gradients of the embeddings and of
    the loss's own weights, which are parameters of the module. What a loss carries besides (centers, a memory) is in
    state_dict(). `step` counts the calls in training mode. A second derivative is not to be had.
    """

    _kind: type[_losses.Loss] = _losses.Loss
    threads: int
    step: int
    planned_steps: int

    def __init__(self, *arguments: Any, threads: int = 0, planned_steps: int = 0, **settings: Any) -> None:
        super().__init__()
        self.loss = self._kind(*arguments, **settings)
        self.threads = threads
        self.planned_steps = planned_steps
        self.step = 0
        self.scalars: dict[str, float] = {}
        self._weight_names = list(self.loss.weights)
        for name, array in self.loss.weights.items():
            self.register_parameter(name, _torch.nn.Parameter(_torch.from_numpy(array)))

    def _weights(self) -> list[_torch.nn.Parameter]:
        return [getattr(self, name) for name in self._weight_names]

    def _compute(self, embeddings: _torch.Tensor, labels: Any) -> _losses.LossValue:
        # The parameters are the loss's own memory, until something (copy.deepcopy, say) gave the module others.
        for (name, array), weights in zip(self.loss.weights.items(), self._weights()):
            _check(name, weights)
            if weights.data_ptr() != array.ctypes.data:
                array[...] = weights.detach().numpy()
        targets = isinstance(self.loss, _losses.TargetLoss)
        result = self.loss._compute(embeddings, None if targets else labels, labels if targets else None, self.step,
                                    self.planned_steps, self.threads)
        self.scalars = result.scalars
        if self.training:
            self.step += 1
        return result

    def forward(self, embeddings: _torch.Tensor, labels: Any) -> _torch.Tensor:
        _check("embeddings", embeddings)
        if isinstance(labels, _torch.Tensor):
            labels = labels.detach()
        value: _torch.Tensor = _Value.apply(self, labels, embeddings, *self._weights())
        return value

    def get_extra_state(self) -> dict[str, Any]:
        state = {name: _torch.from_numpy(array) for name, array in self.loss.state.items()}
        return {"step": self.step, "state": state}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        self.step = state["step"]
        self.loss.set_state({name: tensor.numpy() for name, tensor in state["state"].items()})

    def extra_repr(self) -> str:
        return repr(self.loss)


def _make_class(kind: type[_losses.Loss]) -> type[Loss]:
    named = _inspect.Parameter.KEYWORD_ONLY
    signature = _inspect.signature(kind)
    more = [_inspect.Parameter(name, named, default=0, annotation="int") for name in ("threads", "planned_steps")]
    members = {"__doc__": f"kindred.losses.{kind.__name__} as a module.\n\n{kind.__doc__}", "__module__": __name__,
               "__signature__": signature.replace(parameters=[*signature.parameters.values(), *more]), "_kind": kind}
    return type(kind.__name__, (Loss,), members)


for _name in _losses.__all__:
    _kind_of = getattr(_losses, _name)
    if isinstance(_kind_of, type) and issubclass(_kind_of, _losses.Loss) and _kind_of.registry_name:
        globals()[_name] = _make_class(_kind_of)
        __all__.append(_name)


class AccuracyCalculator:
    """An evaluator with the constructor, methods and names of pytorch-metric-learning's AccuracyCalculator, computed by
    kindred.eval. What differs:

    * where scores tie, a metric is its mean over all orders of the tied
    * NMI and AMI are of Kindred's k-means (k-means++, seeded), Euclidean as theirs
    * distances are Euclidean, of embeddings as they are; similarity="cosine" compares directions
    * labels are one number or text a sample; label_comparison_fn, knn_func, kmeans_func and device are not there
    """

    _METRICS = {"mean_average_precision": "map", "mean_average_precision_at_r": "map@r", "mean_reciprocal_rank": "mrr",
                "precision_at_1": "recall@1", "r_precision": "r_precision"}
    _CLUSTER_METRICS = {"AMI": "ami", "NMI": "nmi"}

    def __init__(self, include: Sequence[str] = (), exclude: Sequence[str] = (), avg_of_avgs: bool = False,
                 return_per_class: bool = False, k: int | str | None = None, *, similarity: str = "euclidean",
                 threads: int = 0) -> None:
        if avg_of_avgs and return_per_class:
            raise ValueError("avg_of_avgs and return_per_class are mutually exclusive")
        whole = isinstance(k, int) and not isinstance(k, bool) and k > 0
        if not whole and k not in (None, "max_bin_count"):
            raise ValueError("k must be an integer greater than 0, or None, or 'max_bin_count'")
        self.avg_of_avgs, self.return_per_class, self.k = avg_of_avgs, return_per_class, k
        self.similarity, self.threads = similarity, threads
        self._include: tuple[str, ...] = ()
        self._include = self._chosen(include, exclude)
        self._current = self._include

    def _chosen(self, include: Iterable[str], exclude: Iterable[str]) -> tuple[str, ...]:
        names = sorted({**self._METRICS, **self._CLUSTER_METRICS})
        for asked in (include, exclude):
            if not isinstance(asked, (tuple, list)):
                raise TypeError(f"include and exclude are tuples of names, not {type(asked)}")
            unknown = [name for name in asked if name not in names]
            if unknown:
                raise ValueError(f"{unknown[0]!r} is no metric; there are {', '.join(names)}")
        allowed = self._include or tuple(names)
        return tuple(name for name in allowed if name in (include or allowed) and name not in exclude)

    def get_curr_metrics(self) -> list[str]:
        """The metrics of the last get_accuracy(), or of the constructor."""
        return list(self._current)

    def requires_clustering(self) -> list[str]:
        return ["NMI", "AMI"]

    def requires_knn(self) -> list[str]:
        return [name for name in self._METRICS]

    def description(self) -> str:
        return "avg_of_avgs" if self.avg_of_avgs else ""

    def get_accuracy(self, query: Any, query_labels: Any, reference: Any = None, reference_labels: Any = None,
                     ref_includes_query: bool = False, include: Sequence[str] = (),
                     exclude: Sequence[str] = ()) -> dict[str, Any]:
        """The metrics of query [Q, D] among reference [R, D]; without a reference each query among the others. With
        ref_includes_query the first Q rows of the reference are the queries, and each is left out of its own ranking."""
        self._current = self._chosen(include, exclude)
        sides = _Sides(query, query_labels, reference, reference_labels, ref_includes_query)
        ranked = [name for name in self._current if name in self._METRICS]
        found = self._ranked(sides, ranked) if ranked else {}
        if any(name in self._CLUSTER_METRICS for name in self._current):
            clusters = _eval.clustering(sides.query, sides.query_labels, similarity="euclidean", threads=self.threads)
            found.update({name: clusters[key] for name, key in self._CLUSTER_METRICS.items()})
        return {name: found[name] for name in self._current}

    def _ranked(self, sides: _Sides, names: list[str]) -> dict[str, Any]:
        counts = sides.match_counts()
        if not (counts > 0).any():
            _warnings.warn("None of the query labels are in the reference set.", stacklevel=3)
            return {name: float("nan") for name in names}
        most = int(counts.max())
        everything = sides.reference_rows - sides.passes_itself
        k = everything if self.k is None else most if self.k == "max_bin_count" else min(int(self.k), everything)
        cut = ("mean_average_precision", "mean_reciprocal_rank") if k < everything else ()
        if k < most:  # their definitions, of lists that end too early
            _warnings.warn(f"k = {k} is less than the {most} relevant samples of a class: r_precision and "
                           "mean_average_precision_at_r are of the first k alone; set k='max_bin_count'", stacklevel=3)
            cut = tuple(self._METRICS)
        listed = [name for name in names if name in cut]
        found: dict[str, Any] = {}
        if "mean_reciprocal_rank" in listed and k >= most:
            listed.remove("mean_reciprocal_rank")
        whole = [name for name in names if name not in listed]
        if whole:
            found.update(self._counted(sides, whole, 0 if k == everything else k))
        if listed:
            found.update(self._of_lists(sides, listed, k, counts))
        return found

    def _averaged(self, values: Any, labels: Any) -> Any:
        """Of one number a query, NaN where it has no match."""
        answered = ~_numpy.isnan(values)
        if not (self.avg_of_avgs or self.return_per_class):
            return float(values[answered].mean())
        means = [float(values[answered & (labels == label)].mean()) for label in _numpy.unique(labels[answered])]
        return means if self.return_per_class else float(_numpy.mean(means))

    def _counted(self, sides: _Sides, names: list[str], mrr_at: int) -> dict[str, Any]:
        """By kindred.eval, which counts ranks."""
        result = _eval.retrieval(*sides.arguments(), **sides.keywords(), recall_at=[1], precision_at=[],
                                 similarity=self.similarity, map="mean_average_precision" in names, mrr_at=mrr_at,
                                 per_class=self.return_per_class, threads=self.threads)
        keys = {name: self._METRICS[name] for name in names}
        if self.return_per_class:
            return {name: [own[key] for own in result["classes"]] for name, key in keys.items()}
        means = result["class_means"] if self.avg_of_avgs else result
        return {name: means[key] for name, key in keys.items()}

    def _of_lists(self, sides: _Sides, names: list[str], k: int, counts: Any) -> dict[str, Any]:
        """Of the first k neighbours alone."""
        relevant = sides.relevant(k, self.similarity, self.threads)
        place = _numpy.arange(1, k + 1)
        precisions = _numpy.cumsum(relevant, axis=1) / place * relevant
        within = place <= counts[:, None]
        with _numpy.errstate(invalid="ignore"):
            of_all = {
                "precision_at_1": relevant[:, 0].astype(float),
                "r_precision": (relevant & within).sum(axis=1) / _numpy.minimum(counts, k),
                "mean_average_precision": precisions.sum(axis=1) / counts,
                "mean_average_precision_at_r": (precisions * within).sum(axis=1) / counts,
                "mean_reciprocal_rank": _numpy.where(relevant.any(axis=1), 1 / (relevant.argmax(axis=1) + 1), 0.0)}
        return {name: self._averaged(_numpy.where(counts > 0, of_all[name], _math.nan), sides.query_labels)
                for name in names}


class _Sides:
    """Queries and what they are searched among."""

    def __init__(self, query: Any, query_labels: Any, reference: Any, reference_labels: Any, includes: bool) -> None:
        def plain(array: Any) -> Any:
            return array.detach().cpu() if isinstance(array, _torch.Tensor) else array

        self.query = plain(query)
        self.query_labels = _numpy.asarray(plain(query_labels)).reshape(len(query_labels))
        self.reference = None if reference is None else plain(reference)
        self.reference_labels = self.query_labels
        if reference is not None:
            self.reference_labels = _numpy.asarray(plain(reference_labels)).reshape(len(reference_labels))
        self.reference_rows = len(self.query if reference is None else self.reference)
        if len(self.query) != len(self.query_labels) or self.reference_rows != len(self.reference_labels):
            raise ValueError("embeddings and labels must have the same length")
        self.passes_itself = int(includes or reference is None)
        if includes and reference is not None:
            self._check_itself()
            if self.reference_rows == len(self.query):
                self.reference = None

    def _check_itself(self) -> None:
        rows = len(self.query)
        head = _numpy.asarray(self.reference[:rows])
        if len(head) != rows or not (_numpy.allclose(head, _numpy.asarray(self.query)) and
                                     (self.reference_labels[:rows] == self.query_labels).all()):
            raise ValueError("with ref_includes_query the first len(query) rows of the reference, and of its labels, must "
                             "be the queries'")

    def match_counts(self) -> Any:
        """How many relevant samples each query has."""
        labels, sizes = _numpy.unique(self.reference_labels, return_counts=True)
        place = _numpy.searchsorted(labels, self.query_labels).clip(0, len(labels) - 1)
        return _numpy.where(labels[place] == self.query_labels, sizes[place] - self.passes_itself, 0)

    def arguments(self) -> tuple[Any, ...]:
        if self.reference is None:
            return self.query, self.query_labels
        return self.query, self.query_labels, self.reference, self.reference_labels

    def keywords(self) -> dict[str, Any]:
        """Each query and its own row of a longer reference are a group of two, which is passed over."""
        if self.reference is None or not self.passes_itself:
            return {}
        return {"groups": _numpy.arange(len(self.query)), "gallery_groups": _numpy.arange(self.reference_rows)}

    def relevant(self, k: int, similarity: str, threads: int) -> Any:
        """bool [Q, k]: whether the i-th neighbour is of the query's class."""
        if self.reference is None:
            indices = _neighbors(self.query, None, k, similarity=similarity, threads=threads).indices
            return self.reference_labels[indices] == self.query_labels[:, None]
        indices = _neighbors(self.query, self.reference, k + self.passes_itself, similarity=similarity,
                             threads=threads).indices
        if self.passes_itself:  # or the last, where others as near stand before it
            itself = indices == _numpy.arange(len(self.query))[:, None]
            itself[:, -1] |= ~itself.any(axis=1)
            indices = indices[~itself].reshape(len(self.query), k)
        return self.reference_labels[indices] == self.query_labels[:, None]
