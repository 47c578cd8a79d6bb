"""Whether two processes end with the same weights."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
import torch

from harness.design.factors import Arm, Block
from harness.errors import HarnessError
from harness.figures.style import slide_style
from studies.determinism import repeat
from studies.determinism.process import Answer, Request
from studies.determinism.repeat import (
    ALONE,
    EVERYTHING,
    EXPERIMENT,
    NOTHING,
    PAIRS,
    STRICT,
    WORKLOAD,
    augmented,
    measure,
    prepare,
    run,
    what_makes_runs_equal,
)
from studies.determinism.settings import CUBLAS
from studies.determinism.workloads import GRAPH, TRANSFORMER

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
    planted(monkeypatch, spoil=GRAPH)
    cell = prepare(Block(0, 1, 2))
    with pytest.raises(HarnessError, match="no deterministic implementation"):
        measure(cell, arm(STRICT, GRAPH, ALONE))
    assert measure(cell, arm(STRICT, TRANSFORMER, ALONE)) == {"equal": [1]}


def test_a_training_starts_from_its_seed_or_from_one_of_the_operating_system(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without any step the fingerprint is that of the first weights."""
    monkeypatch.setattr(repeat, "train_step", lambda net, x: None)
    assert run(PLAIN) == run(PLAIN) != run({**PLAIN, "seed": 4})
    unseeded = {**PLAIN, "setting": NOTHING}
    assert run(unseeded) != run(unseeded)


def test_a_training_has_the_threads_and_workers_that_it_is_asked_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[int] = []
    loader = torch.utils.data.DataLoader

    def watched(*given: Any, num_workers: int, **settings: Any) -> Any:  # noqa: ANN401 - torch's
        seen.append(num_workers)
        return loader(*given, **settings)

    monkeypatch.setattr(torch.utils.data, "DataLoader", watched)
    monkeypatch.setattr(torch, "set_num_threads", seen.append)
    run({**PLAIN, "threads": 7, "workers": 3})
    assert seen == [7, 3]


def test_augmentation_is_new_at_every_reading() -> None:
    data = augmented(torch.zeros(2, 3))
    assert not torch.equal(data[0][0], data[0][0])


def planted_equality(pair: str) -> tuple[float, float]:
    """For two seeds: threads that differ never give equality, two threads each sometimes do."""
    never, sometimes = "1 thread, then 2", "2 threads each"
    return {never: (0.0, 0.0), sometimes: (1.0, 0.0)}.get(pair, (1.0, 1.0))


def planted_rows(failing: str = "") -> pd.DataFrame:
    """Such rows, one workload of which failed."""
    rows = []
    for each in EXPERIMENT.arms():
        levels = each.as_dict()
        values = planted_equality(str(levels["processes"]))
        if levels["workload"] == failing:
            values = (float("nan"),) * 2
        rows += [{**levels, "block": 0, "value": value} for value in values]
    return pd.DataFrame(rows)


def test_the_matrix_counts_pairs_of_runs_and_its_title_those_of_unchanged_scripts() -> None:
    with slide_style():
        figure = what_makes_runs_equal(planted_rows())
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words.count("0 of 2") == len(WORKLOAD.levels), "threads that differ"
    assert words.count("1 of 2") == len(WORKLOAD.levels), "two threads each"
    # Six networks with one thread, half of six with two threads, two of them with workers.
    assert "in 22 of 28 pairs" in figure.get_suptitle()


def test_a_training_that_failed_is_shown_as_failed() -> None:
    with slide_style():
        figure = what_makes_runs_equal(planted_rows(failing=GRAPH))
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words.count("failed") == 4


def test_an_unchanged_script_of_usual_networks_is_judged_and_nothing_else() -> None:
    judged = [p.comparison.arm.as_dict() for p in EXPERIMENT.conditions() if p.kind == "claim"]
    assert {levels["setting"] for levels in judged} == {EVERYTHING}
    for levels in judged:
        one, other = PAIRS[str(levels["processes"])]
        assert one == other
        assert levels["workload"] != GRAPH
