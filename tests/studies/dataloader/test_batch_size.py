"""What a call works on, and what a batch beside a power of two is held against."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.dataloader.batch_size import (
    EXPERIMENT,
    NET,
    ROWS,
    beside_powers_of_two,
    prepare,
    task,
)
from tests.studies.planted_times import planted_table, verdicts


@pytest.mark.parametrize("net", NET.levels)
def test_a_call_is_two_steps_on_as_many_rows_as_the_level_says(net: str) -> None:
    cell = prepare(Block(0, 1, 2))
    rows: list[int] = []
    cell.nets[net].register_forward_hook(lambda _, inputs, output: rows.append(len(output)))
    before = torch.nn.utils.parameters_to_vector(cell.nets[net].parameters()).clone()
    for sizes in ("63 and 65", "64 twice"):
        task(cell, Arm((("net", net), ("sizes", sizes))))()
    assert rows == [63, 65, 64, 64]
    after = torch.nn.utils.parameters_to_vector(cell.nets[net].parameters())
    assert not torch.equal(before, after)


def test_both_sides_of_a_comparison_have_as_many_rows() -> None:
    totals = {level: sum(sizes) for level, sizes in ROWS.items()}
    assert totals["63 and 65"] == totals["64 twice"]
    assert totals["1023 and 1025"] == totals["1024 twice"]


def seconds(arm: Arm, row: float, step: float, beside: float = 1.0) -> float:
    """Steps of a fixed time, rows of their own, and steps that are dearer beside a power of two."""
    sizes = ROWS[str(arm.as_dict()["sizes"])]
    even = sizes[0] == sizes[1]
    return sum(step + row * size for size in sizes) * (1.0 if even else beside)


@pytest.mark.parametrize(
    ("step", "beside", "pays", "large"),
    [
        (0.0, 1.0, "refuted", "refuted"),
        (0.0, 1.1, "reproduced", "refuted"),
        (0.1, 1.0, "refuted", "reproduced"),
    ],
)
def test_being_a_power_of_two_is_told_from_being_large(
    step: float, beside: float, pays: str, large: str
) -> None:
    table = planted_table(EXPERIMENT, lambda arm: seconds(arm, 1e-3, step, beside))
    found = verdicts(EXPERIMENT, table)
    of_powers = {v for k, v in found.items() if "1,023 and 1,025" in k or "63 and 65" in k}
    of_large = {v for k, v in found.items() if "batches of 64 over batches of 1,024" in k}
    assert (of_powers, of_large) == ({pays}, {large})
    (axes,) = beside_powers_of_two(table).axes
    assert f"{beside:.2f} times as long" in axes.get_title()


def test_failing_networks_are_missing_in_the_figure() -> None:
    table = planted_table(EXPERIMENT, lambda arm: seconds(arm, 1e-3, 0.0))
    (axes,) = beside_powers_of_two(table[table["net"] != "CNN"]).axes
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["perceptron", "encoder"]
