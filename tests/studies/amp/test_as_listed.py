"""Whether what the listed lines do is seen; what PyTorch makes of them is for the study to say."""

from __future__ import annotations

import warnings

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.amp import as_listed, without_gpu
from studies.amp.listing import (
    AS_LISTED,
    AUTOCAST,
    CPU_AUTOCAST,
    CPU_SCALER,
    LINE,
    LOOP,
    SCALER,
    WARNING,
    found_by_a_process,
    lowers,
    measure,
    scales,
    try_line,
)


class Scaler:
    """In place of PyTorch's: it multiplies by a number, or does nothing and says so."""

    factor = 1.0

    def __init__(self, device: str = "") -> None:
        if self.factor == 1.0:
            warnings.warn("no GPU", UserWarning, stacklevel=2)

    def scale(self, loss: torch.Tensor) -> torch.Tensor:
        return loss * self.factor

    def step(self, optimiser: torch.optim.Optimizer) -> None:
        optimiser.step()

    def update(self) -> None: ...


class Doubling(Scaler):
    """A scaler that acts."""

    factor = 2.0


@pytest.mark.parametrize(("kind", "warned", "acts"), [(Scaler, 1, 0), (Doubling, 0, 1)])
def test_a_warning_is_counted_and_a_scaler_that_scales_is_in_effect(
    kind: type[Scaler], warned: int, acts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.amp, "GradScaler", kind)
    expected = {"warnings": warned, "failed": 0, "in_effect": acts}
    assert try_line(SCALER, "cpu") == try_line(CPU_SCALER, "cpu") == expected


def test_the_loop_acts_where_both_of_its_lines_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.amp, "GradScaler", Doubling)
    autocast = torch.amp.autocast
    for enabled in (True, False):

        def planted(enabled: bool = enabled, **_: object) -> torch.amp.autocast:
            return autocast("cpu", dtype=torch.bfloat16, enabled=enabled)

        monkeypatch.setattr(torch.amp, "autocast", planted)
        for line in (LOOP, AUTOCAST):
            assert try_line(line, "cpu")["in_effect"] == float(enabled)


def test_an_exception_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(device: str = "") -> None:
        raise RuntimeError(device)

    monkeypatch.setattr(torch.amp, "GradScaler", refuse)
    for line in (SCALER, LOOP, CPU_SCALER):
        assert try_line(line, "cpu") == {"warnings": 0, "failed": 1, "in_effect": 0}


def test_a_line_that_warns_is_seen_to_warn() -> None:
    assert try_line(WARNING, "cpu") == {"warnings": 1, "failed": 0, "in_effect": 1}


def test_an_autocast_that_is_off_lowers_nothing() -> None:
    for enabled in (True, False):
        context = torch.amp.autocast("cpu", dtype=torch.bfloat16, enabled=enabled)
        assert lowers(context, "cpu") == enabled
    scaler = torch.amp.GradScaler("cpu", init_scale=1.0)
    assert not scales(scaler, "cpu"), "a scale of one leaves the loss as it is"


def test_a_process_is_asked_for_every_line() -> None:
    found = found_by_a_process(without_gpu.HIDDEN)
    for line in LINE.levels:
        responses = measure(found, Arm((("line", line),)))
        assert set(responses) == {"warnings", "failed", "in_effect"}
    assert found[WARNING]["warnings"] == 1


def test_gpus_are_hidden_where_the_lines_are_tried_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[dict[str, str]] = []
    for module in (as_listed, without_gpu):
        monkeypatch.setattr(module, "found_by_a_process", given.append)
        module.prepare(Block(0, 1, 2))
    assert given == [{}, {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}]


def test_the_claim_is_judged_on_the_lines_as_listed_and_on_a_gpu_alone() -> None:
    judged = [p for p in as_listed.EXPERIMENT.conditions() if p.kind == "claim"]
    assert {p.comparison.arm.as_dict()["line"] for p in judged} == set(AS_LISTED)
    assert as_listed.EXPERIMENT.needs == "cuda"
    assert all(p.kind != "claim" for p in without_gpu.EXPERIMENT.conditions())
    assert CPU_AUTOCAST not in AS_LISTED
