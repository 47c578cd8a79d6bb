"""Where examples come from, and one loader that reads from any of them.

Five kinds of data: rows in memory, JPEG files of three sizes, and storage that makes one wait. The
system is asked to forget a file as soon as it has been read, so that it comes from the disk the
next time, where the system and the file system heed that. The storage that makes one wait does so
for a stated time, as a network or a spinning disk would, and keeps no processor busy.

An epoch is a number of batches of a size that the kind has: an epoch of each lasts about as long,
and kinds are not compared with each other.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from PIL import Image

from harness.libraries import torch
from studies.dataloader.files import ImageFolder, photo
from studies.dataloader.loaders import make_loader, read_all

if TYPE_CHECKING:
    from torch import Tensor
    from torch.utils.data import DataLoader

MEMORY, WAITING = "in memory", "storage that waits"
SMALL, MIDDLE, LARGE = "small JPEGs", "JPEGs of middle size", "large JPEGs"
KINDS = (MEMORY, SMALL, MIDDLE, LARGE, WAITING)
#: Width and height in pixels; those of middle size are as large as ImageNet's are on average.
SIZES = {SMALL: (96, 96), MIDDLE: (500, 375), LARGE: (800, 600)}
FILES = {SMALL: 64, MIDDLE: 16, LARGE: 8}
SIDE = 64
FEATURES = 3 * SIDE * SIDE
WAIT_SECONDS = 0.002


class Store(Protocol):
    """Endless examples: an input of ``FEATURES`` bytes, and a label of two."""

    def __getitem__(self, index: int) -> tuple[Tensor, int]: ...


class Rows:
    """Rows of a tensor in memory."""

    def __init__(self, count: int) -> None:
        self.rows = torch.zeros(count, FEATURES, dtype=torch.uint8)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.rows[index % len(self.rows)], index % 2


class Jpegs:
    """JPEG files, each read, decoded, made small, turned into a tensor, and forgotten."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = paths

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        with Path(self.paths[index % len(self.paths)]).open("rb") as file:
            with Image.open(file) as image:
                small = image.resize((SIDE, SIDE), reducing_gap=2)
            forget(file.fileno())
        return torch.frombuffer(bytearray(small.tobytes()), dtype=torch.uint8), index % 2


def forget(file: int) -> None:
    """Ask the system to have nothing of an open file in its cache; not every system can."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)


class Waiting(Rows):
    """Rows that take a while to come, during which nothing is computed."""

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        time.sleep(WAIT_SECONDS)
        return super().__getitem__(index)


@dataclass(frozen=True)
class Stores:
    """All kinds as one data set, whose examples are asked for by kind and number.

    So one set of workers serves all kinds, and an experiment needs no more of them than it has
    levels of workers.
    """

    stores: Mapping[str, Store]

    def __getitem__(self, index: tuple[str, int]) -> tuple[Tensor, int]:
        kind, number = index
        return self.stores[kind][number]


@dataclass
class Epoch:
    """A batch sampler: the batches of an epoch of one kind, which may be changed between epochs.

    Attributes:
        batches: how many.
        sizes: examples of a batch, by kind.
        kind: what to read next.
    """

    batches: int
    sizes: Mapping[str, int]
    kind: str = MEMORY

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[list[tuple[str, int]]]:
        size = self.sizes[self.kind]
        for number in range(self.batches):
            yield [(self.kind, number * size + i) for i in range(size)]


@dataclass(frozen=True)
class Reader:
    """A loader and the sampler that tells it what to read."""

    loader: DataLoader[Any]
    epoch: Epoch

    def batches(self, kind: str) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of an epoch of a kind."""
        self.epoch.kind = kind
        return iter(self.loader)

    def read(self, kind: str) -> None:
        """Load an epoch of a kind, and do nothing with it."""
        self.epoch.kind = kind
        read_all(self.loader)


def write_files(seed: int) -> dict[str, ImageFolder]:
    """The image files that the stores read; they are there as long as what is returned is."""
    folders = {
        kind: ImageFolder(photo(seed + i, *size) for i in range(FILES[kind]))
        for kind, size in SIZES.items()
    }
    for path in (path for folder in folders.values() for path in folder.paths):
        with Path(path).open("rb") as file:
            os.fsync(file.fileno())  # what is not on the disk yet cannot be forgotten
    return folders


def open_stores(folders: Mapping[str, ImageFolder]) -> Stores:
    """A store of each kind."""
    return Stores(
        {
            MEMORY: Rows(1024),
            WAITING: Waiting(64),
            **{kind: Jpegs(folder.paths) for kind, folder in folders.items()},
        }
    )


def open_reader(stores: Stores, epoch: Epoch, workers: int, **settings: int) -> Reader:
    """A loader of epochs, whose workers stay from one epoch to the next.

    Args:
        stores: what to read from.
        epoch: the loader's own.
        workers: how many processes; 0 loads in this one.
        settings: what else DataLoader takes.
    """
    loader = make_loader(
        stores,
        batch_sampler=epoch,
        num_workers=workers,
        persistent_workers=workers > 0,
        **settings,
    )
    return Reader(loader, epoch)
