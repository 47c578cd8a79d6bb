"""The rows that loaders draw: samplers by name, and the numbers of the rows batch by batch.

The data set is the numbers of its own rows, so that a batch says which rows it holds. All go
through a DataLoader in the main process; only the sampler differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from harness.libraries import torch
from studies.dataloader.loaders import make_loader

if TYPE_CHECKING:
    from torch.utils.data import DataLoader, DistributedSampler

IN_ORDER, SHUFFLED, FRESH = "in order", "shuffled", "fresh permutations"
WEIGHTED, DISTRIBUTED, DROPPED = "weighted", "distributed", "last batch dropped"

#: The chapter's set of 900 dogs and 100 cats, stored one class after the other.
DOGS, CATS = 900, 100


def loader_of(kind: str, rows: int, batch: int, *, ranks: int = 3) -> Sequence[DataLoader[Any]]:
    """The loaders that together read a set of numbered rows: one, or one a rank.

    Args:
        kind: "shuffled" and the like, see the names of this module.
        rows: how many rows the set has.
        batch: rows in a batch.
        ranks: of the distributed sampler.
    """
    data, samplers = range(rows), torch.utils.data
    settings: dict[str, Any] = {"batch_size": batch, "collate_fn": list}
    if kind == DISTRIBUTED:
        split: list[DistributedSampler[Any]] = [
            samplers.DistributedSampler(data, num_replicas=ranks, rank=rank)  # type: ignore[arg-type]
            for rank in range(ranks)
        ]
        return [make_loader(data, sampler=each, **settings) for each in split]
    if kind == WEIGHTED:
        settings["sampler"] = samplers.WeightedRandomSampler(class_weights(rows), rows)
    elif kind == FRESH:
        settings["sampler"] = FreshPermutations(rows, batch)
    else:
        settings |= {"shuffle": kind != IN_ORDER, "drop_last": kind == DROPPED}
    return [make_loader(data, **settings)]


def class_weights(rows: int) -> list[float]:
    """For each row one over the size of its class; of ten rows the last one is of the rare class.

    Args:
        rows: a multiple of ten.
    """
    rare = rows * CATS // (DOGS + CATS)
    return [1 / (rows - rare)] * (rows - rare) + [1 / rare] * rare


class FreshPermutations:
    """A sampler that draws a new permutation before every batch, and takes its beginning."""

    def __init__(self, rows: int, batch: int) -> None:
        self.rows, self.batch = rows, batch

    def __len__(self) -> int:
        return self.rows

    def __iter__(self) -> Iterator[int]:
        for start in range(0, self.rows, self.batch):
            size = min(self.batch, self.rows - start)
            yield from torch.randperm(self.rows)[:size].tolist()


def epoch_of(loaders: Sequence[DataLoader[Any]]) -> list[list[int]]:
    """The batches of an epoch, each as the numbers of its rows, rank after rank."""
    return [batch for loader in loaders for batch in loader]


def flat(batches: Sequence[Sequence[int]]) -> list[int]:
    """The rows of some batches, one after another."""
    return [row for batch in batches for row in batch]
