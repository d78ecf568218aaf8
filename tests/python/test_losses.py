"""kindred.losses and kindred.miners: the registry as classes."""
import json
import math
import pickle
import re
import threading
from pathlib import Path

import numpy as np
import pytest

import kindred
from conftest import program

# Six rows on the unit circle, in three classes, with values from pytorch-metric-learning, to nine digits, as
# tests/loss/hand_test.cc has them.
ROWS = np.array([(1, 0), (.8, .6), (0, 1), (-.6, .8), (-1, 0), (.28, -.96)])
CLASSES = [0, 0, 1, 1, 2, 2]
WEIGHTS = np.array([(1, 0), (0, 1), (-.6, -.8)])


def all_losses():
    kinds = [getattr(kindred.losses, name) for name in kindred.losses.__all__]
    return [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, kindred.losses.Loss) and
            kind.registry_name]


def made(kind, **settings):
    return kind(5, 16, **settings) if kind.learns_from == "classes" else kind(**settings)


def batch(seed=1, rows=24, depth=16):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 5, rows)
    labels[:4] = [0, 0, 1, 1]
    return random.standard_normal((rows, depth)).astype(np.float32), labels


def second(kind, labels, seed=1):
    """What the loss learns from."""
    return np.random.default_rng(seed).random((len(labels), 16)) if kind.learns_from == "targets" else labels


def test_every_loss_of_the_registry_is_a_class_and_no_other():
    listed = re.findall(r"^  (\w+): ", program("list", "losses"), re.MULTILINE)
    assert [kind.registry_name for kind in all_losses()] == listed
    assert {"ArcFace", "MSE", "NPairs", "NTXent", "ProxyNCA", "SmoothAP", "SubcenterArcFace", "SupCon",
            "Triplet"} <= set(kindred.losses.__all__)


@pytest.mark.parametrize("loss, expected", [
    (kindred.losses.Triplet(mining="all", margin=.05), 0.361743716),
    (kindred.losses.Triplet(mining="all", margin=.05, reduction="mean"), 0.060290619),
    (kindred.losses.Triplet(mining="hard", margin=.5, reduction="mean"), 0.469942972),
    (kindred.losses.Contrastive(), 1.060543164),
    (kindred.losses.MultiSimilarity(), 0.504374434),
    (kindred.losses.Circle(), 45.411741111),
    (kindred.losses.SupCon(temperature=.1), 2.465988355),
    (kindred.losses.NTXent(temperature=.07), 3.456709085)], ids=repr)
