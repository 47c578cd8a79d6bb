"""Early stopping and schedulers, read off recorded curves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.design.factors import Arm, Block
from studies.tuning.patience import (
    EXPERIMENT,
    NEVER,
    NONE,
    Curves,
    first_cut,
    measure,
    swing,
)
from studies.tuning.tasks import LISTING
from tests.studies.tuning.planted import history, rows


def cut_by_torch(losses: list[float]) -> int:
    """After how many epochs torch's own scheduler first reduces the rate."""
    weight = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([weight], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, patience=3, factor=0.5)
    for done, loss in enumerate(losses, 1):
        scheduler.step(loss)
        if optimiser.param_groups[0]["lr"] < 1:
            return done
    return len(losses)


@pytest.mark.parametrize("seed", range(20))
def test_the_first_cut_is_where_torchs_scheduler_cuts(seed: int) -> None:
    random = np.random.default_rng(seed)
    falling = np.exp(-np.arange(40) / 15) + 0.05 * random.normal(size=40) + 1
    assert first_cut(falling) == cut_by_torch(falling.tolist())


def test_a_rate_that_is_never_cut_runs_to_the_end() -> None:
    assert first_cut(np.linspace(2, 1, 30)) == 30


def test_swings_are_scatter_around_a_straight_line() -> None:
    random = np.random.default_rng(1)
    losses = random.normal(size=(50, 2)) + np.arange(50)[:, None] * [0.0, 3.0]
    time = np.arange(20)
    rest = [late - np.polyval(np.polyfit(time, late, 1), time) for late in losses[-20:].T]
    assert swing(losses) == pytest.approx([each.std() for each in rest])


def curves_of(val: list[float], test: list[float]) -> Curves:
    """One block whose trainings all have these curves."""
    curves = Curves((Block(0, 0, 9),))
    planted = history(np.array(val)[:, None], test_loss=np.array(test)[:, None])
    for scheduler in (False, True):
        curves.histories[LISTING, NONE, scheduler] = planted
    return curves


def at(patience: int, *, scheduler: bool) -> Arm:
    return Arm(
        (
            ("task", LISTING),
            ("regulariser", NONE),
            ("scheduler", scheduler),
            ("patience", patience),
        )
    )


VAL = [5.0, 4.0, *[4.5] * 6, 3.0, *[3.5] * 31]
TEST = [float(place) for place in range(len(VAL))]


def test_patience_decides_which_epoch_is_kept_and_how_many_are_run() -> None:
    curves = curves_of(VAL, TEST)
    short, long, never = (measure(curves, at(p, scheduler=True))[0] for p in (5, 10, NEVER))
    assert (short["test_loss"], short["epochs"]) == (1, 7)
    assert (long["test_loss"], long["epochs"]) == (8, 19)
    assert (never["test_loss"], never["epochs"]) == (39, 40)
    assert short["price"] == pytest.approx(1 / 8)
    assert short["over_scheduler"] == pytest.approx(1 / 39)
    assert long["share_25"] == pytest.approx(19 / 25)
    assert never["curve"] == TEST


def test_epochs_at_a_reduced_rate_are_those_between_the_cut_and_the_stop() -> None:
    curves = curves_of(VAL, TEST)
    cut = cut_by_torch(VAL)
    assert cut == 6
    assert measure(curves, at(5, scheduler=True))[0]["at_reduced"] == 7 - cut
    assert measure(curves, at(10, scheduler=True))[0]["at_reduced"] == 19 - cut
    assert measure(curves, at(5, scheduler=False))[0]["at_reduced"] == 0


def test_the_figure_says_when_training_stops() -> None:
    def value(arm: dict[str, int], response: str, _: int) -> float:
        return 30.0 if response == "epochs" else 1.1 if arm["patience"] == 5 else 1.0

    title = EXPERIMENT.figures[0](rows(EXPERIMENT, value, blocks=8)).get_suptitle()
    assert "stops after 30 epochs" in title
    assert "is +10.0 %" in title
