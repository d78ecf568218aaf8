#!/usr/bin/python3
"""Images per second of the reference network on several ranks: `mpirun kindred bench train` against PyTorch's
DistributedDataParallel over Gloo, in one run.

One operation is a complete training step of conv4 on a batch of 128, as in bench/compare_pytorch.py, whose network and
losses these are. The ranks share out the images of the batch; embeddings are gathered, so that losses see all of it at
every rank; gradients are summed. PyTorch gets what makes it fastest here, besides what compare_pytorch.py gives it: no
buffers broadcast, gradients that are views of the buckets, and a gathering that sends nothing on the way back (all
ranks have the same losses, so each knows the gradient of its own rows). Batch norms take the statistics of a rank's own
images there, of slices of 16 here. The two programs take turns; the ranks of the one sleep while those of the other work.

usage: compare_ddp.py [--kindred COMMAND] [--mpirun COMMAND] [--ranks N] [--threads N] [--repeats N] [--steps N] [--precision P] [--isa v2|v3|v4] [--data PATH]
needs: an MPI that Kindred has a plug-in for; PyTorch with Gloo (pip install torch==2.13.0 numpy h5py)
"""
import multiprocessing
import os
import shlex
import sys
import tempfile
import warnings
from pathlib import Path

import comparison

arguments = comparison.parser(__doc__)
import compare_pytorch as single  # noqa: E402 (its parser is not to see --help)
import torch  # noqa: E402
import torch.distributed as dist  # noqa: E402


class Gather(torch.autograd.Function):
    """Everybody's rows. Every rank makes the same loss of them, so the gradient of its own rows is all there is; DDP
    divides by the number of ranks."""

    @staticmethod
    def forward(context, rows):
        everybody = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
        dist.all_gather(everybody, rows)
        return torch.cat(everybody)

    @staticmethod
    def backward(context, gradient):
        return gradient.chunk(dist.get_world_size())[dist.get_rank()] * dist.get_world_size()


class Training(single.Training):
    """Of the whole batch's rows, those of this rank go through the network."""

    def __init__(self, images, dtype):
        super().__init__("conv4", images, dtype)
        self.module = torch.nn.parallel.DistributedDataParallel(
            self.network, broadcast_buffers=False, gradient_as_bucket_view=True)
        self.network = self.whole_batch

    def whole_batch(self, images):
        return Gather.apply(self.module(images).float().contiguous())

    def batch(self):
        images, labels = super().batch()
        return images.chunk(dist.get_world_size())[dist.get_rank()], labels


def rank_of_pytorch(rank, options, meeting, orders):
    """Measures whenever it is told to."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    warnings.filterwarnings("ignore", message=".*broadcast_buffers.*")  # has another name since 2.13
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=options.ranks)
    training = Training(single.load_images(options.data), getattr(torch, options.precision))
    while steps := orders.recv():
        dist.barrier()
        orders.send(single.measure(training.step, steps))
    dist.destroy_process_group()


class Ranks:
    def __init__(self, options, folder):
        spawn = multiprocessing.get_context("spawn")
        self.lines = []
        for rank in range(options.ranks):
            ours, theirs = spawn.Pipe()
            spawn.Process(target=rank_of_pytorch, args=(rank, options, Path(folder) / "meeting", theirs), daemon=True).start()
            theirs.close()  # so that a rank's end is heard
            self.lines.append(ours)

    def measure(self, steps):
        """Images per second, by rank 0's clock."""
        for line in self.lines:
            line.send(steps)
        return [line.recv() for line in self.lines][0]


def main():
    arguments.add_argument("--mpirun", type=shlex.split, default=["mpirun"])
    arguments.add_argument("--ranks", type=int, default=2)
    arguments.add_argument("--data", type=Path, default=comparison.ROOT / "datasets/omniglot28.h5")
    arguments.add_argument("--steps", type=int, default=30)
    arguments.set_defaults(threads=1)
    options = arguments.parse_args()
    if options.inference:
        arguments.error("--inference: there is only training")
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    environment = {**comparison.own_environment(options.isa, single.SETTINGS),
                   "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
                   "OMPI_MCA_plm_rsh_agent": "false"}
    options.kindred = [*options.mpirun, "-n", str(options.ranks), *options.kindred]

    def measure_kindred():
        return comparison.measure_kindred(options, options.steps, ["--data", str(options.data)], environment)

    with tempfile.TemporaryDirectory(prefix="compare-ddp-") as folder:
        ranks = Ranks(options, folder)
        ranks.measure(10)
        measure_kindred()
        rates = comparison.take_turns(options, "PyTorch " + torch.__version__ + " DDP",
                                      lambda: ranks.measure(options.steps), measure_kindred)
        for line in ranks.lines:
            line.send(0)
    comparison.print_rates(f"training step of conv4 in {options.precision}, batch {single.BATCH}, {options.ranks} ranks x "
                           f"{options.threads} threads, {options.steps} steps x {options.repeats}; PyTorch over Gloo"
                           + (f"; both capped to {options.isa}" if options.isa else ""), rates)


if __name__ == "__main__":
    main()
