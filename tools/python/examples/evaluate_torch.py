#!/usr/bin/env python3
"""Embeddings made in PyTorch: a network is trained there with Kindred's loss, and measured by Kindred.

usage: evaluate_torch.py [STEPS]
needs: torch
"""
import sys

import torch

import kindred
import kindred.torch

CLASSES, EACH, DEPTH = 120, 10, 64


def make_samples() -> tuple[torch.Tensor, torch.Tensor]:
    """12 numbers tell the classes, 52 are louder, and all are mixed."""
    random = torch.Generator().manual_seed(1)
    labels = torch.arange(CLASSES).repeat_interleave(EACH)
    telling = torch.randn(CLASSES, 12, generator=random)[labels] + 0.3 * torch.randn(len(labels), 12, generator=random)
    louder = 2 * torch.randn(len(labels), DEPTH - 12, generator=random)
    mixed = torch.linalg.qr(torch.randn(DEPTH, DEPTH, generator=random)).Q
    return torch.cat([telling, louder], dim=1) @ mixed, labels


def main(steps: int) -> None:
    torch.manual_seed(1)
    samples, labels = make_samples()
    network = torch.nn.Sequential(torch.nn.Linear(DEPTH, 256), torch.nn.ReLU(), torch.nn.Linear(256, 32))
    loss = kindred.torch.ProxyAnchor(num_classes=CLASSES // 2, embedding_size=32)
    optimizer = torch.optim.Adam([{"params": network.parameters(), "lr": 3e-3},
                                  {"params": loss.parameters(), "lr": 3e-2}])
    half = labels < CLASSES // 2  # the other classes are for measuring

    def measure() -> kindred.eval.Retrieval:
        with torch.no_grad():
            embeddings = network(samples[~half])
        return kindred.eval.retrieval(embeddings, labels[~half], recall_at=[1], map=False)

    before = measure()
    for _ in range(steps):
        optimizer.zero_grad()
        value = loss(network(samples[half]), labels[half])
        value.backward()  # type: ignore[no-untyped-call]  # torch's own
        optimizer.step()
    after = measure()
    print(after)

    # The same by the names of pytorch-metric-learning.
    with torch.no_grad():
        embeddings = network(samples[~half])
    calculator = kindred.torch.AccuracyCalculator(include=("precision_at_1", "mean_average_precision_at_r"),
                                                  similarity="cosine")
    print(calculator.get_accuracy(embeddings, labels[~half]))
    assert after["map@r"] > 2 * before["map@r"]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
