"""Reading the clock's rows: the numbers of a figure are those of the verdict."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from harness.design.aa import AA, COPY
from harness.design.contrasts import Ratio
from harness.design.factors import Factor, cross
from harness.figures.times import (
    by_block,
    device_of,
    measured_on,
    rounds_of,
    say_allowance,
    say_power_limit,
)
from harness.judging.aa import Allowance
from harness.judging.effects import Rows, compute_effect
from tests.harness import states
from tests.harness.fakes import observations

GRAD = Factor("grad", ("on", "off"), control="on")
SIZE = Factor("size", (1, 2))
FACTORS = (GRAD, SIZE, COPY)
ARMS = AA(0.1, at={"grad": "on"}).spread(cross((GRAD, SIZE)))
RNG = np.random.default_rng(0)
SECONDS = {tuple(arm.as_dict().values()): RNG.uniform(1, 2, (8, 5)) for arm in ARMS}


def table(**columns: object) -> pd.DataFrame:
    return observations(SECONDS, FACTORS, **{"response": "seconds", "unit": "s", **columns})


def test_the_ratio_of_a_figure_is_that_of_the_verdict() -> None:
    rounds = rounds_of(table(), GRAD, SIZE)
    values = by_block(rounds["off", 2] / rounds["on", 2])
    (comparison,) = Ratio("seconds", GRAD).at(size=2).by_round().comparisons(ARMS)
    effect = compute_effect(comparison, Rows(table(), [f.name for f in FACTORS], 8))
    assert values.tolist() == pytest.approx(list(effect.values))


def test_warm_up_copies_and_other_responses_are_left_out() -> None:
    other = [table(phase="warmup"), table(response="device_seconds"), table()]
    rounds = rounds_of(pd.concat(other), GRAD, SIZE)
    assert set(rounds) == {("on", 1), ("on", 2), ("off", 1), ("off", 2)}
    for (grad, size), values in rounds.items():
        assert values.tolist() == SECONDS[grad, size, "first"].ravel().tolist()


def test_one_factor_names_an_arm_by_a_tuple_as_well() -> None:
    assert set(rounds_of(table(), GRAD)) == {("on",), ("off",)}


def test_a_device_with_a_clock_of_its_own_is_a_gpu() -> None:
    assert device_of(table()) == "CPU"
    assert device_of(table(response="device_seconds")) == "CUDA"


def test_a_run_s_table_says_what_it_was_measured_on() -> None:
    table = pd.DataFrame({"response": ["loss"]})
    assert device_of(table) == "CPU"
    table.attrs["device"] = "cuda"
    assert device_of(table) == "CUDA"


def on_a_gpu(reasons: float, phase: str = "state") -> pd.DataFrame:
    own = states.times(response="device_seconds")
    return pd.concat([own, states.state({"throttle_reasons": reasons}, phase)], ignore_index=True)


def test_what_was_measured_on_says_that_a_gpu_was_at_its_power_limit() -> None:
    assert measured_on(table()) == "CPU"
    assert measured_on(on_a_gpu(1)) == "CUDA"
    assert measured_on(on_a_gpu(4)) == "CUDA at its power limit"
    assert measured_on(on_a_gpu(4, "alone")) == "CUDA", "the figure shows the rounds"
    assert measured_on(on_a_gpu(float("nan"))) == "CUDA", "nobody knows"


@pytest.mark.parametrize(
    ("reasons", "title", "added"),
    [
        (4, "It is slower", True),
        (4, "It is slower (CUDA at its power limit)", False),
        (0, "It is slower", False),
    ],
)
def test_a_figure_of_a_limited_gpu_says_so_once(reasons: float, title: str, added: bool) -> None:
    figure = Figure()
    figure.subplots().set_title(title)
    say_power_limit(figure, on_a_gpu(reasons))
    assert [text.get_text() for text in figure.texts] == ["the GPU at its power limit"] * added


@pytest.mark.parametrize(
    ("factor", "said"),
    [(1.0, []), (1.034, ["verdicts allow the clock \N{PLUS-MINUS SIGN}3.4 % (A/A)"])],
)
def test_a_figure_says_what_its_intervals_leave_out(factor: float, said: list[str]) -> None:
    figure = Figure()
    say_allowance(figure, Allowance(factor))
    assert [text.get_text() for text in figure.texts] == said
