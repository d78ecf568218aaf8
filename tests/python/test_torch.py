"""kindred.torch: losses as modules. Skipped where torch is not installed."""
import copy
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (bench/pml_requirements.txt)")

import kindred  # noqa: E402
import kindred.torch  # noqa: E402

NAMES = [name for name in kindred.losses.__all__ if isinstance(getattr(kindred.losses, name), type) and
         getattr(getattr(kindred.losses, name), "registry_name", "")]


def module_of(name, **settings):
    kind = getattr(kindred.torch, name)
    return kind(5, 16, **settings) if kind._kind.learns_from == "classes" else kind(**settings)


def batch(seed=1, rows=24):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 5, (rows,), generator=generator)
    labels[:4] = torch.tensor([0, 0, 1, 1])
    return torch.randn(rows, 16, generator=generator), labels


def second(name, embeddings, labels):
    return torch.rand_like(embeddings) if getattr(kindred.losses, name).learns_from == "targets" else labels


@pytest.mark.parametrize("name", NAMES)
def test_backward_hands_on_our_gradient(name):
    embeddings, labels = batch()
    learned = second(name, embeddings, labels)
    module = module_of(name)
    leaf = embeddings.clone().requires_grad_()
    value = module(leaf, learned)
    (3 * value).backward()
    plain = getattr(kindred.losses, name)(*((5, 16) if module._kind.learns_from == "classes" else ()))
    expected = plain(embeddings, learned)
    assert value.dtype == torch.float32 and value.item() == np.float32(expected.value)
    np.testing.assert_array_equal(leaf.grad.numpy(), np.float32(3) * expected.grad)
    assert [name for name, _ in module.named_parameters()] == list(expected.weight_grads)
    for name, parameter in module.named_parameters():
        np.testing.assert_array_equal(parameter.grad.numpy(), np.float32(3) * expected.weight_grads[name])
    assert module.scalars == expected.scalars


def test_a_head_is_trained_by_torchs_optimizer():
    embeddings, labels = batch(rows=40)
    torch.manual_seed(0)
    network = torch.nn.Linear(16, 16)
    loss = kindred.torch.NormalizedSoftmax(5, 16)
    optimizer = torch.optim.Adam([*network.parameters(), *loss.parameters()], lr=0.02)
    values = []
    for _ in range(60):
        optimizer.zero_grad()
        value = loss(network(embeddings), labels)
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < 0.05 * values[0]
    # The optimizer moved the loss's own memory.
    assert loss.loss.weights["weights"].ctypes.data == loss.weights.data_ptr()
    assert loss.step == 60


def test_what_it_cannot_do_raises():
    embeddings, labels = batch()
    loss = kindred.torch.Triplet()
    with pytest.raises(kindred.DataError, match="embeddings is torch.float64; expected torch.float32"):
        loss(embeddings.double(), labels)
    with pytest.raises(kindred.DataError, match="lies on meta"):
        loss(embeddings.to("meta"), labels)
    leaf = embeddings.requires_grad_()
    gradient, = torch.autograd.grad(loss(leaf, labels), leaf, create_graph=True)
    with pytest.raises(RuntimeError):
        gradient.sum().backward()
    head = kindred.torch.ArcFace(5, 16).double()
    with pytest.raises(kindred.DataError, match="weights is torch.float64"):
        head(embeddings, labels)
    with pytest.raises(kindred.RecipeError, match="did you mean 'margin'"):
        kindred.torch.Triplet(margn=1)


def test_only_what_is_asked_for_gets_a_gradient():
    embeddings, labels = batch()
    head = kindred.torch.CosFace(5, 16)
    head.weights.requires_grad_(False)
    leaf = embeddings.clone().requires_grad_()
    head(leaf, labels).backward()
    assert leaf.grad is not None and head.weights.grad is None
    with torch.no_grad():
        assert not head(leaf, labels).requires_grad


