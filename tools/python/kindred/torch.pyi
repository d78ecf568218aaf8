# Written by tools/python/stubs from the registries; not by hand.
from typing import Any, Literal, Optional, Sequence, Union

import torch

from . import losses
from .miners import Miner

class Loss(torch.nn.Module):
    loss: losses.Loss
    threads: int
    step: int
    planned_steps: int
    scalars: dict[str, float]
    def forward(self, embeddings: torch.Tensor, labels: Any) -> torch.Tensor: ...
    def __call__(self, embeddings: torch.Tensor, labels: Any) -> torch.Tensor: ...

class AccuracyCalculator:
    def __init__(self, include: Sequence[str] = ..., exclude: Sequence[str] = ..., avg_of_avgs: bool = ...,
                 return_per_class: bool = ..., k: Union[int, str, None] = ..., *, similarity: str = ...,
                 threads: int = ...) -> None: ...
    def get_accuracy(self, query: Any, query_labels: Any, reference: Any = ..., reference_labels: Any = ...,
                     ref_includes_query: bool = ..., include: Sequence[str] = ...,
                     exclude: Sequence[str] = ...) -> dict[str, Any]: ...
    def get_curr_metrics(self) -> list[str]: ...
    def requires_clustering(self) -> list[str]: ...
    def requires_knn(self) -> list[str]: ...
    def description(self) -> str: ...

class AdaCos(Loss):
    def __init__(self, num_classes: int, embedding_size: int, *, dynamic: bool = ..., learning_rate_factor: float = ...,
                 class_share: float = ..., seed: int = ..., threads: int = ..., planned_steps: int = ...) -> None: ...

class ArcFace(Loss):
    def __init__(self, num_classes: int, embedding_size: int, *, scale: float = ..., margin: float = ...,
                 margin_from: float = ..., margin_warm_up: float = ..., easy_margin: bool = ...,
                 learning_rate_factor: float = ..., class_share: float = ..., seed: int = ..., threads: int = ...,
                 planned_steps: int = ...) -> None: ...

class BinaryCrossEntropy(Loss):
    def __init__(self, *, seed: int = ..., threads: int = ..., planned_steps: int = ...) -> None: ...

class Center(Loss):
    def __init__(self, num_classes: int, embedding_size: int, *, update: Literal["wen2016", "facenet"] = ...,
                 alpha: float = ..., normalize: bool = ..., seed: int = ..., threads: int = ...,
                 planned_steps: int = ...) -> None: ...

class Circle(Loss):
    def __init__(self, *, m: float = ..., gamma: float = ...,
                 mining: Union[Literal["all", "distance_weighted", "easy_positive", "hard", "multi_similarity", "semihard"], Miner] = ...,
                 memory: int = ..., epsilon: Optional[float] = ..., mining_margin: Optional[float] = ...,
                 seed: int = ..., threads: int = ..., planned_steps: int = ...) -> None: ...

class CombinedMargin(Loss):
    def __init__(self, num_classes: int, embedding_size: int, *, scale: float = ..., m1: float = ..., m2: float = ...,
                 m3: float = ..., learning_rate_factor: float = ..., class_share: float = ..., seed: int = ...,
                 threads: int = ..., planned_steps: int = ...) -> None: ...

class Contrastive(Loss):
    def __init__(self, *, distance: Literal["euclidean", "squared_euclidean", "cosine"] = ..., normalize: bool = ...,
                 pos_margin: float = ..., neg_margin: float = ...,
                 mining: Union[Literal["all", "distance_weighted", "easy_positive", "hard", "multi_similarity", "semihard"], Miner] = ...,
                 memory: int = ..., epsilon: Optional[float] = ..., mining_margin: Optional[float] = ...,
                 seed: int = ..., threads: int = ..., planned_steps: int = ...) -> None: ...

class CosFace(Loss):
    def __init__(self, num_classes: int, embedding_size: int, *, scale: float = ..., margin: float = ...,
                 margin_from: float = ..., margin_warm_up: float = ..., learning_rate_factor: float = ...,
                 class_share: float = ..., seed: int = ..., threads: int = ..., planned_steps: int = ...) -> None: ...

class Focal(Loss):
    def __init__(self, num_classes: int, embedding_size: int, *, gamma: float = ..., normalize: bool = ...,
                 scale: float = ..., learning_rate_factor: float = ..., class_share: float = ..., seed: int = ...,
                 threads: int = ..., planned_steps: int = ...) -> None: ...

class Histogram(Loss):
    def __init__(self, *, bins: int = ..., seed: int = ..., threads: int = ..., planned_steps: int = ...) -> None: ...

class Island(Loss):
    def __init__(self, num_classes: int, embedding_size: int, *, update: Literal["wen2016", "facenet"] = ...,
                 alpha: float = ..., normalize: bool = ..., island: float = ..., seed: int = ..., threads: int = ...,
                 planned_steps: int = ...) -> None: ...

class LiftedStructure(Loss):
    def __init__(self, *, distance: Literal["euclidean", "squared_euclidean", "cosine"] = ..., normalize: bool = ...,
                 margin: float = ...,
                 mining: Union[Literal["all", "distance_weighted", "easy_positive", "hard", "multi_similarity", "semihard"], Miner] = ...,
                 memory: int = ..., epsilon: Optional[float] = ..., mining_margin: Optional[float] = ...,
                 seed: int = ..., threads: int = ..., planned_steps: int = ...) -> None: ...

