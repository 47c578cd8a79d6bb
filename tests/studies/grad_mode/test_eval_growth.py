"""What grows over an evaluation."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from harness.design.factors import Arm, Block
from studies.grad_mode.eval_growth import (
    DETACHED,
    LAYERS,
    LISTED,
    MIB,
    ROWS,
    STEPS,
    WIDTH,
    Cell,
    measure,
    prepare,
)

ACTIVATION = ROWS * WIDTH * 4 / MIB


@pytest.fixture(scope="module")
def cell() -> Cell:
    cell = prepare(Block(0, 1, 2))
    return Cell(cell.net, cell.batches[:10])


@pytest.mark.parametrize(
    ("grad", "keep", "activations"),
    [
        ("enabled", LISTED, 0),
        ("enabled", "outputs", LAYERS),  # each ReLU's output, and the output itself
        ("enabled", "losses", LAYERS),  # the loss keeps the logarithms of the shares instead
        ("enabled", "sum of losses", LAYERS),
        ("enabled", DETACHED, 1),
        ("no_grad", LISTED, 0),
        ("no_grad", "outputs", 1),
        ("no_grad", DETACHED, 1),
    ],
)
def test_growth_is_that_counted_by_hand(cell: Cell, grad: str, keep: str, activations: int) -> None:
    found = measure(cell, Arm((("grad", grad), ("kept", keep))))
    assert found["growth"] == pytest.approx(activations * ACTIVATION, abs=1e-4)
    assert found["bend"] == pytest.approx(0, abs=1e-4)
    assert found["graphs"] == pytest.approx(activations / LAYERS, abs=1e-3)


def test_a_graph_is_what_a_batch_keeps_for_backward(cell: Cell) -> None:
    assert cell.graph == pytest.approx(LAYERS * ACTIVATION, rel=1e-3)


GROWN = """
import psutil
from harness.design.factors import Block
from studies.grad_mode.eval_growth import prepare

net, batches = prepare(Block(0, 1, 2))
net(batches[0][0])
process = psutil.Process()
before = process.memory_info().rss
kept = [net(x) for x, _ in batches]
print((process.memory_info().rss - before) / 2**20)
"""


def test_a_process_grows_by_what_the_meter_counts(cell: Cell) -> None:
    done = subprocess.run(
        [sys.executable, "-c", GROWN],
        capture_output=True,
        text=True,
        check=True,
        # The C library would not find room in the holes that freed, aligned blocks leave.
        env=os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536"},
    )
    a_batch = measure(cell, Arm((("grad", "enabled"), ("kept", "outputs"))))["growth"]
    assert float(done.stdout) == pytest.approx(STEPS * float(str(a_batch)), rel=0.1)


def test_growth_that_bends_is_no_line() -> None:
    cell = prepare(Block(0, 1, 2))
    few = [(x[:8], y[:8]) for x, y in cell.batches[:20]]
    late = Cell(cell.net, [*few, *cell.batches[20:]])
    found = measure(late, Arm((("grad", "enabled"), ("kept", "losses"))))
    assert float(str(found["bend"])) > 1
