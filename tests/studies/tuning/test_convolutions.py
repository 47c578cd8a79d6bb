"""Dropout of pixels and of maps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.design.factors import Arm, Block
from harness.libraries import nn
from studies.tuning import convolutions
from studies.tuning.convolutions import DIGITS, EXPERIMENT, NORMED, PATCHES, Images, measure
from tests.studies.tuning.planted import history, rows


@pytest.mark.parametrize(
    ("setting", "dropout", "kinds"),
    [
        (DIGITS, "pixels, 0.2", [("Dropout", 0.2)] * 2),
        (NORMED, "maps, 0.1", [("Dropout2d", 0.1)] * 2),
        (PATCHES, "no dropout", []),
    ],
)
def test_an_arm_trains_the_network_that_it_names(
    setting: str, dropout: str, kinds: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[nn.Module] = []

    def fit(make: object, *_: object) -> object:
        assert callable(make)
        built.append(make())
        return history([[1.0]])

    monkeypatch.setattr(convolutions, "fit", fit)
    images = Images((replace(Block(0, 5, 9), effort=1),))
    measure(images, Arm((("setting", setting), ("dropout", dropout))))
    modules = list(built[0].modules())
    found = [(type(m).__name__, m.p) for m in modules if isinstance(m, (nn.Dropout, nn.Dropout2d))]
    assert found == kinds
    assert any(isinstance(m, nn.BatchNorm2d) for m in modules) == (setting == NORMED)


def test_the_figure_says_what_maps_do_against_pixels() -> None:
    def value(arm: dict[str, str], *_: object) -> float:
        return 0.9 + 0.03 * arm["dropout"].startswith("maps")

    title = EXPERIMENT.figures[0](rows(EXPERIMENT, value, blocks=8)).get_suptitle()
    assert "+3.0 points" in title