def test_values_are_those_of_the_papers(loss, expected):
    assert loss(ROWS, CLASSES)[0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("kind, settings, expected", [
    (kindred.losses.ProxyAnchor, {}, 11.521093392), (kindred.losses.ProxyNCA, {}, 0.291975519),
    (kindred.losses.ArcFace, {"margin": np.radians(28.6)}, 3.423964636), (kindred.losses.CosFace, {}, 1.942812492),
    (kindred.losses.NormalizedSoftmax, {}, 0.003302709)], ids=lambda value: getattr(value, "__name__", ""))
def test_own_weights_are_written_in_place(kind, settings, expected):
    loss = kind(3, 2, **settings)
    (name, weights), = loss.weights.items()
    weights[...] = WEIGHTS
    result = loss(ROWS, CLASSES)
    assert result.value == pytest.approx(expected, rel=1e-5)
    assert result.weight_grads[name].shape == (3, 2)
    # The weights are the loss's own memory, and stay so when a greater batch comes.
    loss(np.tile(ROWS, (9, 1)), CLASSES * 9)
    assert loss.weights[name].ctypes.data == weights.ctypes.data
    assert loss(ROWS, CLASSES).value == result.value


def test_centers_move_as_published():
    loss = kindred.losses.Center(3, 2)
    loss.set_state({"centers": np.array([(.5, 0), (0, .5), (0, 0)], dtype=np.float32)})
    assert loss(ROWS, CLASSES).value == pytest.approx(0.283333333, rel=1e-6)
    np.testing.assert_allclose(loss.state["centers"], [(.633333, .1), (-.1, .633333), (-.12, -.16)], atol=1e-6)
    with pytest.raises(kindred.DataError, match="nothing called 'middles'"):
        loss.set_state({"middles": np.zeros(2)})
    with pytest.raises(kindred.DataError, match="centers"):
        loss.set_state({"centers": np.zeros((2, 2), dtype=np.float32)})


@pytest.mark.parametrize("kind", all_losses(), ids=lambda kind: kind.__name__)
def test_gradients_are_those_of_the_values(kind):
    """By differences along 5 directions. Values are float32's: a difference over 2 h is within some 1e-6 / h."""
    embeddings, labels = batch()
    loss = made(kind)
    state = loss.state
    value = lambda rows: [loss.set_state(state), loss(rows, second(kind, labels))][1]
    result = value(embeddings)
    assert result.grad.dtype == np.float32 and result.grad.shape == embeddings.shape
    random = np.random.default_rng(2)
    step = 1e-2 if kind.__name__ != "Circle" else 1e-3
    slopes, expected = [], []
    for _ in range(5):
        direction = random.standard_normal(embeddings.shape).astype(np.float32)
        direction /= np.linalg.norm(direction)
        slopes.append((value(embeddings + step * direction).value - value(embeddings - step * direction).value) / 2 / step)
        expected.append(float((result.grad * direction).sum()))
    if kind.__name__ == "Circle":  # its weights count as constants for the gradient
        return
    np.testing.assert_allclose(slopes, expected, atol=0.05 * max(1e-2, float(np.linalg.norm(result.grad))))


@pytest.mark.parametrize("kind", all_losses(), ids=lambda kind: kind.__name__)
def test_the_bits_do_not_depend_on_threads(kind):
    embeddings, labels = batch(rows=200)
    results = [made(kind)(embeddings, second(kind, labels), threads=threads) for threads in (1, 2, 3)]
    for other in results[1:]:
        assert other.value == results[0].value and other.scalars == results[0].scalars
        assert other.grad.tobytes() == results[0].grad.tobytes()
        assert all(other.weight_grads[name].tobytes() == grad.tobytes()
                   for name, grad in results[0].weight_grads.items())


def norm(array):
    """As the command line sums it up: one after another, in float64."""
    total = 0.0
    for value in array.ravel().tolist():
        total += value * value
    return math.sqrt(total)


@pytest.fixture(scope="session")
def embedded(place, model):
    """A file that the command line embedded; the same embeddings, and their labels."""
    program("embed", place / "line" / "model.kindred", place / "data.npz", "--split", "all", "--out", place / "all.h5",
            "--quiet")
    samples = np.load(place / "data.npz")
    return place / "all.h5", model.embed(samples["images"]), samples["labels"]


@pytest.mark.parametrize("kind", [kind for kind in all_losses() if kind.learns_from != "targets"],
                         ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_numbers_are_the_command_lines(kind, threads, embedded):
    path, embeddings, labels = embedded
    line = json.loads(program("loss", path, "--loss", kind.registry_name, "--threads", threads, "--json", "-"))
    loss = kind(20, embeddings.shape[1]) if kind.learns_from == "classes" else kind()
    result = loss(embeddings, labels, threads=threads)
    ours = {"loss": kind.registry_name, "value": result.value, **result.scalars, "grad_embeddings_norm": norm(result.grad)}
    if result.weight_grads:
        ours["grad_param_norm"] = norm(next(iter(result.weight_grads.values())))
    assert ours == line


@pytest.mark.parametrize("kind", all_losses(), ids=lambda kind: kind.__name__)
def test_documentation_names_settings_ranges_shapes_and_source(kind):
    listed = program("list", kind.registry_name)
    text = kind.__doc__
    for part in ("Source: ", "Takes", "Returns", "Fails with", "[B, D]"):
        assert part in text
    for setting in kind._listing["settings"]:
        assert f"    {setting['key']} = {setting['value']}\n" in listed
        assert f"{setting['key']}: {setting['type']}" in text and f"default {setting['value']}" in text
    paper = re.search(r"\(([A-Z][^()]*\d{4})\)$", kind._listing["summary"])
    assert not paper or f"Source: {paper.group(1)}." in text


def test_wrong_settings_are_refused_in_the_librarys_words():
    with pytest.raises(kindred.RecipeError, match="unknown key 'margn' in .*triplet; did you mean 'margin'?"):
        kindred.losses.Triplet(margn=1)
    with pytest.raises(kindred.RecipeError, match="margin = -1: expected a value from 0 to 1000"):
        kindred.losses.Triplet(margin=-1)
    with pytest.raises(ValueError, match="mining"):
        kindred.losses.Triplet(mining="hardest")
    with pytest.raises(kindred.RecipeError, match="bins"):
        kindred.losses.Histogram(bins=2.5)
    with pytest.raises(kindred.RecipeError, match="margin = .*expected a number, true or false, or a text"):
        kindred.losses.Triplet(margin=[1])
    with pytest.raises(TypeError, match="embedding_size"):
        kindred.losses.ArcFace(10)
    with pytest.raises(kindred.UsageError, match="num_classes = 0"):
        kindred.losses.ArcFace(0, 16)
    with pytest.raises(kindred.UsageError, match="name num_classes"):
        kindred.losses.Margin(beta_per_class=True)


def test_wrong_batches_are_refused():
    embeddings, labels = batch()
    head = kindred.losses.ArcFace(5, 16)
    with pytest.raises(kindred.DataError, match="labels has 23 values; expected 24"):
        head(embeddings, labels[:23])
    with pytest.raises(kindred.DataError, match="holds 5; expected classes from 0 to 4"):
        head(embeddings, np.where(labels == 4, 5, labels))
    with pytest.raises(kindred.DataError, match="holds -1"):
        head(embeddings, labels - 1)
    with pytest.raises(kindred.DataError, match="15 columns.*embedding_size = 16"):
        head(embeddings[:, :15], labels)
    with pytest.raises(kindred.DataError, match="embeddings"):
        head(embeddings[0], labels)
    broken = embeddings.copy()
    broken[3, 2] = np.nan
    with pytest.raises(kindred.DataError, match="embeddings"):
        head(broken, labels)
    with pytest.raises(kindred.DataError, match=r"targets is \[23, 16\]"):
        kindred.losses.MSE()(embeddings, np.zeros((23, 16)))
    with pytest.raises(kindred.UsageError, match="needs labels"):
        head(embeddings, None)


def test_labels_of_pairs_may_be_anything():
    embeddings, labels = batch()
    loss = kindred.losses.SupCon()
    expected = loss(embeddings, labels)
    for same in (labels.astype(np.uint8), labels.astype(">i4"), labels * 10**12, labels - 0.0, [f"class {c}" for c in labels]):
        result = loss(embeddings, same)
        assert result.value == expected.value and result.grad.tobytes() == expected.grad.tobytes()
    with pytest.raises(kindred.DataError, match="labels row 0 is -7; labels count from 0"):
        loss(embeddings, labels - 7)


def test_a_memory_compares_with_earlier_batches():
    loss = kindred.losses.Contrastive(memory=64)
    first, labels = batch(seed=1)
    alone = loss(first, labels).value
    assert loss(first + 0.1, labels).value != kindred.losses.Contrastive()(first + 0.1, labels).value
    assert alone == pytest.approx(kindred.losses.Contrastive()(first, labels).value, rel=1e-5)
    assert loss.state["memory.position"].tolist() == [48, 48]
    with pytest.raises(kindred.DataError, match="15 columns; those that this contrastive remembers had 16"):
        loss(first[:, :15], labels)
    with pytest.raises(kindred.RecipeError, match="memory = 64 holds less than a batch of 65"):
        loss(*batch(rows=65))


@pytest.mark.parametrize("loss", [kindred.losses.Triplet(margin=.3), kindred.losses.ArcFace(5, 16, scale=20),
                                  kindred.losses.Center(5, 16), kindred.losses.Contrastive(memory=64),
                                  kindred.losses.AdaCos(5, 16)], ids=repr)
def test_losses_are_pickled_with_what_they_hold(loss):
    embeddings, labels = batch()
    loss(embeddings, labels)
    for array in loss.weights.values():
        array += 0.25
    copy = pickle.loads(pickle.dumps(loss))
    assert repr(copy) == repr(loss) and copy.settings == loss.settings
    ours, theirs = loss(embeddings, labels), copy(embeddings, labels)
    assert ours.value == theirs.value and ours.grad.tobytes() == theirs.grad.tobytes()
    assert pickle.loads(pickle.dumps(ours)).scalars == ours.scalars


def test_threads_may_call_at_once():
    batches = [batch(seed=seed, rows=40 + 8 * seed) for seed in range(6)]
    shared = kindred.losses.ArcFace(5, 16)
    for make in (lambda: shared, kindred.losses.Triplet):
        expected = [make()(*one) for one in batches]
        wrong = []

        def call(number):
            for _ in range(20):
                result = make()(*batches[number], threads=1 + number % 3)
                if result.value != expected[number].value or (result.grad != expected[number].grad).any():
                    wrong.append(number)
        threads = [threading.Thread(target=call, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong


def test_weights_outlive_the_loss():
    weights = kindred.losses.ArcFace(5, 16).weights["weights"]
    assert np.isfinite(weights).all() and weights.shape == (5, 16)
    weights += 1
    assert np.abs(weights).max() > 0


def test_miners_choose_pairs():
    pairs = kindred.miners.Hard()(ROWS, CLASSES)
    # The farthest of its class is the other one; the nearest of another is read off the circle.
    assert pairs.anchors.tolist() == [0, 1, 2, 3, 4, 5] and pairs.kin.tolist() == [1, 0, 3, 2, 5, 4]
    assert pairs.other_anchors.tolist() == [0, 1, 2, 3, 4, 5] and pairs.others.tolist() == [5, 2, 1, 4, 3, 0]
    everything = kindred.miners.All()(ROWS, [str(label) for label in CLASSES])
    assert len(everything.anchors) == 6 and len(everything.others) == 24
    assert {"All", "DistanceWeighted", "EasyPositive", "Hard", "MultiSimilarity", "Semihard"} <= set(kindred.miners.__all__)
    with pytest.raises(kindred.RecipeError, match="epsilon = -1"):
        kindred.miners.MultiSimilarity(epsilon=-1)
    with pytest.raises(kindred.RecipeError, match="did you mean 'epsilon'"):
        kindred.miners.MultiSimilarity(epsilom=1)
    with pytest.raises(kindred.UsageError, match="distance = 'manhattan'"):
        kindred.miners.Hard()(ROWS, CLASSES, distance="manhattan")


@pytest.mark.parametrize("miner", ["All", "DistanceWeighted", "EasyPositive", "Hard", "MultiSimilarity", "Semihard"])
def test_a_miner_chooses_what_the_loss_uses(miner):
    """Contrastive, with margins that no pair meets, has a gradient at the rows of chosen pairs alone."""
    embeddings, labels = batch(rows=30)
    chosen = getattr(kindred.miners, miner)()
    loss = kindred.losses.Contrastive(mining=chosen, pos_margin=-5, neg_margin=10)
    pairs = chosen(embeddings, labels)
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    far = lambda a, b: np.linalg.norm(unit[a] - unit[b], axis=1)
    expected = (far(pairs.anchors, pairs.kin) + 5).mean() + (10 - far(pairs.other_anchors, pairs.others)).mean()
    assert loss(embeddings, labels).value == pytest.approx(float(expected), rel=1e-5)
    assert (labels[pairs.anchors] == labels[pairs.kin]).all() and (pairs.anchors != pairs.kin).all()
    assert (labels[pairs.other_anchors] != labels[pairs.others]).all()
    for threads in (1, 3):
        again = chosen(embeddings, labels, threads=threads)
        assert all((one == other).all() for one, other in zip(pairs, again))


def test_stubs_are_what_the_registries_say():
    import subprocess
    import sys
    script = Path(__file__).resolve().parents[2] / "tools/python/stubs"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
