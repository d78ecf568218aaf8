"""kindred.eval and kindred.neighbors: the command line's numbers, to the last bit."""
import json
import math
import threading

import numpy as np
import pytest

import kindred
from conftest import program


def embeddings_of(seed=1, rows=260, classes=20, depth=24):
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, rows)
    rows = random.standard_normal((classes, depth))[labels] + random.standard_normal((rows, depth))
    return rows.astype(np.float32), labels


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Embeddings e.npy, labels l.npy and, of another draw, g.npy and k.npy; and the arrays."""
    folder = tmp_path_factory.mktemp("embeddings")
    arrays = [*embeddings_of(1), *embeddings_of(2, rows=150)]
    for name, array in zip("elgk", arrays):
        np.save(folder / f"{name}.npy", array)
    return folder, arrays


def line(*arguments):
    return json.loads(program("eval", *arguments, "--json", "-"))


def plain(result):
    """As JSON has it: null where there is no number."""
    return json.loads(json.dumps(dict(result)), parse_constant=lambda word: None)


SIMILARITIES = ("cosine", "inner_product", "euclidean")


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_retrieval_is_the_command_lines(files, threads, similarity):
    folder, (embeddings, labels, gallery, gallery_labels) = files
    common = ("--similarity", similarity, "--threads", threads, "--recall-at", "1,10", "--precision-at", "1,3")
    ours = {"recall_at": [1, 10], "precision_at": [1, 3], "similarity": similarity, "threads": threads}
    result = kindred.eval.retrieval(embeddings, labels, **ours)
    assert plain(result) == line("retrieval", folder / "e.npy", "--labels", folder / "l.npy", *common)
    result = kindred.eval.retrieval(embeddings, labels, gallery, gallery_labels, per_class=True, bootstrap=50, seed=3,
                                    confidence=0.9, **ours)
    assert plain(result) == line("retrieval", "--query", folder / "e.npy", "--gallery", folder / "g.npy",
                                 "--query-labels", folder / "l.npy", "--gallery-labels", folder / "k.npy", "--per-class",
                                 "--bootstrap", "50", "--seed", "3", "--confidence", "0.9", *common)


def test_retrieval_re_ranks_and_leaves_out_map(files):
    folder, (embeddings, labels, _, _) = files
    theirs = line("retrieval", folder / "e.npy", "--labels", folder / "l.npy", "--rerank", "10,3,0.4", "--no-map")
    result = kindred.eval.retrieval(embeddings, labels, rerank=(10, 3, 0.4), map=False)
    assert plain(result) == theirs and "map" not in result


def test_retrieval_per_query_and_groups(files):
    _, (embeddings, labels, _, _) = files
    result = kindred.eval.retrieval(embeddings, labels, per_query=True)
    names = list(result)[:result.per_query.shape[1]]
    assert result.per_query.shape == (260, 11) and names[0] == "recall@1" and names[-1] == "mrr"
    assert np.nanmean(result.per_query[:, 0]) == pytest.approx(result["recall@1"], abs=1e-12)
    # Each sample with its nearest of the same class in one group: that one is passed over.
    alone = kindred.eval.retrieval(embeddings, labels, groups=np.zeros(260, dtype=int) + np.arange(260) % 2)
    assert alone["r_precision"] != result["r_precision"]


def test_clustering_is_the_command_lines(files):
    folder, (embeddings, labels, _, _) = files
    for threads in (1, 2, 3):
        for k in (None, 7, "auto"):
            for similarity in ("cosine", "euclidean"):
                extra = () if k is None else ("--k", k)
                theirs = line("cluster", folder / "e.npy", "--labels", folder / "l.npy", "--threads", threads,
                              "--similarity", similarity, "--seed", "5", *extra)
                result = kindred.eval.clustering(embeddings, labels, k=k, similarity=similarity, seed=5, threads=threads)
                assert plain(result) == theirs
    assert result.assignments.shape == (260,) and result.centers.shape == (result["clusters"], 24)
    again = kindred.eval.compare_clusters(labels, result.assignments)
    assert {name: result[name] for name in again} == dict(again)


def test_oneshot_is_the_command_lines(files):
    folder, (embeddings, labels, _, _) = files
    for threads in (1, 2, 3):
        theirs = line("oneshot", folder / "e.npy", "--labels", folder / "l.npy", "--ways", "5", "--shots", "2",
                      "--queries", "3", "--episodes", "40", "--seed", "9", "--threads", threads)
        result = kindred.eval.oneshot(embeddings, labels, ways=5, shots=2, queries=3, episodes=40, seed=9, threads=threads)
        assert plain(result) == theirs


def test_oneshot_of_given_episodes():
    # Two episodes: in the first the test image is nearest to its own class, in the second to the other.
    rows = np.array([(1, 0), (0, 1), (.9, .1), (1, 0), (0, 1), (.1, .9)])
    result = kindred.eval.oneshot(rows, [0, 1, 0, 0, 1, 0], episode=[1, 1, 1, 2, 2, 2], role=[0, 0, 1, 0, 0, 1])
    assert result["error"] == 0.5 and result["wrong"] == 1 and result["episodes"] == 2
    with pytest.raises(kindred.UsageError, match="either ways, or both"):
        kindred.eval.oneshot(rows, [0, 1, 0, 0, 1, 0], episode=[1] * 6)
    with pytest.raises(kindred.DataError, match="role"):
        kindred.eval.oneshot(rows, [0, 1, 0, 0, 1, 0], episode=[1] * 6, role=[7] * 6)
    with pytest.raises(kindred.DataError, match="too large"):
        kindred.eval.oneshot(rows, [0, 1, 0, 0, 1, 0], episode=[2**40] * 6, role=[1] * 6)


def test_all_pairs_are_the_command_lines(files):
    folder, (embeddings, labels, _, _) = files
    for threads in (1, 2, 3):
        theirs = line("verify", folder / "e.npy", "--labels", folder / "l.npy", "--all-pairs", "--far", "0.1,0.001",
                      "--threads", threads)
        assert plain(kindred.eval.all_pairs(embeddings, labels, far=[0.1, 0.001], threads=threads)) == theirs


def test_verification_is_the_command_lines(files):
    folder, (embeddings, labels, _, _) = files
    np.savez(folder / "all.npz", embeddings=embeddings, labels=labels, paths=[f"{row}.png" for row in range(260)])
    random = np.random.default_rng(3)
    first, second = random.integers(0, 260, 400), random.integers(0, 260, 400)
    second[:200] = [random.choice(np.flatnonzero(labels == labels[row])) for row in first[:200]]
    same, fold = labels[first] == labels[second], np.arange(400) % 10
    (folder / "pairs.csv").write_text("".join(f"{a},{b},{int(s)},{f}\n" for a, b, s, f in zip(first, second, same, fold)))
    for threads in (1, 2, 3):
        theirs = line("verify", folder / "e.npy", "--pairs", folder / "pairs.csv", "--hardest", "3", "--threads", threads)
        result = kindred.eval.verification(embeddings[first], embeddings[second], same, fold=fold, hardest=3,
                                           threads=threads)
        for worst in theirs["hardest_false_accepts"] + theirs["hardest_false_rejects"]:
            del worst["first"], worst["second"]
        assert plain(result) == theirs
    assert result.scores.shape == (400,)
    again = kindred.eval.rates(result.scores, same, fold=fold)
    assert {name: result[name] for name in again} == dict(again)
    curve = kindred.eval.roc_curve(result.scores, same)
    assert (curve.false_accept_rate[0], curve.true_accept_rate[0]) == (0, 0)
    assert (curve.false_accept_rate[-1], curve.true_accept_rate[-1]) == (1, 1) and curve.thresholds[-1] == -math.inf
    assert kindred.eval.roc_auc(result.scores, same) == result["auc"]


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_neighbors_are_the_nearest(files, similarity):
    _, (queries, _, gallery, _) = files
    found = kindred.neighbors(queries, gallery, k=7, similarity=similarity)
    q, g = queries.astype(float), gallery.astype(float)
    products = q @ g.T
    scores = {"inner_product": products,
              "cosine": products / np.linalg.norm(q, axis=1)[:, None] / np.linalg.norm(g, axis=1),
              "euclidean": -np.sqrt(((q[:, None] - g[None]) ** 2).sum(axis=2))}[similarity]
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :7]
    assert (found.indices == expected).all()
    best = np.take_along_axis(scores, expected, axis=1)
    np.testing.assert_allclose(found.scores, -best if similarity == "euclidean" else best, atol=1e-12, rtol=1e-12)
    for threads in (1, 2, 3):
        again = kindred.neighbors(queries, gallery, k=7, similarity=similarity, threads=threads)
        assert again.scores.tobytes() == found.scores.tobytes() and (again.indices == found.indices).all()
    indices, _ = kindred.neighbors(queries, k=3)
    assert (indices != np.arange(len(queries))[:, None]).all()


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_neighbors_are_the_command_lines(place, model, threads):
    """HDF5 keeps small data sets in one piece, as they are: the file of `kindred search` holds our bytes."""
    embeddings = model.embed(np.load(place / "data.npz")["images"])
    program("embed", place / "line" / "model.kindred", place / "data.npz", "--split", "all", "--out", place / "e.h5",
            "--quiet")
    program("search", place / "e.h5", "--k", "5", "--out", place / "n.h5", "--threads", threads, "--quiet")
    indices, scores = kindred.neighbors(embeddings, k=5, threads=threads)
    written = (place / "n.h5").read_bytes()
    assert indices.tobytes() in written and scores.tobytes() in written
    assert kindred.neighbors(embeddings, k=6).scores.tobytes() not in written


def test_results_print_as_tables(files):
    _, (embeddings, labels, _, _) = files
    result = kindred.eval.retrieval(embeddings, [f"<{label}>" for label in labels], per_class=True)
    lines = repr(result).splitlines()
    assert lines[0] == "Retrieval" and lines[1].split() == ["recall@1", f"{result['recall@1']:.4f}"]
    assert lines[-1].split(None, 1) == ["and", "class_means, classes"]
    page = result._repr_html_()
    assert page.startswith("<table><caption>Retrieval</caption>") and "recall@1</th><td>" in page
    assert result["classes"][0]["name"].startswith("<")
    assert isinstance(result, dict) and json.loads(json.dumps(result)) == dict(result)


def test_every_metric_of_the_registry_is_measured(files):
    """By the command that the registry names; recall@k as recall@1, and so on."""
    _, (embeddings, labels, _, _) = files
    half = len(labels) // 2
    first, second, same = embeddings[:half], embeddings[half:], labels[:half] == labels[half:]
    same[:5] = True
    results = {
        "retrieval": kindred.eval.retrieval(embeddings, labels),
        "verify": kindred.eval.verification(first, second, same, fold=np.arange(half) % 3),
        "cluster": kindred.eval.clustering(embeddings, labels), "oneshot": kindred.eval.oneshot(embeddings, labels, ways=3)}
    for metric in kindred.eval.metrics():
        if metric.name == "neighbor_recall@k":  # of a file that ann-benchmarks wrote
            continue
        stem = metric.name.split("@")[0] + ("@" if metric.name.endswith(("@k", "=f")) else "")
        assert any(key.startswith(stem) for key in results[metric.command]), metric.name


def test_what_is_chance_is_warned_of():
    rows = np.tile(np.array([[3, 4]], dtype=np.float32), (6, 1))
    with pytest.warns(UserWarning, match="all embeddings are equal"):
        result = kindred.eval.retrieval(rows, [0, 0, 0, 1, 1, 1])
    assert result["constant_embeddings"] is True and result["queries_with_ties"] == 6
    rows[0] = 0
    with pytest.warns(UserWarning, match="1 of the embeddings are all zeros"):
        assert kindred.eval.retrieval(rows, [0, 0, 0, 1, 1, 1])["zero_vectors"] == 1


def test_wrong_calls_are_refused(files):
    _, (embeddings, labels, gallery, gallery_labels) = files
    refused = [
        (kindred.DataError, "labels has 259 values; expected 260", lambda: kindred.eval.retrieval(embeddings, labels[1:])),
        (kindred.UsageError, "gallery_labels: missing", lambda: kindred.eval.retrieval(embeddings, labels, gallery)),
        (kindred.DataError, "gallery_labels has 149", lambda: kindred.eval.retrieval(embeddings, labels, gallery,
                                                                                    gallery_labels[1:])),
        (kindred.UsageError, "similarity = 'angle'; expected", lambda: kindred.eval.retrieval(embeddings, labels,
                                                                                             similarity="angle")),
        (kindred.UsageError, "rerank: expected three", lambda: kindred.eval.retrieval(embeddings, labels, rerank=(20, 6))),
        (kindred.UsageError, "threads = -1", lambda: kindred.eval.retrieval(embeddings, labels, threads=-1)),
        (kindred.UsageError, "k = 0; expected", lambda: kindred.neighbors(embeddings, gallery, k=0)),
        (kindred.UsageError, "151", lambda: kindred.neighbors(embeddings, gallery, k=151)),
        (kindred.DataError, "24", lambda: kindred.neighbors(embeddings, gallery[:, :9])),
        (kindred.UsageError, "k = 'many'", lambda: kindred.eval.clustering(embeddings, labels, k="many")),
        (kindred.UsageError, "k = -3", lambda: kindred.eval.clustering(embeddings, labels, k=-3)),
        (kindred.DataError, "both kinds", lambda: kindred.eval.verification(gallery, gallery, [True] * 150)),
        (kindred.DataError, "scores is", lambda: kindred.eval.roc_curve(["a"], [True])),
        (kindred.UsageError, "hardest = -1", lambda: kindred.eval.verification(gallery, gallery, labels[:150] % 2,
                                                                              hardest=-1)),
        (kindred.DataError, "from 2 clusters", lambda: kindred.eval.silhouette(embeddings, labels * 0)),
        (kindred.UsageError, "is of distances", lambda: kindred.eval.silhouette(embeddings, labels,
                                                                           similarity="inner_product"))]
    for kind, words, call in refused:
        with pytest.raises(kind, match=words):
            call()


def test_equal_texts_are_one_class_on_both_sides(files):
    _, (embeddings, labels, gallery, gallery_labels) = files
    named = lambda numbers: [f"class {number:02}" for number in numbers]
    theirs = kindred.eval.retrieval(embeddings, named(labels), gallery, named(gallery_labels))
    assert dict(theirs) == dict(kindred.eval.retrieval(embeddings, labels, gallery, gallery_labels))


def test_threads_may_call_at_once(files):
    _, (embeddings, labels, gallery, _) = files
    expected = dict(kindred.eval.retrieval(embeddings, labels)), kindred.neighbors(embeddings, gallery, 5).scores.tobytes()
    wrong = []

    def call(threads):
        for _ in range(5):
            got = (dict(kindred.eval.retrieval(embeddings, labels, threads=threads)),
                   kindred.neighbors(embeddings, gallery, 5, threads=threads).scores.tobytes())
            if got != expected:
                wrong.append(threads)
    threads = [threading.Thread(target=call, args=(1 + number % 3,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
