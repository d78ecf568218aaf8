#!/usr/bin/python3
"""Images per second of the reference network: Kindred against Debian's PyTorch, in one run.

One operation is a complete training step on a batch of 128 = 32 classes x 4 samples: data out of
memory, the network, softmax over 964 classes + batch-hard triplet (Euclidean, unit rows, margin 0.2)
+ center loss, backward, Adam. With --inference: embedding batches of 128 with the network in
evaluation mode. The network is
  conv4   four 3x3 blocks of 64 channels, each with batch norm, ReLU and 2x2 max pool; Omniglot's
          28x28x1 in, embedding 128 out; 20 MFLOP forward an image, three times that a step
  resnet  a 3x3 stem and one residual block each of 32, 64 and 128 channels; 32x32x3 in (made up),
          embedding 128 out
  mobilefacenet, resnet18
          as published, on 112x112x3 (made up), embedding 128 out: --steps 3 is long enough

PyTorch gets what makes it fastest here: channels-last tensors, all threads, fused Adam loops, mining
on indices without B x B gradients; for inference the fastest of eager, eager with folded batch norms
and, before 2.0, frozen TorchScript. The two programs take turns, so that a change of the machine's mood hits both.
With --precision bfloat16 PyTorch trains under autocast and infers with a network and images in bfloat16.
It keeps memory that it has freed (MALLOC_*: 1.4 times as fast here as with glibc's own habit of giving
each large tensor back), and OpenBLAS makes no threads beside OpenMP's, unless the environment says otherwise.
--isa v3 caps both programs to AVX2: Kindred by KINDRED_MAX_ISA, PyTorch's own kernels, its oneDNN and BLAS by theirs.

usage: compare_pytorch.py [--kindred COMMAND] [--network conv4|resnet|mobilefacenet|resnet18] [--data PATH] [--threads N] [--repeats N] [--steps N] [--inference] [--precision P] [--isa v2|v3|v4] [--set KEY=VALUE]
needs: apt-get install --no-install-recommends python3-torch python3-h5py python3-numpy libopenblas0-openmp
"""
import copy
import os
import sys
import tempfile
import time
from pathlib import Path

import comparison

sys.path.append(str(comparison.ROOT / "tests/exchange"))

arguments = comparison.parser(__doc__)
SETTINGS = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(8 << 30), "MALLOC_TOP_PAD_": str(256 << 20),
            "OPENBLAS_NUM_THREADS": "1"}
comparison.start_again_with(SETTINGS)
try:
    import h5py
    import numpy as np
    import torch
    import torch_networks
except ImportError as error:
    sys.exit(f"compare_pytorch.py: {error}; see --help")

CLASSES_A_BATCH, SAMPLES_A_CLASS = 32, 4
BATCH = CLASSES_A_BATCH * SAMPLES_A_CLASS
CLASSES = 964
SIDES = {"resnet": 32, "mobilefacenet": 112, "resnet18": 112}


def load_images(path):
    """Omniglot's background set as bytes [964, 20, 28, 28, 1]."""
    with h5py.File(path) as file:
        train = file["split"][:] == 0
        images, labels = file["images"][:][train], file["labels"][:][train]
    order = np.argsort(labels, kind="stable")
    return images[order].reshape(CLASSES, 20, 28, 28, 1)


def make_images(path, size=32, channels=3):
    """Noise around a noisy mean for each class, as bytes [964, N, size, size, channels]; a data set at path."""
    random = np.random.default_rng(1)
    each = 20 if size <= 32 else SAMPLES_A_CLASS  # 145 MB of 112x112
    mean = random.integers(64, 192, (CLASSES, 1, size, size, channels), dtype=np.uint8)
    images = mean + random.integers(0, 64, (CLASSES, each, size, size, channels), dtype=np.uint8)
    with h5py.File(path, "w") as file:
        file["images"] = images.reshape(-1, size, size, channels)
        file["labels"] = np.repeat(np.arange(CLASSES, dtype=np.int32), each)
    return images


