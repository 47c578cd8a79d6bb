"""Trainings in processes of their own."""

from __future__ import annotations

import io
import json
import sys
from types import ModuleType

import pytest
import torch
from torch import nn

from harness.errors import HarnessError
from studies.determinism.process import ask, fingerprint, serve, weights_of


def test_answers_come_in_the_order_of_the_requests_from_each_process() -> None:
    requests = [{"seed": seed} for seed in (3, 1, 2, 1)]
    answers = ask("tests.studies.determinism.echo", requests)
    seeds = [[weights_of(answer) for answer in of_process] for of_process in answers]
    assert seeds == [["of seed 3", "of seed 1", "of seed 2", "of seed 1"]] * 2


def test_a_process_that_fails_says_why() -> None:
    with pytest.raises(HarnessError, match=r"No module named .*absent"):
        ask("studies.determinism.absent", [{"seed": 1}], processes=1)


def test_a_training_that_raises_is_an_answer_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(request: dict[str, int]) -> dict[str, str]:
        if request["seed"] == 2:
            raise RuntimeError("not deterministic")
        return {"weights": "abc"}

    planted = ModuleType("planted")
    vars(planted)["run"] = run
    monkeypatch.setitem(sys.modules, "planted", planted)
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    monkeypatch.setattr(sys, "stdin", io.StringIO('[{"seed": 1}, {"seed": 2}]'))
    serve("planted")
    good, bad = json.loads(capsys.readouterr().out)
    assert weights_of(good) == "abc"
    with pytest.raises(HarnessError, match="RuntimeError: not deterministic"):
        weights_of(bad)


def test_a_fingerprint_changes_with_the_last_bit_of_a_weight_or_buffer() -> None:
    net = nn.BatchNorm1d(3)
    before = fingerprint(net)
    assert fingerprint(nn.BatchNorm1d(3)) == before
    running = net.running_mean
    assert isinstance(running, torch.Tensor)
    running[0] = 1e-45
    assert fingerprint(net) != before