class Margin(Loss):
    def __init__(self, *, distance: Literal["euclidean", "squared_euclidean", "cosine"] = ..., normalize: bool = ...,
                 margin: float = ..., beta: float = ..., learn_beta: bool = ..., beta_per_class: bool = ...,
                 learning_rate_factor: float = ...,
                 mining: Union[Literal["all", "distance_weighted", "easy_positive", "hard", "multi_similarity", "semihard"], Miner] = ...,
                 memory: int = ..., epsilon: Optional[float] = ..., mining_margin: Optional[float] = ...,
                 num_classes: Optional[int] = ..., seed: int = ..., threads: int = ...,
                 planned_steps: int = ...) -> None: ...

class MSE(Loss):
    def __init__(self, *, seed: int = ..., threads: int = ..., planned_steps: int = ...) -> None: ...

class MultiSimilarity(Loss):
    def __init__(self, *, alpha: float = ..., beta: float = ..., base: float = ...,
                 mining: Union[Literal["all", "distance_weighted", "easy_positive", "hard", "multi_similarity", "semihard"], Miner] = ...,
                 memory: int = ..., epsilon: Optional[float] = ..., mining_margin: Optional[float] = ...,
                 seed: int = ..., threads: int = ..., planned_steps: int = ...) -> None: ...

class NPairs(Loss):
    def __init__(self, *, l2: float = ..., seed: int = ..., threads: int = ..., planned_steps: int = ...) -> None: ...

class NormalizedSoftmax(Loss):
    def __init__(self, num_classes: int, embedding_size: int, *, scale: float = ..., label_smoothing: float = ...,
                 learning_rate_factor: float = ..., class_share: float = ..., seed: int = ..., threads: int = ...,
                 planned_steps: int = ...) -> None: ...

class NTXent(Loss):
    def __init__(self, *, temperature: float = ...,
                 mining: Union[Literal["all", "distance_weighted", "easy_positive", "hard", "multi_similarity", "semihard"], Miner] = ...,
                 memory: int = ..., epsilon: Optional[float] = ..., mining_margin: Optional[float] = ...,
                 seed: int = ..., threads: int = ..., planned_steps: int = ...) -> None: ...

class ProxyAnchor(Loss):
    def __init__(self, num_classes: int, embedding_size: int, *, margin: float = ..., alpha: float = ...,
                 learning_rate_factor: float = ..., seed: int = ..., threads: int = ...,
                 planned_steps: int = ...) -> None: ...

class ProxyNCA(Loss):
    def __init__(self, num_classes: int, embedding_size: int, *, softmax_scale: float = ...,
                 learning_rate_factor: float = ..., class_share: float = ..., seed: int = ..., threads: int = ...,
                 planned_steps: int = ...) -> None: ...

class SmoothAP(Loss):
    def __init__(self, *, temperature: float = ...,
                 mining: Union[Literal["all", "distance_weighted", "easy_positive", "hard", "multi_similarity", "semihard"], Miner] = ...,
                 memory: int = ..., epsilon: Optional[float] = ..., mining_margin: Optional[float] = ...,
                 seed: int = ..., threads: int = ..., planned_steps: int = ...) -> None: ...

class SoftTriple(Loss):
    def __init__(self, num_classes: int, embedding_size: int, *, centers: int = ..., la: float = ...,
                 gamma: float = ..., margin: float = ..., tau: float = ..., learning_rate_factor: float = ...,
                 seed: int = ..., threads: int = ..., planned_steps: int = ...) -> None: ...

class Softmax(Loss):
    def __init__(self, num_classes: int, embedding_size: int, *, normalize: bool = ..., scale: float = ...,
                 label_smoothing: float = ..., learning_rate_factor: float = ..., class_share: float = ...,
                 seed: int = ..., threads: int = ..., planned_steps: int = ...) -> None: ...

class SphereFace(Loss):
    def __init__(self, num_classes: int, embedding_size: int, *, scale: float = ..., margin: float = ...,
                 learning_rate_factor: float = ..., class_share: float = ..., seed: int = ..., threads: int = ...,
                 planned_steps: int = ...) -> None: ...

class SubcenterArcFace(Loss):
    def __init__(self, num_classes: int, embedding_size: int, *, sub_centers: int = ..., scale: float = ...,
                 margin: float = ..., margin_from: float = ..., margin_warm_up: float = ..., easy_margin: bool = ...,
                 learning_rate_factor: float = ..., class_share: float = ..., seed: int = ..., threads: int = ...,
                 planned_steps: int = ...) -> None: ...

class SupCon(Loss):
    def __init__(self, *, temperature: float = ...,
                 mining: Union[Literal["all", "distance_weighted", "easy_positive", "hard", "multi_similarity", "semihard"], Miner] = ...,
                 memory: int = ..., epsilon: Optional[float] = ..., mining_margin: Optional[float] = ...,
                 seed: int = ..., threads: int = ..., planned_steps: int = ...) -> None: ...

class Triplet(Loss):
    def __init__(self, *,
                 mining: Union[Literal["all", "distance_weighted", "easy_positive", "hard", "multi_similarity", "semihard"], Miner] = ...,
                 distance: Literal["euclidean", "squared_euclidean", "cosine"] = ..., normalize: bool = ...,
                 margin: float = ..., margin_from: float = ..., margin_warm_up: float = ..., soft: bool = ...,
                 swap: bool = ..., reduction: Literal["mean", "mean_nonzero"] = ..., memory: int = ...,
                 epsilon: Optional[float] = ..., seed: int = ..., threads: int = ...,
                 planned_steps: int = ...) -> None: ...
