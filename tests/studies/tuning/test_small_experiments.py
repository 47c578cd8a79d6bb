"""Trainings of one arm each: what an arm trains is what it names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.design.factors import Arm, Block
from harness.libraries import nn
from harness.workloads.regularisers import StochasticDepth
from harness.workloads.samples import Sample
from studies.tuning import listing_three, memorised, progressive, ranges
from studies.tuning.cohort import Cohort, by_block
from studies.tuning.progressive import PROGRESSIVE, SHAPES
from studies.tuning.tasks import CANCER, DIGITS, LISTING
from tests.studies.tuning.planted import history

BLOCKS = (replace(Block(0, 11, 9), effort=1), replace(Block(1, 12, 9), effort=1))


def test_the_pattern_falls_behind_the_wide_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[nn.Module] = []

    def fit(make: object, *_: object) -> object:
        assert callable(make)
        built.append(make())
        return history([[1.0, 1.0]])

    monkeypatch.setattr(progressive, "fit", fit)
    shape = "640, 128 and 64 units"
    levels = (("data", CANCER), ("shape", shape), ("pattern", PROGRESSIVE))
    progressive.measure(Cohort(BLOCKS), Arm(levels))
    rates = [m.p for m in built[0].modules() if isinstance(m, nn.Dropout)]
    widths = [m.out_features for m in built[0].modules() if isinstance(m, nn.Linear)]
    assert rates == [0.5, 0.3, 0.3]
    assert tuple(widths[:-1]) == SHAPES[shape]


def test_a_quarter_of_the_labels_is_wrong_but_for_listing_3(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[float] = []

    def fit(_: object, sample: Sample, __: object) -> object:
        seen.append(float(sample.wrong.double().mean()))
        return history([[1.0, 1.0]])

    monkeypatch.setattr(memorised, "fit", fit)
    cohort = Cohort(BLOCKS)
    for task in (CANCER, LISTING):
        memorised.measure(cohort, Arm((("task", task), ("fix", memorised.START))))
    assert seen == pytest.approx([0.25, 0.0])


def test_decay_by_itself_is_rate_times_decay_times_steps() -> None:
    """An epoch of 1,400 rows in batches of 64 has 22 steps."""
    listed = listing_three.prepare(BLOCKS)
    found = listing_three.measure(listed, Arm((("decay", 1e-3),)))
    assert [each["decayed"] for each in found] == pytest.approx([22e-6] * 2)
    assert [each["gap"] for each in found] == pytest.approx(
        [each["train_score"] - each["val_score"] for each in found]  # type: ignore[operator]
    )


@pytest.mark.parametrize("setting", [CANCER, ranges.CONVOLUTIONAL])
def test_stochastic_depth_has_the_survival_probability_of_its_end(setting: str) -> None:
    data = DIGITS if setting == ranges.CONVOLUTIONAL else setting
    sample = Cohort(BLOCKS).sample(data)
    deep, plain = (ranges.network_of(sample, setting, survival)() for survival in (0.8, None))
    depths = [m.survival for m in deep.modules() if isinstance(m, StochasticDepth)]
    assert depths == [0.8] * ranges.RESIDUAL_BLOCKS
    assert not [m for m in plain.modules() if isinstance(m, StochasticDepth)]


def test_a_cohort_draws_a_sample_once_and_another_for_other_rows() -> None:
    cohort = Cohort(BLOCKS)
    assert cohort.sample(CANCER) is cohort.sample(CANCER)
    assert cohort.sample(CANCER, held_out=50).test.y.shape == (2, 50)


def test_numbers_of_all_blocks_are_those_of_each() -> None:
    read = {"a": np.array([1.0, 2.0]), "b": np.array([3.0, 4.0])}
    assert by_block(read) == [{"a": 1, "b": 3}, {"a": 2, "b": 4}]