def to_input(images):
    """[N, H, W, C] in bytes as the floats that PyTorch calls channels-last."""
    return torch.from_numpy(images).float().sub_(20.0).mul_(1 / 65.0).permute(0, 3, 1, 2)


def unit(src, dst, kernel=3, stride=1):
    return [torch.nn.Conv2d(src, dst, kernel, stride, kernel // 2, bias=False), torch.nn.BatchNorm2d(dst)]


class Residual(torch.nn.Module):
    """relu(body(x) + shortcut(x))"""

    def __init__(self, src, dst, stride):
        super().__init__()
        self.body = torch.nn.Sequential(*unit(src, dst, 3, stride), torch.nn.ReLU(inplace=True), *unit(dst, dst))
        self.shortcut = torch.nn.Sequential(*(unit(src, dst, 1, stride) if stride != 1 or src != dst else []))

    def forward(self, x):
        return torch.nn.functional.relu(self.body(x) + self.shortcut(x), inplace=True)


def make_network(name):
    layers = []
    if name in torch_networks.NETWORKS:
        return torch_networks.NETWORKS[name][0](128).to(memory_format=torch.channels_last)
    if name == "conv4":
        for channels in (1, 64, 64, 64):
            layers += [*unit(channels, 64), torch.nn.ReLU(inplace=True), torch.nn.MaxPool2d(2)]
        layers += [torch.nn.Flatten(), torch.nn.Linear(64, 128)]
    else:
        layers = [*unit(3, 32), torch.nn.ReLU(inplace=True), Residual(32, 32, 1), Residual(32, 64, 2),
                  Residual(64, 128, 2), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(128, 128)]
    return torch.nn.Sequential(*layers).to(memory_format=torch.channels_last)


def fold(network):
    """Each batch norm into the convolution before it."""
    if not isinstance(network, torch.nn.Sequential):
        return torch_networks.fold(network).to(memory_format=torch.channels_last)
    for module in network.modules():
        if not isinstance(module, torch.nn.Sequential):
            continue
        for i in range(len(module) - 1):
            if isinstance(module[i], torch.nn.Conv2d) and isinstance(module[i + 1], torch.nn.BatchNorm2d):
                module[i] = torch.nn.utils.fusion.fuse_conv_bn_eval(module[i], module[i + 1])
                module[i + 1] = torch.nn.Identity()
    return network.to(memory_format=torch.channels_last)


def triplet_loss(embeddings, labels, margin=0.2):
    """Batch-hard, mean over the triplets that are not yet met."""
    unit = torch.nn.functional.normalize(embeddings)
    with torch.no_grad():
        similarity = unit @ unit.T
        same = labels[:, None] == labels[None, :]
        negative = similarity.masked_fill(same, -2).argmax(1)
        positive = similarity.masked_fill(~same, 2).fill_diagonal_(2).argmin(1)
    margins = (unit - unit[positive]).norm(dim=1) - (unit - unit[negative]).norm(dim=1) + margin
    losses = margins.relu()
    return losses.sum() / (losses > 0).sum().clamp(min=1)


def center_loss(embeddings, labels, centers, alpha=0.5):
    """Wen et al. 2016; moves the centers as well."""
    difference = embeddings - centers[labels]
    with torch.no_grad():
        step = torch.zeros_like(centers).index_add_(0, labels, difference)
        count = torch.bincount(labels, minlength=CLASSES)
        centers += alpha * step / (1 + count)[:, None]
    return 0.5 * (difference * difference).sum() / len(labels)


class Training:
    def __init__(self, name, images, dtype):
        self.images = images
        self.autocast = torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16)
        self.random = np.random.default_rng(1)
        self.network = make_network(name)
        self.weights = torch.nn.Parameter(torch.randn(CLASSES, 128) * 0.05)
        self.centers = torch.zeros(CLASSES, 128)
        self.optimizer = torch.optim.Adam([*self.network.parameters(), self.weights], lr=1e-3, foreach=True)

    def batch(self):
        classes = self.random.choice(CLASSES, CLASSES_A_BATCH, replace=False)
        samples = self.random.random((CLASSES_A_BATCH, self.images.shape[1])).argsort(axis=1)
        images = self.images[classes[:, None], samples[:, :SAMPLES_A_CLASS]].reshape(BATCH, *self.images.shape[2:])
        return to_input(images), torch.from_numpy(classes).repeat_interleave(SAMPLES_A_CLASS)

    def step(self):
        images, labels = self.batch()
        with self.autocast:
            embeddings = self.network(images)
        embeddings = embeddings.float()
        loss = (torch.nn.functional.cross_entropy(embeddings @ self.weights.T, labels)
                + triplet_loss(embeddings, labels)
                + 0.01 * center_loss(embeddings, labels, self.centers))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.item()


class Inference:
    def __init__(self, name, images, dtype):
        self.trial = 4 if name in torch_networks.NETWORKS else 20
        self.images = images.reshape(-1, *images.shape[2:])
        self.at = 0
        self.dtype = dtype
        eager = make_network(name).eval()
        folded = fold(copy.deepcopy(eager)).to(dtype)
        eager = eager.to(dtype)
        candidates = [eager, folded]
        if torch.__version__ < "2":  # 2.6 compiles for minutes here before its second call
            candidates.append(torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.script(eager))))
        self.network = max(candidates, key=self.speed)

    def speed(self, network):
        self.network = network
        measure(self.step, self.trial // 4)
        return measure(self.step, self.trial)

    def step(self):
        if self.at + BATCH > len(self.images):
            self.at = 0
        with torch.inference_mode():
            self.network(to_input(self.images[self.at:self.at + BATCH]).to(self.dtype))
        self.at += BATCH


def measure(step, steps):
    """Images per second."""
    start = time.perf_counter()
    for _ in range(steps):
        step()
    return steps * BATCH / (time.perf_counter() - start)


def measure_kindred(options):
    more = ["--data", str(options.data)]
    if options.network != "conv4":
        more += ["--architecture", options.network]
    for assignment in options.set:
        more += ["--set", assignment]
    return comparison.measure_kindred(options, options.steps, more,
                                      comparison.own_environment(options.isa, SETTINGS))


def blas():
    maps = Path("/proc/self/maps").read_text()
    return next((name for name in ("openblas", "blis", "mkl") if name in maps), "reference BLAS (slow!)")


def main():
    arguments.add_argument("--network", choices=("conv4", *SIDES), default="conv4")
    arguments.add_argument("--data", type=Path, default=comparison.ROOT / "datasets/omniglot28.h5")
    arguments.add_argument("--steps", type=int, default=30)
    arguments.add_argument("--set", action="append", default=[], help="for kindred bench")
    options = arguments.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    if options.network == "conv4":
        images = load_images(options.data)
    else:
        folder = tempfile.TemporaryDirectory(prefix="compare-pytorch-")
        options.data = Path(folder.name) / "made-up.h5"
        images = make_images(options.data, SIDES[options.network])
    pytorch = (Inference if options.inference else Training)(options.network, images, getattr(torch, options.precision))
    measure(pytorch.step, min(10, options.steps))
    measure_kindred(options)
    rates = comparison.take_turns(options, "PyTorch " + torch.__version__,
                                  lambda: measure(pytorch.step, options.steps), lambda: measure_kindred(options))
    what = "inference" if options.inference else "training step"
    comparison.print_rates(f"{what} of {options.network} in {options.precision}, batch {BATCH}, {options.threads} threads, "
                           f"{options.steps} steps x {options.repeats}; PyTorch with {blas()}"
                           + (f"; both capped to {options.isa}" if options.isa else ""), rates)


if __name__ == "__main__":
    main()
