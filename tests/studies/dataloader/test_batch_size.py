"""What a step works on, and how time for a step becomes time for an example."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.dataloader.batch_size import BATCH, EXPERIMENT, NET, prepare, task, time_of_an_example
from tests.studies.planted_times import planted_table, verdicts


@pytest.mark.parametrize("net", NET.levels)
def test_a_step_trains_on_as_many_rows_as_the_batch_has(net: str) -> None:
    cell = prepare(Block(0, 1, 2))
    rows: list[int] = []
    cell.nets[net].register_forward_hook(lambda _, inputs, output: rows.append(len(output)))
    before = torch.nn.utils.parameters_to_vector(cell.nets[net].parameters()).clone()
    for batch in (63, 128):
        task(cell, Arm((("net", net), ("batch", batch))))()
    assert rows == [63, 128]
    after = torch.nn.utils.parameters_to_vector(cell.nets[net].parameters())
    assert not torch.equal(before, after)


def seconds(arm: Arm, beside: float, fixed: float = 0.0) -> float:
    """So many examples of one millisecond each, dearer beside a power of two."""
    batch = dict(arm.levels)["batch"]
    assert isinstance(batch, int)
    return fixed + batch * 1e-3 * (1.0 if batch in (64, 128) else beside)


@pytest.mark.parametrize(("beside", "verdict"), [(1.05, "reproduced"), (1.0, "refuted")])
def test_an_example_is_compared_with_an_example(beside: float, verdict: str) -> None:
    table = planted_table(EXPERIMENT, lambda arm: seconds(arm, beside))
    found = verdicts(EXPERIMENT, table)
    claims = [word for name, word in found.items() if name.startswith("C9.06")]
    assert claims == [verdict] * 6 * len(NET.levels)
    (axes,) = time_of_an_example(table).axes
    assert f"{beside:.2f}" in axes.get_title()


def test_every_size_beside_a_power_of_two_is_judged() -> None:
    judged = {
        comparison.arm.as_dict()["batch"]
        for rule, comparison, _ in EXPERIMENT.conditions()
        if getattr(rule, "id", "") == "C9.06"
    }
    assert judged == set(BATCH.levels) - {64, 128}
