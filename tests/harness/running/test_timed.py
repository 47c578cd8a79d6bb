"""A timed block on a planted GPU: the rows of its state, what disturbs it, and arms alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pandas as pd
import pytest

from harness.design.aa import AA, COPY
from harness.design.alone import Alone
from harness.design.claims import Claim
from harness.design.contrasts import Ratio
from harness.design.experiment import Experiment
from harness.design.factors import Arm, Factor, PerProfile
from harness.design.gpu_state import QUANTITIES, SLOWDOWNS, UNITS
from harness.design.regions import at_least
from harness.meters.alone import RanAlone, run_alone
from harness.meters.device import TorchDevice
from harness.meters.gpu import NvmlWatch, Unwatched, Watch
from harness.protocol.rules import experiment_rules
from harness.running.block import run_block
from harness.running.measure import failures_in
from harness.store.parquet import schema
from tests.harness.nvml import QUESTIONS, Library
from tests.harness.runs import RecordingDevice

MODE = Factor("mode", ("plain", "shifted", "third"), control="plain")
SECONDS = PerProfile(0.002, 0.2, 0.5)
SLOWER = Claim(
    "P-slow-1", Ratio("seconds", MODE).at(mode="shifted").by_round(), at_least(1.1), "It is."
)


@dataclass
class Gpu(RecordingDevice):
    """A device with a clock of its own and a state that a planted library tells."""

    kind: str = "cuda"
    library: Library = field(default_factory=Library)

    def seconds_between(self, first: object, last: object) -> float | None:
        return 0.25

    def watch(self) -> Watch | None:
        return NvmlWatch(self.library, "handle")


class Unseen(Gpu):
    def watch(self) -> Watch | None:
        return Unwatched("nvidia-ml-py is not installed")


def busy(cell: object, arm: Arm) -> Callable[[], object]:
    return lambda: sum(range(20))


def timed(task: Callable[[Any, Arm], Callable[[], object]] = busy, **more: Any) -> Experiment[Any]:  # noqa: ANN401 - whatever it takes
    return Experiment(
        question="How long does it take?",
        task=task,
        rounds=PerProfile(12, 12, 12),
        aa=AA(0.1, at={"mode": "plain"}),
        factors=(MODE,),
        blocks=PerProfile(5, 5, 5),
        claims=(SLOWER,),
        **more,
    )


def run(device: RecordingDevice, experiment: Experiment[Any] | None = None) -> pd.DataFrame:
    experiment = experiment or timed()
    rules = experiment_rules("planted", experiment, "quick")
    table = run_block(experiment, rules, rules.plan("study", 0)[2], device)
    schema(rules.factors, {**rules.units, **UNITS}).validate(table)
    return table


def state_of(table: pd.DataFrame, phase: str = "state") -> pd.DataFrame:
    return table[table["phase"] == phase]


def test_a_block_on_a_gpu_has_rows_of_its_state_in_a_phase_of_their_own() -> None:
    table = run(Gpu())
    state = state_of(table)
    assert set(state["response"]) == set(UNITS)
    assert {r: set(of["unit"]) for r, of in state.groupby("response")} == {
        name: {unit} for name, unit in UNITS.items()
    }
    assert set(state.loc[state["response"] == "sm_clock", "value"]) == {1980.0}
    assert set(state["status"]) == {"ok"}
    other = table[table["phase"] != "state"]
    assert not set(other["response"]) & set(UNITS)


def test_a_state_stands_beside_the_round_and_the_place_after_which_it_was_read() -> None:
    table = run(Gpu())
    key = ["mode", "copy", "round", "order"]
    seconds = table[(table["phase"] == "measured") & (table["response"] == "seconds")]
    clocks = table[table["response"] == "sm_clock"]
    assert len(clocks.merge(seconds, on=key)) == len(clocks) > 0


def test_the_measured_rows_are_those_of_a_gpu_that_nobody_reads() -> None:
    class Unread(Gpu):
        def watch(self) -> Watch | None:
            return None

    key = ["mode", "copy", "response", "phase", "round", "order", "status", "message"]
    watched, unread = run(Gpu()), run(Unread())
    kept = watched[watched["phase"].isin(["measured"])][key].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        kept, unread[unread["phase"] == "measured"][key].reset_index(drop=True)
    )
    assert state_of(unread).empty


def test_what_reading_the_state_cost_is_stored_for_each_arm_and_stays_below_a_hundredth() -> None:
    table = run(Gpu(), timed(lambda cell, arm: lambda: sum(range(20_000))))
    cost = table[table["response"] == "watching"]
    assert (cost["value"] > 0).all()
    assert len(cost) == len(cost[["mode", "copy"]].drop_duplicates())
    assert cost["value"].sum() < 0.01


def test_a_cpu_has_no_state_to_read() -> None:
    assert set(run(RecordingDevice())["phase"]) == {"warmup", "measured"}


def test_times_at_the_power_limit_are_ok() -> None:
    device = Gpu()
    device.library.card.reasons = 0x4
    table = run(device)
    assert set(table["status"]) == {"ok"}
    assert set(table["message"]) == {""}
    assert set(table.loc[table["response"] == "throttle_reasons", "value"]) == {4.0}


@pytest.mark.parametrize("bit", SLOWDOWNS)
def test_a_slowdown_stands_in_every_row_of_the_block_but_those_of_the_state(bit: int) -> None:
    device = Gpu()
    device.library.card.reasons = bit
    table = run(device)
    times = table[table["phase"] != "state"]
    assert set(times["status"]) == {"disturbed"}
    assert set(times["message"]) == {f"the GPU was {SLOWDOWNS[bit]}"}
    assert set(state_of(table)["status"]) == {"ok"}


def test_several_disturbances_are_told_once_each() -> None:
    device = Gpu()
    device.library.card.reasons, device.library.card.users = 0x20, [1, 2]
    said = "the GPU was slowed down by its temperature; another process used the GPU"
    assert set(run(device)["message"]) == {said, ""}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_quantity_that_is_refused_is_a_row_without_a_value_once_a_block(name: str) -> None:
    device = Gpu()
    device.library.refused[QUESTIONS[name]] = "Not Supported"
    table = run(device)
    state = state_of(table)
    missing = state[state["value"].isna()]
    assert missing[["response", "message"]].to_numpy().tolist() == [[name, "Not Supported"]]
    seen = set(state.loc[state["value"].notna(), "response"])
    assert seen == set(UNITS) - {name}
    assert set(table["status"]) == {"ok"}
    assert failures_in(table) == 0


def test_a_gpu_that_nobody_watches_says_so_for_every_quantity_and_times_are_ok() -> None:
    table = run(Unseen())
    state = state_of(table)
    missing = state[state["response"] != "watching"]
    assert set(missing["response"]) == {quantity.name for quantity in QUANTITIES}
    assert len(missing) == len(QUANTITIES)
    assert set(missing["message"]) == {"nvidia-ml-py is not installed"}
    assert set(table["status"]) == {"ok"}


ALONE = timed(alone=Alone(SECONDS))


def test_the_arms_that_a_claim_compares_run_alone_under_their_first_name() -> None:
    table = run(Gpu(), ALONE)
    alone = table[table["response"] == "alone_seconds"]
    assert set(zip(alone["mode"], alone["copy"], strict=True)) == {
        ("plain", "first"),
        ("shifted", "first"),
    }
    assert set(alone["phase"]) == {"measured"}
    assert (alone["value"] > 0).all()


def test_each_arm_alone_is_read_the_clock_of_in_a_phase_of_its_own() -> None:
    state = state_of(run(Gpu(), ALONE), "alone")
    assert sorted(zip(state["mode"], state["response"], strict=True)) == [
        (mode, name) for mode in ("plain", "shifted") for name in ("sm_clock", "throttle_reasons")
    ]


def test_on_a_cpu_nothing_runs_alone() -> None:
    table = run(RecordingDevice(), ALONE)
    assert "alone_seconds" not in set(table["response"])


def test_what_disturbs_an_arm_alone_leaves_the_rounds_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device = Gpu()

    def heat_up(*given: Any) -> RanAlone:  # noqa: ANN401 - as the real one takes
        device.library.card.reasons = 0x20
        return run_alone(*given)

    monkeypatch.setattr("harness.running.timed.run_alone", heat_up)
    table = run(device, ALONE)
    disturbed = table[table["status"] == "disturbed"]
    assert set(disturbed["response"]) == {"alone_seconds"}
    assert set(disturbed["message"]) == {"the GPU was slowed down by its temperature"}


def test_an_arm_that_fails_alone_keeps_its_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [ValueError("out of breath")]

    def fail_once(*given: Any) -> RanAlone:  # noqa: ANN401 - as the real one takes
        if failures:
            raise failures.pop()
        return run_alone(*given)

    monkeypatch.setattr("harness.running.timed.run_alone", fail_once)
    table = run(Gpu(), ALONE)
    failed = table[table["status"] == "failed"]
    assert failed["response"].tolist() == ["alone_seconds"]
    assert failed["message"].str.startswith("ValueError: out of breath").all()
    alone = table[table["response"] == "alone_seconds"]
    assert sorted(alone["status"]) == ["failed", "ok"]


def test_a_profile_that_gives_no_time_runs_nothing_alone() -> None:
    table = run(Gpu(), timed(alone=Alone(PerProfile(0.0, 0.2, 0.5))))
    assert "alone_seconds" not in set(table["response"])


@pytest.mark.parametrize(("kind", "failed"), [("cuda", True), ("cpu", False)])
def test_an_arm_that_cannot_be_built_fails_alone_where_it_would_have_run(
    kind: str, failed: bool
) -> None:
    def task(cell: object, arm: Arm) -> Callable[[], object]:
        if arm[MODE] == "shifted" and arm[COPY] == "first":
            raise ValueError("no such thing")
        return lambda: None

    device = Gpu() if kind == "cuda" else RecordingDevice()
    table = run(device, timed(task, alone=Alone(SECONDS)))
    rows = table[(table["mode"] == "shifted") & (table["response"] == "alone_seconds")]
    assert (len(rows) > 0) is failed
    assert set(rows["status"]) <= {"failed"}


def test_an_arm_that_fails_and_would_not_have_run_alone_has_no_such_row() -> None:
    def task(cell: object, arm: Arm) -> Callable[[], object]:
        if arm[MODE] == "third":
            raise ValueError("no such thing")
        return lambda: None

    table = run(Gpu(), timed(task, alone=Alone(SECONDS)))
    failed = table[table["status"] == "failed"]
    assert set(failed["mode"]) == {"third"}
    assert "alone_seconds" not in set(failed["response"])


@pytest.mark.cuda
def test_a_real_gpu_is_read_at_a_cost_below_a_hundredth() -> None:
    import torch

    def task(cell: object, arm: Arm) -> Callable[[], object]:
        a = torch.randn(4096, 4096, device="cuda")
        return lambda: a @ a

    table = run(cast(RecordingDevice, TorchDevice("cuda")), timed(task, alone=Alone(SECONDS)))
    state = table[table["phase"] == "state"]
    assert (state["response"] == "watching").any()
    assert state.loc[state["response"] == "watching", "value"].sum() < 0.01
