"""Copies to a GPU, as far as a machine without one can tell."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.dataloader import overlap, transfer
from tests.studies.planted_times import planted_table, verdicts


def seconds(arm: Arm, pageable: float) -> float:
    levels: dict[str, Any] = arm.as_dict()
    slower = pageable if levels["memory"] == "pageable" else 1.0
    return 1e-5 + slower * float(levels["mib"]) * 2**20 / 25e9


@pytest.mark.parametrize(("pageable", "verdict"), [(1.1, "reproduced"), (1.0, "refuted")])
def test_the_edge_is_a_twentieth_longer(pageable: float, verdict: str) -> None:
    def planted(arm: Arm) -> float:
        return seconds(arm, pageable)

    experiment = transfer.EXPERIMENT
    table = planted_table(experiment, planted)
    found = verdicts(experiment, table)
    claims = {name: word for name, word in found.items() if name.startswith("C1.11")}
    assert list(claims.values()) == [verdict]
    assert "32 images" in next(iter(claims))
    (axes,) = transfer.bandwidth_by_size(table).axes
    slower = seconds_ratio(pageable)
    assert f"{slower:.2f} times as fast" in axes.get_title()


def seconds_ratio(pageable: float) -> float:
    """That of a batch of images, by hand."""
    copy = 32 * 3 * 224 * 224 * 4 / 25e9
    return (1e-5 + pageable * copy) / (1e-5 + copy)


def test_a_copy_goes_from_the_named_memory_to_the_target() -> None:
    source, target = transfer.host_bytes("pageable", 1), torch.zeros(2**20, dtype=torch.uint8)
    levels = (("memory", "pageable"), ("non_blocking", True), ("mib", 1.0))
    transfer.task({("pageable", 1.0): (source, target)}, Arm(levels))()
    assert bool(target.all())


class Stream:
    """Records what is asked of it, in the order asked."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log

    def wait_stream(self, other: Stream) -> None:
        if other is not self:
            self.log.append(f"{self.name} waits for {other.name}")

    def __enter__(self) -> None:
        self.log.append(f"on {self.name}")

    def __exit__(self, *_: object) -> None:
        self.log.append("on main")


class Target:
    """A copy's other end."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def copy_(self, source: str, *, non_blocking: bool) -> None:
        self.log.append(f"copy {source}, {non_blocking}")


@pytest.mark.parametrize(
    ("work", "stream", "expected"),
    [
        ("products", "same", ["mm"] * 4),
        ("copy", "same", ["on main", "copy bytes, True", "on main"]),
        (
            "both",
            "own",
            [
                "own waits for main",
                *["mm"] * 4,
                "on own",
                "copy bytes, True",
                "on main",
                "main waits for own",
            ],
        ),
    ],
)
def test_a_copy_on_its_own_stream_starts_and_ends_with_the_products(
    work: str, stream: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[str] = []
    main, own = Stream("main", log), Stream("own", log)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: main)
    monkeypatch.setattr(torch.cuda, "stream", lambda entered: entered)
    monkeypatch.setattr(torch, "mm", lambda *_, out: log.append("mm"))
    parts: Any = ({"pinned": "bytes"}, Target(log), "matrix", "product", own)
    cell = overlap.Cell(*parts)
    levels = (("work", work), ("memory", "pinned"), ("non_blocking", True), ("stream", stream))
    overlap.task(cell, Arm(levels))()
    assert log == expected


def test_what_overlaps_is_hidden() -> None:
    def planted(arm: Arm) -> float:
        levels = arm.as_dict()
        copy, products = 2.0, 10.0
        if levels["work"] == "both":
            return products if levels["stream"] == "own" else products + copy
        return copy if levels["work"] == "copy" else products

    table = planted_table(overlap.EXPERIMENT, planted, noise=0.0)
    (axes,) = overlap.hidden_share(table).axes
    assert axes.get_title().startswith("100 % of a copy")


@pytest.mark.cuda
def test_copies_arrive_on_a_gpu() -> None:
    cell = overlap.prepare(Block(0, 1, 2, "cuda"))
    for arm in overlap.EXPERIMENT.arms():
        cell.target.zero_()
        overlap.task(cell, arm)()
        torch.cuda.synchronize()
        assert bool(cell.target.all()) == (arm.as_dict()["work"] != "products")
