"""What a machine can measure."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from rich.console import Console

from harness.calibration.noise import Noise, measure_noise
from harness.cli.doctor import _machine_table, _work, capabilities, noise_sentences
from harness.judging.intervals import Interval
from tests.harness.runs import House


def test_the_doctor_describes_machine_claims_and_noise_and_writes_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.cli.doctor._work", lambda: dict)
    ended = house("doctor")
    assert ended.code == 0, ended.err
    for said in ("usable cores", "0.0.stub", "GiB free for results", "needs a CUDA GPU: not here"):
        assert said in ended.out
    assert "Noise now" in ended.out
    assert not house.results.exists()


@pytest.mark.parametrize(
    ("remarks", "said"),
    [
        ([], "neither throttled nor shared"),
        (["it is hot", "it is shared"], "it is hot; it is shared"),
    ],
)
def test_the_doctor_says_what_disturbs_a_gpu_now(
    remarks: list[str], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("harness.meters.gpu.remarks", lambda: remarks)
    machine = {
        "cpu": "Planted",
        "usable_cores": 2,
        "memory_gib": 4.0,
        "python": "3.11",
        "torch": {"version": "2", "cuda": "13", "gpu": {"name": "H100", "memory_gib": 79.0}},
    }
    table = _machine_table(machine, tmp_path)
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(table)
    shown = console.export_text()
    assert "H100, 79.0 GiB" in shown
    assert said in shown


@pytest.mark.parametrize(
    ("device", "sentence"),
    [("cpu", "needs a CUDA GPU: not here"), ("cuda", "can be measured here")],
)
def test_claims_that_need_a_gpu_can_be_measured_where_there_is_one(
    device: str, sentence: str, house: House
) -> None:
    found = capabilities(device)
    assert {need: count for need, (count, _) in found.items()} == {
        "cpu": 5,
        "cpu or cuda": 1,
        "cuda": 1,
        "field data": 1,
    }
    assert found["cuda"][1] == sentence
    assert found["cpu"][1] == "can be measured here"
    assert device in found["cpu or cuda"][1]


def test_the_needs_of_the_real_catalogue_are_all_known() -> None:
    assert sum(count for count, _ in capabilities("cpu").values()) == 503


def test_without_torch_the_doctor_says_what_is_missing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    ended = house("doctor")
    assert ended.code == 2
    assert "needs torch, which is not installed here" in ended.err


def test_the_doctors_own_work_can_be_timed() -> None:
    assert measure_noise(_work(), pairs=8).seconds_a_call > 0


def test_the_noise_is_told_with_its_interval_and_half_width() -> None:
    sentence = noise_sentences(Noise(Interval(1.001, 0.99, 1.03), 0.87, 0.00125))
    for said in ("1.25 ms", "ratio 1.0010", "0.9900 to 1.0300", "half-width 2.00%", "ratio 0.8700"):
        assert said in sentence
