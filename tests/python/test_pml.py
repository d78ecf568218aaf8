"""Values and gradients against pytorch-metric-learning's in float64, and its AccuracyCalculator. Skipped where it is not
installed: bench/pml_requirements.txt pins what it was."""
import sys
from pathlib import Path

import numpy as np
import pytest

REASON = "pytorch-metric-learning is not installed (bench/pml_requirements.txt)"
torch = pytest.importorskip("torch", reason=REASON)
pytest.importorskip("pytorch_metric_learning", reason=REASON)
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

import pml_losses  # noqa: E402

import kindred.torch  # noqa: E402

torch.set_num_threads(1)  # batches are small
BATCHES = 200
DEPTH = 16
# float32 of ours, against float64 of theirs: sums of a few hundred terms, scaled by at most 64.
TOLERANCE = 1e-5


def random_batch(case, seed):
    """(embeddings, labels): classes of any size from 1 on, or of the one that the case asks for; not unit rows."""
    random = np.random.default_rng(seed)
    classes = int(random.integers(3, 9))
    if case.rows_a_class:
        labels = np.repeat(np.arange(classes), case.rows_a_class)
    else:
        labels = random.integers(0, classes, int(random.integers(12, 40)))
        labels[:4] = [0, 0, 1, 1]  # a pair of one class, and one of two
        if case.lone_rows:
            labels = labels[np.bincount(labels)[labels] > 1]
    embeddings = random.standard_normal((len(labels), DEPTH)) * random.uniform(0.5, 2)
    return embeddings.astype(np.float32), labels, classes


def far(ours, theirs, least):
    """How far apart, as a share of the greatest of theirs."""
    ours, theirs = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    return float(np.abs(ours - theirs).max() / max(least, np.abs(theirs).max()))


@pytest.mark.parametrize("case", [case for case in pml_losses.CASES if not case.differs], ids=lambda case: case.name)
def test_values_and_gradients_are_theirs(case):
    # PML's own constants are float32's smallest and -inf: float64 embeddings carry it through in float64.
    for seed in range(BATCHES):
        embeddings, labels, classes = random_batch(case, seed)
        torch.manual_seed(seed)
        ours, theirs, weights = case.make(classes, DEPTH, torch.float64)
        leaf = torch.from_numpy(embeddings).requires_grad_()
        value = ours(leaf, torch.from_numpy(labels))
        value.backward()
        double = torch.from_numpy(embeddings.astype(np.float64)).requires_grad_()
        expected = theirs(double, torch.from_numpy(labels))
        expected.backward()
        assert far(value.item(), expected.item(), 1e-3) < TOLERANCE, seed
        assert far(leaf.grad, double.grad, 1e-3) < TOLERANCE, seed
        if weights is not None:
            assert far(*case.weight_gradients(ours, weights), 1e-3) < TOLERANCE, seed


@pytest.mark.parametrize("case", [case for case in pml_losses.CASES if case.differs], ids=lambda case: case.name)
def test_what_differs_still_does(case):
    embeddings, labels, classes = random_batch(case, 0)
    ours, theirs, _ = case.make(classes, DEPTH)
    pair = torch.from_numpy(embeddings), torch.from_numpy(labels)
    assert abs(ours(*pair).item() - theirs(*pair).item()) > 1e-3, case.differs


@pytest.mark.parametrize("case", [case for case in pml_losses.CASES if case.lone_rows], ids=lambda case: case.name)
def test_lone_rows_are_still_others(case):
    ours, theirs, _ = case.make(4, DEPTH)
    embeddings = torch.randn(7, DEPTH, generator=torch.Generator().manual_seed(1))
    labels = torch.tensor([0, 0, 0, 1, 1, 2, 3])
    assert abs(ours(embeddings, labels).item() - theirs(embeddings, labels).item()) > 1e-3, case.lone_rows


METRICS = ("mean_average_precision", "mean_average_precision_at_r", "mean_reciprocal_rank", "precision_at_1",
           "r_precision")


def nearest(query, k, reference, includes):
    """A knn_func in float64: FAISS's float32 puts two neighbours in another order now and then."""
    distances = torch.cdist(query.double(), reference.double(), compute_mode="donot_use_mm_for_euclid_dist")
    if includes:
        distances[torch.arange(len(query)), torch.arange(len(query))] = float("inf")
    return torch.topk(distances, k, largest=False)


def calculators(**settings):
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
    return (kindred.torch.AccuracyCalculator(include=METRICS, **settings),
            AccuracyCalculator(include=METRICS, device=torch.device("cpu"), knn_func=nearest, **settings))


def samples(seed, rows=300, classes=12):
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, rows)
    labels[-1] = classes  # alone: no query can be answered by it
    embeddings = random.standard_normal((classes + 1, DEPTH))[labels] + random.standard_normal((rows, DEPTH))
    return torch.from_numpy(embeddings.astype(np.float32)), torch.from_numpy(labels)


def assert_same(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert ours[name] == pytest.approx(theirs[name], abs=1e-6), name


@pytest.mark.parametrize("k", [None, "max_bin_count", 5, 60])
@pytest.mark.parametrize("average", [{}, {"avg_of_avgs": True}, {"return_per_class": True}], ids=str)
@pytest.mark.filterwarnings("ignore")
def test_accuracies_are_theirs(k, average):
    for seed in range(5):
        ours, theirs = calculators(k=k, **average)
        query, query_labels = samples(seed)
        assert_same(ours.get_accuracy(query, query_labels), theirs.get_accuracy(query, query_labels))
        gallery, gallery_labels = samples(seed + 100, 250)
        assert_same(ours.get_accuracy(query, query_labels, gallery, gallery_labels),
                    theirs.get_accuracy(query, query_labels, gallery, gallery_labels))
        both = torch.cat([query, gallery]), torch.cat([query_labels, gallery_labels])
        assert_same(ours.get_accuracy(query, query_labels, *both, ref_includes_query=True),
                    theirs.get_accuracy(query, query_labels, *both, ref_includes_query=True))


def test_the_calculator_has_their_methods():
    ours, theirs = calculators()
    for name in ("get_accuracy", "get_curr_metrics", "requires_clustering", "requires_knn", "description"):
        assert callable(getattr(ours, name)) and callable(getattr(theirs, name))
    assert sorted(ours.get_curr_metrics()) == sorted(theirs.get_curr_metrics())
    assert ours.requires_clustering() == theirs.requires_clustering()
    for wrong in ({"k": 0}, {"include": ("recall",)}, {"avg_of_avgs": True, "return_per_class": True}):
        for calculator in (kindred.torch.AccuracyCalculator, type(theirs)):
            with pytest.raises(ValueError):
                calculator(**wrong)
