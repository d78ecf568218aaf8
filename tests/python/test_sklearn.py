"""Against scikit-learn: clusters' agreement, the ROC curve, silhouettes. Skipped where it is not installed."""
import numpy as np
import pytest

metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed (bench/pml_requirements.txt)")

import kindred  # noqa: E402

CASES = range(50)
TOLERANCE = 1e-6


@pytest.mark.parametrize("case", CASES)
def test_clusters_agree_as_theirs_do(case):
    random = np.random.default_rng(case)
    rows = int(random.integers(2, 400))
    labels = random.integers(0, random.integers(1, 30), rows)
    clusters = np.where(random.random(rows) < random.random(), labels, random.integers(0, 12, rows))
    result = kindred.eval.compare_clusters(labels, clusters)
    assert result["nmi"] == pytest.approx(metrics.normalized_mutual_info_score(labels, clusters), abs=TOLERANCE)
    assert result["ami"] == pytest.approx(metrics.adjusted_mutual_info_score(labels, clusters), abs=TOLERANCE)


@pytest.mark.parametrize("case", CASES)
def test_roc_curves_are_theirs(case):
    random = np.random.default_rng(case)
    count = int(random.integers(2, 500))
    same = random.random(count) < random.uniform(0.1, 0.9)
    same[:2] = True, False
    scores = random.standard_normal(count) + same
    if case % 2:
        scores = np.round(scores, 1)  # ties
    assert kindred.eval.roc_auc(scores, same) == pytest.approx(metrics.roc_auc_score(same, scores), abs=TOLERANCE)
    ours = kindred.eval.roc_curve(scores, same)
    false_rate, true_rate, thresholds = metrics.roc_curve(same, scores, drop_intermediate=False)
    np.testing.assert_allclose(ours.false_accept_rate, false_rate, atol=TOLERANCE)
    np.testing.assert_allclose(ours.true_accept_rate, true_rate, atol=TOLERANCE)
    # Theirs accept from the threshold on, ours above it: each point's is the next one's.
    np.testing.assert_allclose(ours.thresholds[:-1], thresholds[1:], atol=TOLERANCE)


@pytest.mark.parametrize("similarity", ["cosine", "euclidean"])
@pytest.mark.parametrize("case", CASES)
def test_silhouettes_are_theirs(case, similarity):
    random = np.random.default_rng(case)
    rows = int(random.integers(4, 200))
    clusters = random.integers(0, max(2, rows // 4), rows)
    clusters[:3] = 0, 0, 1  # two clusters at least, and one of two rows
    embeddings = random.standard_normal((rows, 12)) + random.uniform(0, 3) * random.standard_normal((rows, 12))[clusters]
    embeddings = embeddings.astype(np.float32)
    expected = metrics.silhouette_score(embeddings.astype(np.float64), clusters, metric=similarity)
    results = {kindred.eval.silhouette(embeddings, clusters, similarity=similarity, threads=threads)
               for threads in (1, 2, 3)}
    assert len(results) == 1 and results.pop() == pytest.approx(expected, abs=TOLERANCE)
