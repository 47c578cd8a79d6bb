"""Readers deliver what was asked for, from any kind of storage and with any number of workers."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studies.dataloader import stores
from studies.dataloader.stores import (
    FEATURES,
    KINDS,
    SIDE,
    WAIT_SECONDS,
    Epoch,
    Jpegs,
    Rows,
    Waiting,
    open_reader,
    open_stores,
    write_files,
)


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        stores,
        "SIZES",
        {"small JPEGs": (96, 96), "JPEGs of middle size": (120, 90), "large JPEGs": (160, 120)},
    )
    monkeypatch.setattr(
        stores, "FILES", {"small JPEGs": 3, "JPEGs of middle size": 2, "large JPEGs": 2}
    )


@pytest.mark.parametrize("workers", [0, 2])
def test_one_reader_reads_every_kind_in_any_order(workers: int) -> None:
    folders = write_files(0)
    sizes = {kind: size for size, kind in enumerate(KINDS, start=1)}
    reader = open_reader(open_stores(folders), Epoch(5, sizes), workers)
    for kind in (*KINDS, *KINDS[::-1]):
        batches = [(tuple(x.shape), tuple(y.shape)) for x, y in reader.batches(kind)]
        assert batches == [((sizes[kind], FEATURES), (sizes[kind],))] * 5


def test_all_numbers_of_workers_read_the_same() -> None:
    folders = write_files(0)
    opened = open_stores(folders)
    sizes = dict.fromkeys(KINDS, 4)
    one, other = (open_reader(opened, Epoch(3, sizes), workers) for workers in (0, 2))
    for kind in KINDS:
        pairs = zip(one.batches(kind), other.batches(kind), strict=True)
        assert all(x.equal(u) and y.equal(v) for (x, y), (u, v) in pairs)


def test_an_image_is_decoded_and_made_small() -> None:
    folder = write_files(7)["large JPEGs"]
    paths = folder.paths
    with Image.open(paths[1]) as image:
        expected = np.asarray(image.resize((SIDE, SIDE)), dtype=float)
    found = Jpegs(paths)[3][0].numpy().reshape(SIDE, SIDE, 3)
    assert np.abs(found - expected).mean() < 2, "made small in two steps, the first a coarse one"


def test_storage_that_waits_waits() -> None:
    waiting = Waiting(4)
    started = time.perf_counter()
    for index in range(10):
        assert waiting[index][0].equal(Rows(4)[index][0])
    assert time.perf_counter() - started >= 10 * WAIT_SECONDS


def test_an_epoch_has_consecutive_examples_of_its_kind() -> None:
    epoch = Epoch(2, {"in memory": 2, "small JPEGs": 3})
    assert list(epoch) == [
        [("in memory", 0), ("in memory", 1)],
        [("in memory", 2), ("in memory", 3)],
    ]
    epoch.kind = "small JPEGs"
    assert [len(batch) for batch in epoch] == [3, 3]
    assert len(epoch) == 2


def test_a_file_is_forgotten_after_it_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(
        stores, "forget", lambda file: asked.append(Path(f"/proc/self/fd/{file}").readlink())
    )
    folder = write_files(7)["large JPEGs"]
    reading = Jpegs(folder.paths)
    for index in (0, 1, 2):
        reading[index]
    assert asked == [Path(folder.paths[i]).resolve() for i in (0, 1, 0)]