@pytest.mark.parametrize("name", ["ArcFace", "Center", "Margin", "AdaCos"])
def test_copies_and_saved_states_compute_the_same(name):
    embeddings, labels = batch()
    module = module_of(name)
    module(embeddings, labels)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.1
    twin, loaded = copy.deepcopy(module), module_of(name)
    loaded.load_state_dict(module.state_dict())
    value = module(embeddings, labels).item()
    assert twin(embeddings, labels).item() == value and loaded(embeddings, labels).item() == value
    assert loaded.step == module.step == twin.step == 2
    with torch.no_grad():  # a copy's parameters are its own
        for parameter in twin.parameters():
            parameter += 1
    if list(twin.parameters()):
        assert twin(embeddings, labels).item() != module(embeddings, labels).item()


def test_steps_are_counted_in_training_only():
    embeddings, labels = batch(rows=60)
    loss = kindred.torch.Margin()  # draws its pairs by the step
    first = loss(embeddings, labels).item()
    assert loss(embeddings, labels).item() != first
    loss.step = 0
    loss.eval()
    assert loss(embeddings, labels).item() == first and loss(embeddings, labels).item() == first and loss.step == 0


def test_tensors_cross_without_a_copy():
    """By address: what is read is the tensor's memory, what is written becomes a tensor's."""
    embeddings, labels = batch(rows=32)
    address, copied, _ = kindred._kindred._crossing(embeddings, "rows")
    assert (address, copied) == (embeddings.data_ptr(), False)
    result = kindred.losses.Triplet()(embeddings, labels)
    tensor = torch.from_numpy(result.grad)
    assert tensor.data_ptr() == result.grad.ctypes.data
    kept = tensor.clone()
    del result
    assert torch.equal(tensor, kept)
    # Rows of a greater matrix are read where they lie, too.
    wide = torch.randn(32, 40)
    assert kindred._kindred._crossing(wide[:, 4:20], "rows")[:2] == (wide[:, 4:20].data_ptr(), False)


def test_torchs_threads_and_rounding_stay(tmp_path):
    script = """
import torch
before = (torch.get_num_threads(), torch.tensor([1e-40]).mul(0.5).item())
import kindred.torch, kindred
after_import = (torch.get_num_threads(), torch.tensor([1e-40]).mul(0.5).item())
x = torch.randn(300, 32)
kindred.torch.Triplet(threads=2)(x, torch.arange(300) % 20)
kindred.eval.retrieval(x, torch.arange(300) % 20, threads=3)
after = (torch.get_num_threads(), torch.tensor([1e-40]).mul(0.5).item())
assert before == after_import == after, (before, after_import, after)
y = torch.randn(64, 64)
assert torch.allclose(y @ y, (y.double() @ y.double()).float(), atol=1e-3)
"""
    for order in (script, "import kindred.eval, kindred.losses\n" + script):
        done = subprocess.run([sys.executable, "-c", order], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_torch_is_imported_by_its_module_alone():
    script = ("import sys, kindred, kindred.eval, kindred.losses, kindred.miners\n"
              "assert 'torch' not in sys.modules\nimport kindred.torch\nassert 'torch' in sys.modules")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_calculator_evaluates_tensors():
    embeddings, labels = batch(rows=60)
    calculator = kindred.torch.AccuracyCalculator(include=("precision_at_1", "NMI"), similarity="cosine")
    found = calculator.get_accuracy(embeddings, labels)
    result = kindred.eval.retrieval(embeddings.numpy(), labels.numpy())
    assert found["precision_at_1"] == result["recall@1"] and list(found) == ["NMI", "precision_at_1"]
    assert calculator.get_accuracy(embeddings, labels, exclude=("NMI",)) == {"precision_at_1": found["precision_at_1"]}
    with pytest.raises(ValueError, match="'recall' is no metric"):
        kindred.torch.AccuracyCalculator(include=("recall",))
    with pytest.raises(ValueError, match="same length"):
        calculator.get_accuracy(embeddings, labels[1:])
    with pytest.raises(ValueError, match="must be the queries"):
        calculator.get_accuracy(embeddings, labels, embeddings + 1, labels, ref_includes_query=True)
    with pytest.warns(UserWarning, match="None of the query labels"):
        lonely = calculator.get_accuracy(embeddings, torch.arange(60), exclude=("NMI",))
    assert np.isnan(lonely["precision_at_1"])
