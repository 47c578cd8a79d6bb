"""The timed steps; nothing is timed here."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from harness.figures.style import slide_style
from studies.sampling.reshuffling_cost import (
    EXPERIMENT,
    FRESH,
    NET,
    ROWS,
    SHUFFLE,
    cost_by_size,
    prepare,
    task,
)
from tests.studies.planted_times import planted_table, verdicts


@pytest.mark.parametrize(("shuffle", "drawn"), [("rows given", 0), (FRESH, 1)])
def test_only_a_fresh_permutation_is_drawn_in_the_step(
    shuffle: str, drawn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm = Arm((("shuffle", shuffle), ("net", "perceptron"), ("rows", 1000)))
    step = task(prepare(Block(0, 1, 2)), arm)
    sizes: list[int] = []
    randperm = torch.randperm

    def counted(size: int) -> torch.Tensor:
        sizes.append(size)
        return randperm(size)

    monkeypatch.setattr(torch, "randperm", counted)
    step()
    assert sizes == [1000] * drawn


def times(arm: Arm) -> float:
    if arm[SHUFFLE] != FRESH:
        return 0.001
    return 0.001 * (1.3 if arm[ROWS] >= 10_000 and arm[NET] == "perceptron" else 1.01)


def test_a_planted_cost_is_judged_at_the_size_of_the_passage() -> None:
    found = verdicts(EXPERIMENT, planted_table(EXPERIMENT, times))
    judged = {name: verdict for name, verdict in found.items() if name.startswith("C2.09")}
    assert sorted(judged.values()) == ["refuted", "reproduced"]
    assert sum(name.startswith("beyond C2.09") for name in found) == 4


def test_the_figure_tells_the_cost_at_ten_thousand() -> None:
    table = planted_table(EXPERIMENT, times, noise=0)
    with slide_style():
        title = cost_by_size(table).get_suptitle()
        assert "1.30 (99 % interval 1.30 to 1.30) times as long" in title
        missing = table[table["rows"] != 10_000]
        assert "not measured" in cost_by_size(missing).get_suptitle()
