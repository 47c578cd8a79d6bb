"""One worker of a group of processes: it drops units as PyTorch has it, and tells which.

Run as a program with the path of the file where the group meets, its rank and the group's size.
Nothing is seeded until all masks that are asked for without a seed are drawn.
"""

from __future__ import annotations

import json
import sys

from harness.libraries import nn, torch

UNITS = 256
SEED = 0


def masks(rank: int) -> dict[str, list[int]]:
    """The units that layers in several states leave, as numbers.

    Args:
        rank: of this worker, which a process group has already.
    """
    from torch.nn.parallel import DistributedDataParallel

    linear = nn.Linear(1, UNITS)
    nn.init.zeros_(linear.weight)
    nn.init.ones_(linear.bias)
    net = nn.Sequential(linear, nn.Dropout(0.5))
    parallel = DistributedDataParallel(net).train()
    found = {"alone": kept(nn.Dropout(0.5)(torch.ones(UNITS)))}
    found["parallel"] = kept(parallel(torch.ones(1, 1))[0])
    torch.manual_seed(SEED)
    found["seeded"] = kept(nn.Dropout(0.5)(torch.ones(UNITS)))
    torch.manual_seed(SEED + rank)
    found["seeded by rank"] = kept(nn.Dropout(0.5)(torch.ones(UNITS)))
    return found


def kept(output: torch.Tensor) -> list[int]:
    """Which units of a layer's output are not zero."""
    return torch.nonzero(output.detach()).flatten().tolist()


def main(meeting: str, rank: int, size: int) -> None:
    """Join the group, draw, and print the masks."""
    from torch import distributed

    torch.set_num_threads(1)
    distributed.init_process_group("gloo", f"file://{meeting}", rank=rank, world_size=size)
    sys.stdout.write(json.dumps(masks(rank)) + "\n")
    distributed.barrier()
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
