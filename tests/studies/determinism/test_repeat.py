"""Whether two processes end with the same weights."""

from __future__ import annotations

import pandas as pd
import pytest
import torch

from harness.design.factors import Arm, Block
from harness.errors import HarnessError
from harness.figures.style import slide_style
from studies.determinism import repeat
from studies.determinism.process import Answer, Request
from studies.determinism.repeat import (
    AUGMENTED,
    EVERYTHING,
    EXPERIMENT,
    NOTHING,
    PAIRS,
    STRICT,
    augmented,
    measure,
    prepare,
    run,
    what_makes_runs_equal,
)
from studies.determinism.settings import CUBLAS

PLAIN: Request = {
    "setting": EVERYTHING,
    "workload": "small conv net",
    "threads": 1,
    "workers": 0,
    "seed": 3,
    "device": "cpu",
}


def planted(monkeypatch: pytest.MonkeyPatch, spoil: str = "") -> list[dict[str, str]]:
    """Processes that agree where threads and workers do; the variables they were given."""
    given: list[dict[str, str]] = []

    def answer(request: Request) -> Answer:
        if request["workload"] == spoil:
            return {"error": "RuntimeError: no deterministic implementation"}
        return {"weights": f"{request['threads']} {request['workers']}"}

    def ask(
        module: str, requests: list[Request], *, variables: dict[str, str]
    ) -> list[list[Answer]]:
        given.append(variables)
        return [[answer(request) for request in requests] for _ in range(2)]

    monkeypatch.setattr(repeat, "ask", ask)
    return given


def arm(setting: str, kind: str, pair: str) -> Arm:
    return Arm((("setting", setting), ("workload", kind), ("processes", pair)))


def test_the_arms_compare_the_processes_they_name(monkeypatch: pytest.MonkeyPatch) -> None:
    planted(monkeypatch)
    cell = prepare(Block(0, 1, 2, effort=3))
    for each in EXPERIMENT.arms():
        one, other = PAIRS[str(each.as_dict()["processes"])]
        assert measure(cell, each) == {"equal": [float(one == other)] * 3}


@pytest.mark.parametrize(("device", "groups"), [("cpu", 1), ("cuda", 2)])
def test_on_a_gpu_strict_trainings_alone_get_the_setting_of_cublas(
    device: str, groups: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = planted(monkeypatch)
    prepare(Block(0, 1, 2, device))
    assert given == [{}, CUBLAS][:groups]


def test_a_training_that_failed_fails_its_own_arms_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    planted(monkeypatch, spoil="index_add")
    cell = prepare(Block(0, 1, 2))
    with pytest.raises(HarnessError, match="no deterministic implementation"):
        measure(cell, arm(STRICT, "index_add", "1 thread each"))
    assert measure(cell, arm(STRICT, "attention", "1 thread each")) == {"equal": [1]}


def test_a_training_repeats_with_seeds_and_not_without() -> None:
    assert run(PLAIN) == run(PLAIN)
    assert run({**PLAIN, "setting": NOTHING}) != run({**PLAIN, "setting": NOTHING})


def test_workers_change_augmented_data_and_no_others() -> None:
    threads = torch.get_num_threads()
    for kind, same in (("small conv net", True), (AUGMENTED, False)):
        alone, with_workers = (
            run({**PLAIN, "workload": kind, "workers": workers}) for workers in (0, 2)
        )
        assert (alone == with_workers) == same
    torch.set_num_threads(threads)


def test_augmentation_is_new_at_every_reading() -> None:
    data = augmented(torch.zeros(2, 3))
    assert not torch.equal(data[0][0], data[0][0])


def planted_equality(pair: str) -> tuple[float, float]:
    """For two seeds: threads that differ never give equality, two threads each sometimes do."""
    return {"1 and 2 threads": (0.0, 0.0), "2 threads each": (1.0, 0.0)}.get(pair, (1.0, 1.0))


def test_the_matrix_tells_what_is_equal_in_words() -> None:
    rows = [
        {**each.as_dict(), "block": 0, "value": value}
        for each in EXPERIMENT.arms()
        for value in planted_equality(str(each.as_dict()["processes"]))
    ]
    with slide_style():
        figure = what_makes_runs_equal(pd.DataFrame(rows))
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words.count("all 6 differ") == 4
    assert words.count("0 of 6\nalways equal") == 4
    assert words.count("all 6 equal") == 5
    assert words.count("all 2 equal") == 8
    assert words.count("not tried") == 4
    title = figure.get_suptitle()
    assert "in 3 of 5 cases" in title
    assert "2 seeds" in title
